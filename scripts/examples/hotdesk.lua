-- Accounts from a rule instead of a list: users 2000 to 2099 have the password that a secret makes of
-- their number. Shows: credentials, answered, ended, log. Anything that can be computed can be used;
-- what needs a database is better put into `endpoints` by whoever owns the database.

local SECRET = "change me"

local policy = {}

function policy.credentials(user, realm)
	if user:find("^20%d%d$") then
		return {password = SECRET .. "-" .. user:reverse()}
	end
end

function policy.answered(call)
	log.info("answered:", call.caller.user, "->", call.callee.user)
end

function policy.ended(cdr)
	if cdr.detail then
		log.warn("ended badly:", cdr.id, cdr.reason, cdr.detail)
	end
end

return policy
