-- Least-cost routing from a table in the configuration: the longest prefix decides, its gateways are
-- tried from the cheapest on. Shows: route, data of one's own under `policy`, longest match.
--
--	policy:
--	  script: least-cost.lua
--	  rules:
--	    - {prefix: "0049", gateways: {carrier-a: 0.8, carrier-b: 1.1}}
--	    - {prefix: "00", gateways: {carrier-b: 4.0, carrier-c: 3.5}}

local policy = {version = "1"}

-- Sorted once, when the script is loaded: a call only walks its digits.
local function sorted(gateways)
	local list = {}
	for name, cost in pairs(gateways) do list[#list + 1] = {name = name, cost = cost} end
	table.sort(list, function(a, b) return a.cost < b.cost end)
	local targets = {}
	for i, entry in ipairs(list) do targets[i] = "gateway:" .. entry.name end
	return targets
end

local by_prefix, longest = {}, 0
for index, row in ipairs(config.policy and config.policy.rules or {}) do
	if type(row.prefix) ~= "string" or type(row.gateways) ~= "table" then
		error("policy.rules[" .. index .. "]: needs prefix (in quotes) and gateways", 0)
	end
	by_prefix[row.prefix] = sorted(row.gateways)
	longest = math.max(longest, #row.prefix)
end

function policy.route(call)
	local number = call.callee.user
	for length = math.min(longest, #number), 1, -1 do
		local targets = by_prefix[number:sub(1, length)]
		if targets then return targets, "prefix " .. number:sub(1, length) end
	end
end

function policy.selftest()
	for name in pairs(config.gateways or {}) do assert(type(name) == "string") end
	for prefix, targets in pairs(by_prefix) do
		for _, target in ipairs(targets) do
			local name = target:match("^gateway:(.*)")
			if not (config.gateways and config.gateways[name]) then
				error("prefix " .. prefix .. ": there is no gateway " .. name, 0)
			end
		end
	end
end

return policy
