/* `switch.networks`: named networks, found by their longest match. */
#include "config/sections.h"

#include "base/memory.h"
#include "config/nearest.h"

#include <stdlib.h>

static const struct hl_node *networks_node(const struct hl_config *config)
{
	return hl_node_get(hl_node_get(config->root, "switch"), "networks");
}

/* Longest prefix first; equal networks next to each other. */
static int by_prefix(const void *left, const void *right)
{
	const struct hl_network *a = &((const struct hl_named_network *)left)->network;
	const struct hl_network *b = &((const struct hl_named_network *)right)->network;

	if (a->prefix != b->prefix)
		return a->prefix > b->prefix ? -1 : 1;
	if (a->base.family != b->base.family)
		return a->base.family < b->base.family ? -1 : 1;
	return memcmp(a->base.bytes, b->base.bytes, sizeof(a->base.bytes));
}

static void add_network(struct hl_reader *reader, struct hl_config *config, const char *name,
			struct hl_slice text, struct hl_place place)
{
	struct hl_named_network *network = &config->networks[config->network_count];

	if (hl_network_parse(text, &network->network)) {
		hl_reader_error(reader, place, NULL,
				"\"%.*s\" is not a network; allowed: ADDRESS/PREFIX as in "
				"192.168.0.0/16 or 2001:db8::/32, or a lone address",
				HL_SLICE_ARGS(text));
		return;
	}
	network->name = hl_strdup(name);
	if (!network->name) {
		reader->no_memory = true;
		return;
	}
	config->network_count++;
}

static void read_one(struct hl_reader *reader, struct hl_config *config, const struct hl_node *node)
{
	struct hl_slice *texts;
	size_t count;

	if (!hl_reader_is_texts(reader, node))
		return;
	texts = hl_reader_texts(reader, node, &count);
	for (size_t i = 0; texts && i < count; i++)
		add_network(reader, config, node->key, texts[i], hl_reader_item_place(node, i));
	hl_free(texts);
}

static void tell_shared(struct hl_reader *reader, const struct hl_config *config,
			const struct hl_node *map)
{
	for (size_t i = 1; i < config->network_count; i++) {
		const struct hl_named_network *a = &config->networks[i - 1];
		const struct hl_named_network *b = &config->networks[i];
		char text[HL_ADDRESS_TEXT];

		if (!by_prefix(a, b) && strcmp(a->name, b->name))
			hl_reader_error(reader, map->place, NULL, "%s/%u is in both %s and %s",
					hl_address_host(&a->network.base, text), a->network.prefix,
					a->name, b->name);
	}
}

void hl_networks_read(struct hl_reader *reader, struct hl_config *config, const struct hl_node *map)
{
	size_t mark = hl_reader_down(reader, "networks"), count = 0;

	if (!map || !hl_reader_is_map(reader, map) || !map->first)
		goto out;
	for (const struct hl_node *node = map->first; node; node = node->next)
		count += node->type == HL_NODE_LIST ? node->count : 1;
	config->networks = hl_zalloc((count + 1) * sizeof(*config->networks));
	reader->no_memory |= !config->networks;
	hl_reader_each(reader, config, map, read_one);
	if (config->network_count)
		qsort(config->networks, config->network_count, sizeof(*config->networks),
		      by_prefix);
	tell_shared(reader, config, map);
out:
	hl_reader_up(reader, mark);
}

void hl_networks_free(struct hl_config *config)
{
	for (size_t i = 0; i < config->network_count; i++)
		hl_free(config->networks[i].name);
	hl_free(config->networks);
}

void hl_networks_require(struct hl_reader *reader, const struct hl_config *config, const char *name,
			 const struct hl_node *map)
{
	const struct hl_node *networks = networks_node(config);
	struct hl_nearest nearest;
	char hint[HL_NEAREST_TEXT];

	if (!*name || hl_node_get(networks, name))
		return;
	hl_nearest_init(&nearest, hl_slice_of(name));
	for (const struct hl_node *node = networks ? networks->first : NULL; node;
	     node = node->next)
		hl_nearest_offer(&nearest, hl_slice_of(node->key));
	hl_reader_error(reader, hl_node_get(map, "network")->place, "network",
			"\"%s\" is not one of switch.networks%s", name,
			hl_nearest_text(&nearest, hint));
}

const char *hl_config_network(const struct hl_config *config, const struct hl_address *address)
{
	for (size_t i = 0; i < config->network_count; i++)
		if (hl_network_contains(&config->networks[i].network, address))
			return config->networks[i].name;
	return "";
}

bool hl_config_has_network(const struct hl_config *config, const char *name)
{
	return hl_node_get(networks_node(config), name) != NULL;
}
