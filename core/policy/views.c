/* What scripts are told: endpoints, calls, legs and records as plain tables. */
#include "policy/host.h"

#include "base/clock.h"

static void set_string(lua_State *lua, const char *key, const char *value)
{
	if (!value)
		return;
	lua_pushstring(lua, value);
	lua_setfield(lua, -2, key);
}

/* What is not there is nil, so that `if endpoint.network then` reads well. */
static void set_name(lua_State *lua, const char *key, const char *value)
{
	set_string(lua, key, value && *value ? value : NULL);
}

/* For what scripts search in without asking whether it is there. */
static void set_text(lua_State *lua, const char *key, const char *value)
{
	set_string(lua, key, value ? value : "");
}

static void set_integer(lua_State *lua, const char *key, int64_t value)
{
	lua_pushinteger(lua, value);
	lua_setfield(lua, -2, key);
}

static void set_boolean(lua_State *lua, const char *key, bool value)
{
	lua_pushboolean(lua, value);
	lua_setfield(lua, -2, key);
}

/* Seconds since the epoch, with a fraction; 0 is nil. */
static void set_moment(lua_State *lua, const char *key, uint64_t wall)
{
	if (!wall)
		return;
	lua_pushnumber(lua, (lua_Number)wall / (lua_Number)HL_SECOND);
	lua_setfield(lua, -2, key);
}

static void set_received(lua_State *lua, const struct hl_address *address)
{
	char text[HL_ADDRESS_TEXT];

	if (!address->family)
		return;
	set_string(lua, "received", hl_address_host(address, text));
	set_integer(lua, "received_port", address->port);
}

static void push_endpoint(lua_State *lua, const struct hl_endpoint_view *view)
{
	lua_createtable(lua, 0, 12);
	set_text(lua, "aor", view->aor);
	set_text(lua, "user", view->user);
	set_text(lua, "contact", view->contact);
	set_received(lua, &view->received);
	set_text(lua, "transport", view->transport);
	set_boolean(lua, "nat", view->nat);
	set_text(lua, "user_agent", view->user_agent);
	set_integer(lua, "expires", view->expires);
	set_name(lua, "network", view->network);
	set_name(lua, "alg", view->alg);
	hl_proxy_push(lua, view->settings);
	lua_setfield(lua, -2, "settings");
}

static void push_party(lua_State *lua, const struct hl_party_view *party)
{
	lua_createtable(lua, 0, 8);
	set_text(lua, "user", party->user);
	set_name(lua, "gateway", party->gateway);
	set_received(lua, &party->received);
	set_boolean(lua, "nat", party->nat);
	set_name(lua, "network", party->network);
	set_text(lua, "user_agent", party->user_agent);
	set_boolean(lua, "timer", party->timer);
}

/* call:header("X"): of the call that the running function was asked about; a table that a script
 * kept from an earlier one knows nothing any more. */
static int header(lua_State *lua)
{
	const char *name = luaL_checkstring(lua, lua_gettop(lua) > 1 ? 2 : 1);
	const struct hl_policy *policy = hl_policy_of(lua);

	if (!policy->call || (lua_Integer)policy->serial != lua_tointeger(lua, lua_upvalueindex(1)))
		return luaL_error(lua, "call:header() of a call that was decided before");
	if (!policy->call->header)
		return 0;
	lua_pushstring(lua, policy->call->header(policy->call->header_arg, name));
	return 1;
}

static void push_call(lua_State *lua, const struct hl_call_view *view)
{
	lua_createtable(lua, 0, 10);
	set_text(lua, "id", view->id);
	set_text(lua, "from", view->from);
	set_text(lua, "to", view->to);
	set_text(lua, "request_uri", view->request_uri);
	push_party(lua, &view->caller);
	lua_setfield(lua, -2, "caller");
	push_party(lua, &view->callee);
	lua_setfield(lua, -2, "callee");
	set_moment(lua, "started", view->started);
	set_moment(lua, "answered", view->answered);
	lua_pushinteger(lua, (lua_Integer)hl_policy_of(lua)->serial);
	lua_pushcclosure(lua, header, 1);
	lua_setfield(lua, -2, "header");
}

static void push_leg(lua_State *lua, const struct hl_leg_view *view)
{
	lua_createtable(lua, 0, 3);
	set_text(lua, "side", view->side);
	set_text(lua, "user_agent", view->user_agent);
	set_text(lua, "allow", view->allow);
}

static void set_time(lua_State *lua, const char *key, uint64_t wall)
{
	char text[HL_CLOCK_TEXT];

	if (!wall)
		return;
	hl_clock_format(wall, text);
	set_string(lua, key, text);
}

/* The record with the contract's names; what did not happen is nil. */
static void push_cdr(lua_State *lua, const struct hl_cdr *cdr)
{
	static const char *const enders[] = {[HL_ENDED_BY_CALLER] = "caller",
					     [HL_ENDED_BY_CALLEE] = "callee",
					     [HL_ENDED_BY_SERVER] = "server"};

	lua_createtable(lua, 0, 24);
	set_text(lua, "id", cdr->id);
	set_time(lua, "started", cdr->started);
	set_time(lua, "answered", cdr->answered);
	set_time(lua, "ended", cdr->ended);
	set_time(lua, "last_alive", cdr->last_alive);
	lua_pushnumber(lua, cdr->answered && cdr->ended > cdr->answered
				    ? (lua_Number)(cdr->ended - cdr->answered) / HL_SECOND
				    : 0);
	lua_setfield(lua, -2, "duration");
	if (cdr->pdd_ms >= 0)
		set_integer(lua, "pdd_ms", cdr->pdd_ms);
	set_text(lua, "caller", cdr->caller);
	set_text(lua, "callee", cdr->callee);
	set_name(lua, "caller_addr", cdr->caller_addr);
	set_name(lua, "callee_addr", cdr->callee_addr);
	set_name(lua, "gateway", cdr->gateway);
	set_text(lua, "ended_by", enders[cdr->ended_by]);
	set_text(lua, "reason", cdr->reason);
	set_name(lua, "detail", cdr->detail);
	if (cdr->sip_code > 0)
		set_integer(lua, "sip_code", cdr->sip_code);
	set_boolean(lua, "media_relayed", cdr->media_relayed);
	set_name(lua, "media_reason", cdr->media_reason);
	set_name(lua, "codec", cdr->codec);
	set_name(lua, "caller_timer", cdr->caller_timer);
	set_name(lua, "callee_timer", cdr->callee_timer);
	set_integer(lua, "refreshes", cdr->refreshes);
	set_name(lua, "streams", hl_text_string(&cdr->streams));
}

int hl_views_push(lua_State *lua, const struct hl_invocation *invocation)
{
	int top = lua_gettop(lua);

	if (invocation->endpoint)
		push_endpoint(lua, invocation->endpoint);
	if (invocation->call)
		push_call(lua, invocation->call);
	if (invocation->leg)
		push_leg(lua, invocation->leg);
	if (invocation->cdr)
		push_cdr(lua, invocation->cdr);
	if (invocation->user) {
		lua_pushstring(lua, invocation->user);
		lua_pushstring(lua, invocation->realm);
	}
	return lua_gettop(lua) - top;
}
