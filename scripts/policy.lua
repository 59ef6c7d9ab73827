-- The stock policy: what `policy.rules` of the configuration says, rule by rule; the first that
-- matches and says something about the question decides.
--
--	policy:
--	  rules:
--	    - name: yealink behind cgnat
--	      match: {user_agent: "Yealink*", network: cgnat}
--	      keepalive: {message: "\r\n\r\n", period: 15, method: udp}   # or `keepalive: off`
--	      no_timer: {max_duration: 3600, action: probe}               # or `no_timer: 3600`
--	      media: on
--
-- A rule without `match` is for everybody. The name of the rule is the second result, so that
-- `holdlinectl policy explain` can say who decided.

local policy = {}
local rules = config.policy and config.policy.rules or {}

local function name_of(rule, index)
	return rule.name or "rule " .. index
end

-- The rules that say something about a question, with their names: most say nothing about most.
local function rules_about(key)
	local found = {}
	for index, rule in ipairs(type(rules) == "table" and rules or {}) do
		if type(rule) == "table" and rule[key] ~= nil then
			found[#found + 1] = {rule = rule, name = name_of(rule, index), value = rule[key]}
		end
	end
	return found
end

local about = {}
for _, key in ipairs {"keepalive", "no_timer", "media"} do
	about[key] = rules_about(key)
end

-- `keepalive: on` and `media: auto` leave it as configured, and end the search.
if #about.keepalive > 0 then
	function policy.keepalive(endpoint)
		for _, entry in ipairs(about.keepalive) do
			if match(entry.rule, endpoint) then
				if entry.value == true then return nil end
				return entry.value, entry.name
			end
		end
	end
end

if #about.no_timer > 0 then
	function policy.no_timer(call, leg)
		for _, entry in ipairs(about.no_timer) do
			if match(entry.rule, call[leg.side]) then
				return entry.value, entry.name
			end
		end
	end
end

if #about.media > 0 then
	function policy.media(call)
		for _, entry in ipairs(about.media) do
			if match(entry.rule, call.caller) or match(entry.rule, call.callee) then
				if entry.value == "auto" then return nil end
				return entry.value and "on" or "off", entry.name
			end
		end
	end
end

-- What --check and reload ask: the rules' own mistakes, before a call runs into them.
local known = {
	rule = {name = true, match = true, keepalive = true, no_timer = true, media = true},
	keepalive = {message = true, period = true, method = true},
	no_timer = {max_duration = true, action = true},
}

local mistakes = {} -- "policy.rules[1].media: must be on": what --check shows at their places

local function complain(where, text)
	mistakes[#mistakes + 1] = where .. ": " .. text
end

local function check_keys(where, table, allowed)
	for key in pairs(table) do
		if not allowed[key] then complain(where, "unknown key " .. tostring(key)) end
	end
end

local function check_number(where, value, least, most)
	if value ~= nil and (math.type(value) ~= "integer" or value < least or value > most) then
		complain(where, ("%s is not a whole number from %d to %d"):format(value, least, most))
	end
end

local function check_word(where, value, ...)
	for _, word in ipairs {...} do
		if value == word then return end
	end
	complain(where, tostring(value) .. " is not one of " .. table.concat({...}, ", "))
end

local check = {}

function check.keepalive(where, value)
	if type(value) == "boolean" then return end
	if type(value) ~= "table" then return complain(where, "must be off, on or a map") end
	check_keys(where, value, known.keepalive)
	check_number(where .. ".period", value.period, 10, 86400)
	if value.message ~= nil and type(value.message) ~= "string" then
		complain(where .. ".message", "must be text")
	end
	if value.method ~= nil then
		check_word(where .. ".method", value.method, "udp", "options", "crlf")
	end
end

function check.no_timer(where, value)
	if type(value) ~= "table" then
		check_number(where, value, 0, 86400)
		return
	end
	check_keys(where, value, known.no_timer)
	check_number(where .. ".max_duration", value.max_duration, 0, 86400)
	if value.action ~= nil then
		check_word(where .. ".action", value.action, "hangup", "probe")
	end
end

function check.media(where, value)
	if type(value) ~= "boolean" and value ~= "auto" then
		complain(where, "must be on, off or auto")
	end
end

local function check_rule(where, rule)
	if type(rule) ~= "table" then return complain(where, "must be a map") end
	check_keys(where, rule, known.rule)
	if rule.name ~= nil and type(rule.name) ~= "string" then
		complain(where .. ".name", "must be text")
	end
	local good, reason = pcall(match, rule, {})
	if not good then mistakes[#mistakes + 1] = where .. "." .. reason end
	for key, checker in pairs(check) do
		if rule[key] ~= nil then checker(where .. "." .. key, rule[key]) end
	end
end

local function is_list(value)
	if type(value) ~= "table" then return false end
	for key in pairs(value) do
		if math.type(key) ~= "integer" then return false end
	end
	return true
end

-- All mistakes at once, a line each.
function policy.selftest()
	mistakes = {}
	if not is_list(rules) then
		complain("policy.rules", "must be a list")
	else
		for index = 1, #rules do check_rule("policy.rules[" .. index .. "]", rules[index]) end
	end
	if #mistakes > 0 then error(table.concat(mistakes, "\n"), 0) end
end

return policy
