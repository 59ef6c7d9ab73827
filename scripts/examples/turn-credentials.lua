-- Users of a TURN server (coturn with `lt-cred-mech`) and of the switch are the same people, and
-- coturn keeps MD5(user:realm:password), which is what digest calls HA1. The same rows, exported into
-- the configuration, let a user register here with the TURN password; the password itself is nowhere.
-- Shows: credentials with ha1, data of one's own. (Keys called `ha1` or `password` never reach a
-- script through `config`: they are secrets. Hence `turn`.)
--
--	policy:
--	  script: turn-credentials.lua
--	  rules:
--	    - {user: alice, realm: example.org, turn: 8aa1ab9e4d5cdc8ab1b7c6b4a3e9fc39}

local policy = {version = "1"}

local by_user = {}
for index, row in ipairs(config.policy and config.policy.rules or {}) do
	if type(row.turn) ~= "string" or not row.turn:find("^%x+$") or #row.turn ~= 32 then
		error("policy.rules[" .. index .. "]: turn must be the 32 digits of coturn's key", 0)
	end
	by_user[row.user .. "@" .. row.realm] = row.turn
end

function policy.credentials(user, realm)
	local key = by_user[user .. "@" .. realm]
	if key then return {ha1 = key, algorithm = "MD5"} end
end

return policy
