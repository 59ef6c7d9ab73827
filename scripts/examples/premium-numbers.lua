-- Premium numbers and faraway countries are what a stolen password is used for. They are refused
-- unless the account says otherwise (`endpoints: {"1001": {...}}` has no place for that, so the list
-- is here). Shows: route with a refusal, sets, log, the answer nil for everybody else.

local PREMIUM = {"0900", "0049900", "00882", "00883", "00216", "00371"}
local ALLOWED = {["1001"] = true, ["1100"] = true}

local policy = {version = "1"}

local function is_premium(number)
	for _, prefix in ipairs(PREMIUM) do
		if number:sub(1, #prefix) == prefix then return true end
	end
	return false
end

function policy.route(call)
	if is_premium(call.callee.user) and not ALLOWED[call.caller.user] then
		log.warn("premium number refused:", call.caller.user, "->", call.callee.user)
		return {reject = 403, reason = "Premium Numbers Are Blocked"}, "premium numbers"
	end
end

policy.tests = {
	refused = function()
		local answer = policy.route {caller = {user = "1002"}, callee = {user = "0900123"}}
		assert(answer.reject == 403)
	end,
	allowed = function()
		return policy.route {caller = {user = "1001"}, callee = {user = "0900123"}} == nil
	end,
	others = function()
		return policy.route {caller = {user = "1002"}, callee = {user = "0301234"}} == nil
	end,
}

return policy
