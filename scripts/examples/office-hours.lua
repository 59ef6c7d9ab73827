-- Calls to the hotline ring the desk from nine to five, Monday to Friday; a voice box answers at any
-- other time. Shows: route, clock, groups that ring together, a rejection.

local HOTLINE = "100"
local DESK = {"user:1001", "user:1002"} -- ring together
local VOICE_BOX = "user:1900"
local UTC_OFFSET = 1 -- hours; clock() counts in UTC

local policy = {}

local function is_open()
	local seconds = math.floor(clock()) + UTC_OFFSET * 3600
	local hour = seconds // 3600 % 24
	local weekday = (seconds // 86400 + 3) % 7 -- 0 is Monday: the epoch was a Thursday
	return weekday < 5 and hour >= 9 and hour < 17
end

function policy.route(call)
	if call.callee.user == HOTLINE then
		if is_open() then
			return {DESK, VOICE_BOX}, "hotline, open"
		end
		return {VOICE_BOX}, "hotline, closed"
	end
	-- Premium numbers are for the management only.
	if call.callee.user:find("^00900") and not call.caller.user:find("^10%d%d$") then
		return {reject = 403, reason = "Not Allowed"}, "no premium numbers"
	end
end

return policy
