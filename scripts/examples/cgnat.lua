-- Phones of a mobile operator, whose NAT forgets a mapping after twenty seconds and whose addresses
-- change: short heartbeats, short registrations, relayed media, and a question instead of a hang-up
-- when a leg has no session timer. Shows: keepalive, register, media, no_timer, match.

local CGNAT = {received = {"100.64.0.0/10", "10.128.0.0/9"}}

local policy = {}

function policy.keepalive(endpoint)
	if match(CGNAT, endpoint) then
		local method = endpoint.transport == "udp" and "udp" or "crlf"
		return {message = "\r\n\r\n", period = 15, method = method}, "cgnat"
	end
end

function policy.register(endpoint)
	if match(CGNAT, endpoint) then
		return {expires = 120}, "cgnat"
	end
	if endpoint.user_agent:lower():find("scanner", 1, true) then
		return {reject = 403, reason = "Go Away"}, "scanners"
	end
end

function policy.media(call)
	if match(CGNAT, call.caller) or match(CGNAT, call.callee) then
		return "on", "cgnat"
	end
end

function policy.no_timer(call, leg)
	if match(CGNAT, call[leg.side]) then
		return {max_duration = 1800, action = "probe"}, "cgnat"
	end
end

return policy
