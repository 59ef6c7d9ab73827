/* A contact by itself: its memory, its strings, its JSON. */
#include "endpoint/contact.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "endpoint/table.h"

#include <errno.h>
#include <stdio.h>

const char *hl_contact_user(const struct hl_contact *contact)
{
	return contact->endpoint->user;
}

const char *hl_contact_aor(const struct hl_contact *contact, char text[HL_AOR_TEXT])
{
	const struct hl_endpoint *endpoint = contact->endpoint;

	snprintf(text, HL_AOR_TEXT, "%s@%s", endpoint->user, endpoint->table->realm);
	return text;
}

char *hl_contact_request_uri(const struct hl_contact *contact)
{
	struct hl_uri uri = {.port = 0};
	struct hl_slice text = hl_slice_of(contact->uri), parameter, rest;
	char *copy = hl_alloc(text.length + 1), *at;

	if (!copy)
		return NULL;
	hl_uri_parse(text, &uri);
	rest = uri.parameters.data ? uri.parameters : uri.headers;
	if (rest.data)
		text.length = (size_t)(rest.data - 1 - text.data);
	at = mempcpy(copy, text.data, text.length);
	while (uri.parameters.length) {
		parameter = rest = hl_slice_cut(&uri.parameters, ';');
		if (hl_slice_equal_nocase(hl_slice_cut(&rest, '='), HL_SLICE_LITERAL("method")))
			continue;
		*at++ = ';';
		at = mempcpy(at, parameter.data, parameter.length);
	}
	*at = '\0';
	return copy;
}

void *hl_contact_space(struct hl_contact *contact, size_t offset)
{
	return hl_contact_block(contact)->space + offset;
}

int64_t hl_contact_expires_in(const struct hl_contact *contact)
{
	uint64_t now = hl_clock_now();

	if (contact->expires <= now)
		return 0;
	return (int64_t)((contact->expires - now + HL_SECOND - 1) / HL_SECOND);
}

void hl_contact_set_reachable(struct hl_contact *contact, int reachable, uint32_t rtt_us)
{
	contact->reachable = reachable ? 1 : 0;
	if (rtt_us)
		contact->rtt_us = rtt_us;
}

enum { PORT_TEXT = sizeof(":65535") - 1 };

static size_t strings_size(const struct hl_binding *binding)
{
	size_t size = binding->uri.length + 1;

	if (binding->instance.length)
		size += binding->instance.length + 1;
	if (binding->path)
		size += strlen(binding->path) + 1;
	if (binding->nat.reason == HL_NAT_VIA)
		size += binding->nat.via_host.length + PORT_TEXT + 1;
	return size;
}

static char *string_put(char **at, struct hl_slice s)
{
	char *string = *at;

	if (s.length)
		memcpy(string, s.data, s.length);
	string[s.length] = '\0';
	*at += s.length + 1;
	return string;
}

static void strings_write(struct hl_contact *contact, char *at, const struct hl_binding *binding)
{
	const struct hl_nat_verdict *nat = &binding->nat;

	contact->uri = string_put(&at, binding->uri);
	contact->instance = binding->instance.length ? string_put(&at, binding->instance) : NULL;
	contact->path = binding->path ? string_put(&at, hl_slice_of(binding->path)) : NULL;
	if (nat->reason == HL_NAT_VIA)
		sprintf(at, "%.*s:%u", HL_SLICE_ARGS(nat->via_host), nat->via_port);
}

const char *hl_contact_via(const struct hl_contact *contact)
{
	const char *last = contact->path       ? contact->path
			   : contact->instance ? contact->instance
					       : contact->uri;

	return last + strlen(last) + 1;
}

static char *room_of(const struct hl_endpoints *table, struct hl_contact *contact)
{
	return hl_contact_block(contact)->space + table->space;
}

int hl_contact_text(struct hl_contact *contact, const struct hl_binding *binding, char **text)
{
	size_t size = strings_size(binding);

	*text = NULL;
	if (size > hl_contact_block(contact)->room)
		*text = hl_alloc(size);
	return *text || size <= hl_contact_block(contact)->room ? 0 : -ENOMEM;
}

void hl_contact_rename(const struct hl_endpoints *table, struct hl_contact *contact,
		       const struct hl_binding *binding, char *text)
{
	char *room = room_of(table, contact), *old = contact->uri;

	strings_write(contact, text ? text : room, binding);
	if (old != room)
		hl_free(old);
}

static size_t block_size(const struct hl_endpoints *table, size_t room)
{
	return sizeof(struct hl_contact_block) + table->space + room;
}

struct hl_contact *hl_contact_new(struct hl_endpoints *table, const struct hl_binding *binding)
{
	size_t room = (strings_size(binding) + 7) / 8 * 8;
	struct hl_contact_block *block = NULL;

	if (room <= UINT16_MAX)
		block = hl_pool_alloc(&table->pool, block_size(table, room));
	if (!block)
		return NULL;
	block->room = (uint16_t)room;
	block->contact.reachable = -1;
	hl_list_init(&block->contact.node);
	hl_list_init(&block->same_flow);
	hl_deadline_init(&block->contact.expiry);
	strings_write(&block->contact, block->space + table->space, binding);
	return &block->contact;
}

void hl_contact_free(struct hl_endpoints *table, struct hl_contact *contact)
{
	if (contact->uri != room_of(table, contact))
		hl_free(contact->uri);
	hl_pool_free(&table->pool, contact, block_size(table, hl_contact_block(contact)->room));
}

void hl_contact_json(const struct hl_contact *contact, struct hl_json *json)
{
	char text[HL_ADDRESS_TEXT], aor[HL_AOR_TEXT], reason[HL_NAT_REASON_TEXT];

	hl_json_put_string(json, "aor", hl_contact_aor(contact, aor));
	hl_json_put_string(json, "user", hl_contact_user(contact));
	hl_json_put_string(json, "contact", contact->uri);
	hl_json_put_string(json, "received", hl_address_host(&contact->flow.remote, text));
	hl_json_put_integer(json, "received_port", contact->flow.remote.port);
	hl_json_put_string(json, "local", hl_address_format(&contact->flow.local, text));
	hl_json_put_string(json, "transport", hl_transport_name(contact->flow.type));
	hl_json_put_boolean(json, "nat", contact->nat);
	hl_json_put_string(json, "nat_reason", hl_contact_nat_reason(contact, reason));
	hl_json_put_integer(json, "expires_in", hl_contact_expires_in(contact));
	hl_json_put_string(json, "user_agent", contact->user_agent);
	if (contact->reachable < 0)
		hl_json_put_null(json, "reachable");
	else
		hl_json_put_boolean(json, "reachable", contact->reachable);
	if (contact->rtt_us)
		hl_json_put_number(json, "rtt_ms", contact->rtt_us / 1000.0);
	else
		hl_json_put_null(json, "rtt_ms");
	hl_json_put_null(json, "alg");
}
