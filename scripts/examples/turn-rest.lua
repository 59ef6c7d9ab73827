-- Credentials for a TURN server that are good for a while only (coturn with `use-auth-secret`): the
-- user name is the time it ends and the user, the password its HMAC-SHA1 under a secret that the two
-- servers share. Each registration gets fresh ones, in headers of its 200. Whoever reads the 200 has
-- them: register over TLS, or hand out what ends soon.
-- Shows: headers, crypto, clock, data of one's own.
--
--	policy:
--	  script: turn-rest.lua
--	  rules:
--	    - {turn_secret: north, turn_server: "turn:turn.example.org:3478", turn_seconds: 86400}

local policy = {version = "1"}

local turn = config.policy and config.policy.rules and config.policy.rules[1] or {}
local secret = turn.turn_secret and tostring(turn.turn_secret)
local seconds = turn.turn_seconds or 86400

function policy.register(endpoint)
	if not secret then return end
	local name = ("%d:%s"):format(clock() // 1 + seconds, endpoint.user)
	return {headers = {
		["X-Turn-Server"] = turn.turn_server,
		["X-Turn-Username"] = name,
		["X-Turn-Password"] = crypto.base64(crypto.hmac("SHA-1", secret, name)),
	}}, "turn"
end

-- RFC 2202, test case 2: a secret that is wrong here would be wrong for coturn, too.
function policy.selftest()
	local mac = crypto.hex(crypto.hmac("SHA-1", "Jefe", "what do ya want for nothing?"))
	assert(mac == "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79")
	if math.type(seconds) ~= "integer" then error("turn_seconds is no whole number", 0) end
end

return policy
