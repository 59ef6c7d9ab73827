/* Targets that a policy names by host: looked up together before the call goes anywhere, each
 * server of a name a target of its own, to be called in turn where the name stood (RFC 3263 §4.3).
 */
#include "base/log.h"
#include "call/private.h"
#include "gateway/search.h"

#include <stdio.h>

enum {
	PATIENCE = 5000, /* ms; what is not found by then is not there */
	HOST_SIZE = 256,
};

struct hl_name {
	struct hl_call *call;
	struct hl_search *search; /* NULL: answered */
	unsigned target;	  /* its place in call->targets */
	struct hl_server servers[HL_SERVERS_MAX];
	size_t count;
};

struct hl_names {
	size_t count, open; /* open: not answered yet */
	struct hl_name items[];
};

void hl_call_names_end(struct hl_call *call)
{
	struct hl_names *names = call->names;
	call->names = NULL;
	for (size_t i = 0; names && i < names->count; i++)
		hl_search_cancel(names->items[i].search);
	hl_free(names);
}

/* The first server takes the name's place, the others come behind it. */
static void put_servers(struct hl_call *call, const struct hl_name *name)
{
	for (size_t i = 0; i < name->count; i++) {
		struct hl_target first = call->targets[name->target];
		struct hl_target *target = &call->targets[name->target];
		if (i)
			target = hl_call_add_target(call, first.kind, first.group + (unsigned)i);
		if (!target)
			return;
		if (i && !(target->uri = hl_strdup(first.uri))) {
			call->target_count--;
			return;
		}
		target->address = name->servers[i].address;
	}
}

static void go_on(struct hl_call *call)
{
	struct hl_names *names = call->names;
	for (size_t i = 0; i < names->count; i++)
		put_servers(call, &names->items[i]);
	hl_call_names_end(call);
	hl_call_sort_targets(call);
	hl_call_next_group(call);
}

static void found(void *arg, const struct hl_search_result *result)
{
	struct hl_name *name = arg;
	struct hl_call *call = name->call;
	name->search = NULL;
	name->count = result->count;
	memcpy(name->servers, result->servers, result->count * sizeof(*result->servers));
	hl_servers_order(name->servers, name->count);
	if (!name->count)
		hl_log(HL_LOG_WARN, "call", "unresolved", hl_str("id", call->id),
		       hl_str("target", call->targets[name->target].uri),
		       hl_str("error", result->text));
	if (!--call->names->open)
		go_on(call);
}

void hl_call_names_timeout(struct hl_call *call, struct hl_leg *leg, struct hl_message *message)
{
	(void)leg, (void)message;
	if (call->names)
		go_on(call);
}

static void start(struct hl_name *name)
{
	struct hl_call *call = name->call;
	enum hl_transport_type type;
	struct hl_uri uri;
	uint16_t port;
	char host[HOST_SIZE];
	if (hl_uri_parse(hl_slice_of(call->targets[name->target].uri), &uri) < 0 ||
	    hl_transport_of_uri(&uri, &type, &port) < 0 || uri.host.length >= sizeof(host))
		return;
	snprintf(host, sizeof(host), "%.*s", (int)uri.host.length, uri.host.data);
	name->search = hl_search_start(call->calls->parts.trunks, type, host, (uint16_t)uri.port,
				       found, name);
}

static bool is_named(const struct hl_target *target)
{
	return target->kind == HL_TARGET_URI && !target->address.family;
}

/* True when some names are being looked up. */
static bool look_up(struct hl_call *call)
{
	struct hl_names *names;
	size_t count = 0;
	for (unsigned i = 0; i < call->target_count; i++)
		count += is_named(&call->targets[i]);
	if (!count || !(names = hl_zalloc(sizeof(*names) + count * sizeof(names->items[0]))))
		return false;
	call->names = names;
	for (unsigned i = 0; i < call->target_count; i++) {
		struct hl_name *name = &names->items[names->count];
		if (!is_named(&call->targets[i]))
			continue;
		*name = (struct hl_name){.call = call, .target = i};
		start(name);
		names->count++;
		names->open += name->search != NULL;
	}
	if (!names->open)
		hl_call_names_end(call);
	return call->names != NULL;
}

void hl_call_begin(struct hl_call *call)
{
	if (look_up(call)) {
		hl_timer_start(call->calls->parts.loop, &call->setup, PATIENCE);
		return;
	}
	hl_call_sort_targets(call);
	hl_call_next_group(call);
}
