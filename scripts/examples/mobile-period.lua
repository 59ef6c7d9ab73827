-- A mobile network forgets a mapping within half a minute and every heartbeat costs battery; a fixed
-- line keeps it for minutes. So each gets the longest period that its network allows. Shows:
-- keepalive, register, match with networks, what `network` of an endpoint is for.

local MOBILE = {network = {"mobile", "lte"}}
local FIXED = {network = "office", nat = true}

local policy = {version = "1"}

function policy.keepalive(endpoint)
	if match(MOBILE, endpoint) then return {period = 25}, "mobile" end
	if match(FIXED, endpoint) then return {period = 110}, "fixed line" end
end

-- A phone that moves between cells shall not be looked for where it was an hour ago.
function policy.register(endpoint)
	if match(MOBILE, endpoint) then return {expires = 180}, "mobile" end
end

function policy.selftest()
	assert(policy.keepalive({network = "lte", nat = true}).period == 25, "mobile")
	assert(policy.keepalive({network = "office", nat = true}).period == 110, "fixed")
	assert(policy.keepalive({network = "office", nat = false}) == nil, "no NAT")
	assert(policy.register({network = "mobile", nat = true}).expires == 180, "expiry")
end

return policy
