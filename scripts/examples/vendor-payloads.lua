-- What keeps a pinhole open differs by make: some boxes drop a lone CRLF, some phones answer nothing
-- but a SIP request. Shows: keepalive, patterns, a table as the place to add the next make.

local BY_MAKE = {
	{agent = "^Yealink", name = "yealink", answer = {message = "\r\n\r\n"}},
	{agent = "^Grandstream", name = "grandstream", answer = {message = "\0\0\0\0"}},
	{agent = "^Cisco/SPA", name = "cisco spa", answer = {method = "options"}},
	{agent = "^snom", name = "snom", answer = {message = "\r\n\r\n", period = 20}},
	{agent = "^Linphone", name = "linphone", answer = false}, -- sends its own
}

local policy = {version = "1"}

function policy.keepalive(endpoint)
	for _, make in ipairs(BY_MAKE) do
		if endpoint.user_agent:find(make.agent) then
			return make.answer, make.name
		end
	end
end

policy.tests = {
	each_make = function()
		for _, case in ipairs {
			{"Yealink SIP-T46S 66.84", "\r\n\r\n"}, {"Grandstream GXP2170", "\0\0\0\0"},
		} do
			assert(policy.keepalive({user_agent = case[1]}).message == case[2], case[1])
		end
		assert(policy.keepalive({user_agent = "Cisco/SPA504G"}).method == "options")
		assert(policy.keepalive({user_agent = "Linphone/4"}) == false)
	end,
	another_make = function() return policy.keepalive({user_agent = "Unknown"}) == nil end,
}

return policy
