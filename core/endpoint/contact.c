/* A contact by itself: its memory, its strings, its JSON. */
#include "endpoint/contact.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "endpoint/table.h"

#include <errno.h>

const char *hl_contact_user(const struct hl_contact *contact)
{
	return contact->endpoint->user;
}

const char *hl_contact_aor(const struct hl_contact *contact)
{
	return contact->endpoint->aor;
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

static size_t strings_size(const struct hl_binding *binding)
{
	size_t size = binding->uri.length + 1 + strlen(binding->call_id) + 1;

	if (binding->instance.length)
		size += binding->instance.length + 1;
	if (binding->path)
		size += strlen(binding->path) + 1;
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
	contact->uri = string_put(&at, binding->uri);
	contact->call_id = string_put(&at, hl_slice_of(binding->call_id));
	contact->instance = binding->instance.length ? string_put(&at, binding->instance) : NULL;
	contact->path = binding->path ? string_put(&at, hl_slice_of(binding->path)) : NULL;
}

int hl_contact_rename(const struct hl_endpoints *table, struct hl_contact *contact,
		      const struct hl_binding *binding)
{
	struct hl_contact_block *block = hl_contact_block(contact);
	size_t size = strings_size(binding);
	char *text = NULL;

	if (size > block->room) {
		text = hl_alloc(size);
		if (!text)
			return -ENOMEM;
	}
	strings_write(contact, text ? text : block->space + table->space, binding);
	hl_free(block->text);
	block->text = text;
	return 0;
}

struct hl_contact *hl_contact_new(const struct hl_endpoints *table,
				  const struct hl_binding *binding)
{
	size_t room = (strings_size(binding) + 7) / 8 * 8;
	struct hl_contact_block *block = hl_zalloc(sizeof(*block) + table->space + room);

	if (!block)
		return NULL;
	block->room = (uint32_t)room;
	block->contact.reachable = -1;
	hl_list_init(&block->contact.node);
	hl_list_init(&block->same_flow);
	hl_deadline_init(&block->contact.expiry);
	strings_write(&block->contact, block->space + table->space, binding);
	return &block->contact;
}

void hl_contact_free(struct hl_contact *contact)
{
	hl_free(hl_contact_block(contact)->text);
	hl_free(contact);
}

void hl_contact_json(const struct hl_contact *contact, struct hl_json *json)
{
	char text[HL_ADDRESS_TEXT];

	hl_json_put_string(json, "aor", hl_contact_aor(contact));
	hl_json_put_string(json, "user", hl_contact_user(contact));
	hl_json_put_string(json, "contact", contact->uri);
	hl_json_put_string(json, "received", hl_address_host(&contact->flow.remote, text));
	hl_json_put_integer(json, "received_port", contact->flow.remote.port);
	hl_json_put_string(json, "local", hl_address_format(&contact->flow.local, text));
	hl_json_put_string(json, "transport", hl_transport_name(contact->flow.type));
	hl_json_put_boolean(json, "nat", contact->nat);
	hl_json_put_string(json, "nat_reason", contact->nat_reason);
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
