/* User-Agent strings: a handful of products make up a million contacts, so each is kept once. */
#include "endpoint/table.h"

#include "base/memory.h"

enum { AGENT_MAX = 255 }; /* bytes kept of a User-Agent value */

static bool agent_is(const struct hl_hash_node *node, const void *key)
{
	const struct hl_slice *text = key;
	const struct hl_agent *agent = hl_container_of(node, struct hl_agent, node);

	return hl_slice_equal(*text, hl_slice_of(agent->text));
}

const char *hl_agent_ref(struct hl_endpoints *table, const char *text)
{
	struct hl_slice slice = hl_slice_of(text);

	if (slice.length > AGENT_MAX)
		slice.length = AGENT_MAX;
	uint64_t hash = hl_hash_bytes(slice.data, slice.length);
	struct hl_hash_node *node = hl_hash_find(&table->agents, hash, agent_is, &slice);
	if (node) {
		struct hl_agent *known = hl_container_of(node, struct hl_agent, node);
		known->references++;
		return known->text;
	}
	struct hl_agent *agent = hl_alloc(sizeof(*agent) + slice.length + 1);
	if (!agent)
		return NULL;
	agent->references = 1;
	if (slice.length)
		memcpy(agent->text, slice.data, slice.length);
	agent->text[slice.length] = '\0';
	hl_hash_insert(&table->agents, &agent->node, hash);
	return agent->text;
}

void hl_agent_unref(struct hl_endpoints *table, const char *text)
{
	struct hl_agent *agent = hl_container_of(text, struct hl_agent, text);

	if (--agent->references)
		return;
	hl_hash_remove(&table->agents, &agent->node);
	hl_free(agent);
}
