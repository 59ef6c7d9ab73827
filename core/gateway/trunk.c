/* The table of trunks: they come and go with the configuration, and are asked by whoever routes. */
#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "gateway/private.h"

#include <errno.h>

static bool has_name(const struct hl_hash_node *node, const void *key)
{
	return !strcmp(hl_container_of(node, struct hl_trunk, by_name)->gateway->name, key);
}

static uint64_t hash_of(const char *name)
{
	return hl_hash_bytes(name, strlen(name));
}

struct hl_trunk *hl_trunk_of(const struct hl_trunks *trunks, const struct hl_gateway *gateway)
{
	struct hl_hash_node *node =
		hl_hash_find(&trunks->by_name, hash_of(gateway->name), has_name, gateway->name);

	return node ? hl_container_of(node, struct hl_trunk, by_name) : NULL;
}

struct hl_trunks *hl_trunks_new(const struct hl_trunks_parts *parts, struct hl_error *error)
{
	struct hl_trunks *trunks = hl_zalloc(sizeof(*trunks));

	hl_error_set(error, -ENOMEM, "no memory for the gateways");
	if (!trunks)
		return NULL;
	trunks->parts = *parts;
	hl_list_init(&trunks->list);
	hl_list_init(&trunks->leaving);
	hl_list_init(&trunks->searches);
	hl_handles_init(&trunks->handles);
	if (hl_hash_init(&trunks->by_name) < 0)
		goto out;
	trunks->resolver = hl_resolver_new(parts->loop, error);
	if (trunks->resolver)
		return trunks;
	hl_hash_fini(&trunks->by_name);
out:
	hl_free(trunks);
	return NULL;
}

void hl_trunk_free(struct hl_trunk *trunk)
{
	struct hl_trunks *trunks = trunk->trunks;

	hl_location_stop(trunk);
	hl_supervision_stop(trunk);
	hl_registration_stop(trunk);
	hl_list_remove(&trunk->node);
	if (hl_trunk_of(trunks, trunk->gateway) == trunk)
		hl_hash_remove(&trunks->by_name, &trunk->by_name);
	hl_handle_release(&trunks->handles, trunk->handle);
	hl_config_unref(trunk->config);
	hl_free(trunk);
}

static void free_all(struct hl_list *list)
{
	struct hl_list *node, *next;

	hl_list_each(node, next, list) hl_trunk_free(hl_list_entry(node, struct hl_trunk, node));
}

void hl_trunks_free(struct hl_trunks *trunks)
{
	if (!trunks)
		return;
	free_all(&trunks->list);
	free_all(&trunks->leaving);
	hl_resolver_free(trunks->resolver);
	hl_hash_fini(&trunks->by_name);
	hl_handles_fini(&trunks->handles);
	hl_free(trunks);
}

static struct hl_trunk *trunk_new(struct hl_trunks *trunks, struct hl_config *config,
				  const struct hl_gateway *gateway)
{
	struct hl_trunk *trunk = hl_zalloc(sizeof(*trunk));

	if (!trunk)
		return NULL;
	if (hl_handle_new(&trunks->handles, trunk, &trunk->handle) < 0) {
		hl_free(trunk);
		return NULL;
	}
	trunk->trunks = trunks;
	trunk->config = hl_config_ref(config);
	trunk->gateway = gateway;
	trunk->kept = true;
	hl_location_init(trunk);
	hl_supervision_init(trunk);
	hl_registration_init(trunk);
	hl_list_append(&trunks->list, &trunk->node);
	hl_hash_insert(&trunks->by_name, &trunk->by_name, hash_of(gateway->name));
	return trunk;
}

/* It only unregisters yet, if there is anything to unregister. */
static void retire(struct hl_trunk *trunk)
{
	hl_location_stop(trunk);
	hl_supervision_stop(trunk);
	hl_hash_remove(&trunk->trunks->by_name, &trunk->by_name);
	hl_list_remove(&trunk->node);
	hl_list_append(&trunk->trunks->leaving, &trunk->node);
	if (!hl_registration_leave(trunk))
		hl_trunk_free(trunk);
}

/* Whether it is the same peer, so that what is known of it holds. */
static bool same_peer(const struct hl_gateway *a, const struct hl_gateway *b)
{
	return !strcmp(a->host, b->host) && a->port == b->port && a->transport == b->transport &&
	       !strcmp(a->registration.user, b->registration.user);
}

static void take_over(struct hl_trunk *trunk, struct hl_config *config,
		      const struct hl_gateway *gateway)
{
	struct hl_config *old = trunk->config;
	const struct hl_gateway *before = trunk->gateway;

	trunk->config = hl_config_ref(config);
	trunk->gateway = gateway;
	trunk->kept = true;
	hl_list_remove(&trunk->node);
	hl_list_append(&trunk->trunks->list, &trunk->node);
	hl_registration_changed(trunk, before);
	if (before->options_period != gateway->options_period)
		hl_supervision_stop(trunk);
	hl_supervision_start(trunk);
	hl_location_start(trunk);
	hl_config_unref(old);
}

/* Which name servers are asked; lookups under way were forgotten before. */
static void choose_nameservers(struct hl_trunks *trunks, const struct hl_config *config)
{
	const struct hl_strings *servers = &config->settings.nameservers;

	if (hl_resolver_use(trunks->resolver, servers->items, servers->count) < 0)
		hl_log(HL_LOG_WARN, "gateway", "nameservers-refused",
		       hl_str("error", "the name servers of before are asked on"));
}

int hl_trunks_set_config(struct hl_trunks *trunks, struct hl_config *config)
{
	struct hl_list *node, *next;
	int result = 0;

	hl_list_each(node, next, &trunks->list)
	{
		struct hl_trunk *trunk = hl_list_entry(node, struct hl_trunk, node);

		trunk->kept = false;
		hl_location_stop(trunk);
	}
	hl_searches_fail(trunks);
	choose_nameservers(trunks, config);
	hl_list_each(node, next, &config->gateways)
	{
		const struct hl_gateway *gateway = hl_list_entry(node, struct hl_gateway, node);
		struct hl_trunk *trunk = hl_trunk_of(trunks, gateway);

		if (trunk && same_peer(trunk->gateway, gateway)) {
			take_over(trunk, config, gateway);
			continue;
		}
		if (trunk)
			retire(trunk);
		trunk = trunk_new(trunks, config, gateway);
		if (trunk)
			hl_location_start(trunk);
		else
			result = -ENOMEM;
	}
	hl_list_each(node, next, &trunks->list)
	{
		struct hl_trunk *trunk = hl_list_entry(node, struct hl_trunk, node);

		if (!trunk->kept)
			retire(trunk);
	}
	return result;
}

void hl_trunks_stop(struct hl_trunks *trunks)
{
	struct hl_list *node, *next;

	trunks->stopping = true;
	hl_list_each(node, next, &trunks->list)
	{
		struct hl_trunk *trunk = hl_list_entry(node, struct hl_trunk, node);

		hl_location_stop(trunk);
		hl_supervision_stop(trunk);
		hl_registration_leave(trunk);
	}
}

static bool leaves(const struct hl_list *list)
{
	for (const struct hl_list *node = list->next; node != list; node = node->next)
		if (hl_list_entry(node, const struct hl_trunk, node)->registration.state ==
		    REGISTRATION_LEAVING)
			return true;
	return false;
}

bool hl_trunks_leaving(const struct hl_trunks *trunks)
{
	return leaves(&trunks->list) || leaves(&trunks->leaving);
}

/* Over UDP another port of a host may be somebody else; a stream comes from any. */
static bool is_server(const struct hl_trunk *trunk, const struct hl_address *source)
{
	bool datagrams = trunk->gateway->transport == HL_TRANSPORT_UDP;

	for (size_t i = 0; i < trunk->location.count; i++) {
		const struct hl_address *server = &trunk->location.servers[i].address;

		if (datagrams ? hl_address_equal(server, source)
			      : hl_address_same_host(server, source))
			return true;
	}
	return false;
}

void hl_trunks_disconnected(struct hl_trunks *trunks, const struct hl_flow *flow)
{
	struct hl_list *node, *next;

	hl_list_each(node, next, &trunks->list)
	{
		struct hl_trunk *trunk = hl_list_entry(node, struct hl_trunk, node);

		if (trunk->registration.state == REGISTRATION_REGISTERED &&
		    hl_flow_equal(&trunk->registration.flow, flow))
			hl_registration_lost(trunk);
	}
}

const struct hl_gateway *hl_trunks_from(const struct hl_trunks *trunks,
					const struct hl_config *config,
					const struct hl_address *source)
{
	for (const struct hl_list *node = config->gateways.next; node != &config->gateways;
	     node = node->next) {
		const struct hl_gateway *gateway =
			hl_list_entry(node, const struct hl_gateway, node);
		const struct hl_trunk *trunk;

		if (hl_gateway_sends_from(gateway, source))
			return gateway;
		/* Where an address is written, that is all there is. */
		trunk = gateway->address.family ? NULL : hl_trunk_of(trunks, gateway);
		if (trunk && is_server(trunk, source))
			return gateway;
	}
	return NULL;
}

static void move_first(struct hl_server *servers, size_t count, const struct hl_address *address)
{
	for (size_t i = 1; i < count; i++)
		if (hl_address_equal(&servers[i].address, address)) {
			struct hl_server server = servers[i];
			memmove(&servers[1], &servers[0], i * sizeof(*servers));
			servers[0] = server;
		}
}

size_t hl_trunk_order(const struct hl_trunk *trunk, struct hl_server servers[HL_SERVERS_MAX])
{
	const struct location *location = &trunk->location;
	const struct registration *registration = &trunk->registration;

	memcpy(servers, location->servers, location->count * sizeof(*servers));
	hl_servers_order(servers, location->count);
	if (location->has_preferred)
		move_first(servers, location->count,
			   &location->servers[location->preferred].address);
	if (registration->state == REGISTRATION_REGISTERED)
		move_first(servers, location->count, &registration->flow.remote);
	return location->count;
}

size_t hl_trunk_servers(const struct hl_trunks *trunks, const struct hl_gateway *gateway,
			struct hl_server servers[HL_SERVERS_MAX], const char **why)
{
	const struct hl_trunk *trunk = hl_trunk_of(trunks, gateway);
	size_t count = trunk ? hl_trunk_order(trunk, servers) : 0;

	/* A call may be older than the reload that took its gateway out. */
	if (!trunk && gateway->address.family) {
		servers[0] = (struct hl_server){.address = gateway->address};
		return 1;
	}
	*why = !trunk		       ? "the gateway was taken out of the configuration"
	       : trunk->location.fault ? trunk->location.fault
				       : "its name is still being looked up";
	return count;
}

int hl_gateway_flow(struct hl_transport *transport, const struct hl_gateway *gateway,
		    const struct hl_address *address, struct hl_flow *flow)
{
	enum hl_transport_type type = (enum hl_transport_type)gateway->transport;

	return gateway->address.family
		       ? hl_transport_flow_to(transport, type, address, flow)
		       : hl_transport_flow_to_host(transport, type, gateway->host, address, flow);
}

bool hl_trunk_reachable(const struct hl_trunks *trunks, const struct hl_gateway *gateway)
{
	const struct hl_trunk *trunk = hl_trunk_of(trunks, gateway);

	return !trunk || trunk->supervision.reachable != 0;
}

int hl_trunk_enter(struct hl_trunks *trunks, const struct hl_gateway *gateway,
		   struct hl_handle *seat)
{
	struct hl_trunk *trunk = hl_trunk_of(trunks, gateway);

	if (!trunk)
		return 0;
	if (gateway->max_calls && trunk->calls >= gateway->max_calls) {
		trunks->limited++;
		return -EUSERS;
	}
	trunk->calls++;
	*seat = trunk->handle;
	return 0;
}

void hl_trunk_leave(struct hl_trunks *trunks, struct hl_handle seat)
{
	struct hl_trunk *trunk = hl_handle_get(&trunks->handles, seat);

	if (trunk && trunk->calls > 0)
		trunk->calls--;
}

void hl_trunk_put_uri(const struct hl_trunk *trunk, const char *user, struct hl_text *text)
{
	const struct hl_gateway *gateway = trunk->gateway;

	hl_text_printf(text, "sip:%s%s%s", user, *user ? "@" : "", gateway->host);
	if (gateway->port)
		hl_text_printf(text, ":%u", gateway->port);
	if (gateway->transport != HL_TRANSPORT_UDP)
		hl_text_printf(text, ";transport=%s",
			       hl_transport_name((enum hl_transport_type)gateway->transport));
}
