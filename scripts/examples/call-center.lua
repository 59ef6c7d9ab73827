-- A call centre holds callers in queues for hours, and its old dialler knows no session timers: a
-- limit that hangs up would cut live calls. So a leg without timer is asked whether it lives, every
-- half hour for the centre's agents and queues, every two hours for all others. Shows: no_timer.

local CENTRE = {user = {"20??", "queue-*"}}

local policy = {version = "1"}

function policy.no_timer(call, leg)
	if match(CENTRE, call.caller) or match(CENTRE, call.callee) then
		return {max_duration = 1800, action = "probe"}, "call centre"
	end
	return {max_duration = 7200, action = "probe"}, "everybody"
end

function policy.selftest()
	local answer, rule = policy.no_timer({caller = {user = "2017"}, callee = {user = "x"}}, {})
	assert(answer.max_duration == 1800 and rule == "call centre")
	answer = policy.no_timer({caller = {user = "1"}, callee = {user = "queue-sales"}}, {})
	assert(answer.action == "probe")
	assert(policy.no_timer({caller = {user = "1"}, callee = {user = "2"}}, {}).max_duration == 7200)
end

return policy
