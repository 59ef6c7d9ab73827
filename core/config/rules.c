/* `policy.rules`, as the stock script reads them: a rule that an earlier one covers never decides,
 * and its author shall know. What rules say is the script's to check; here only their order. */
#include "config/sections.h"

#include <stdio.h>
#include <stdlib.h>

enum { RULES_MOST = 1000 }; /* beyond these nobody compares each with each */

static const char *const questions[] = {"keepalive", "no_timer", "media"};

/* Whether every text that matches the glob `narrow` matches `wide`. Says no when in doubt. */
static bool glob_covers(struct hl_slice wide, struct hl_slice narrow)
{
	if (memchr(wide.data, '?', wide.length) && memchr(narrow.data, '*', narrow.length))
		return false;
	return hl_slice_glob(wide, narrow);
}

static bool network_covers(struct hl_slice wide, struct hl_slice narrow)
{
	struct hl_network outer, inner;

	return !hl_network_parse(wide, &outer) && !hl_network_parse(narrow, &inner) &&
	       outer.prefix <= inner.prefix && hl_network_contains(&outer, &inner.base);
}

static bool value_covers(const char *key, struct hl_slice wide, struct hl_slice narrow)
{
	if (!strcmp(key, "received"))
		return network_covers(wide, narrow);
	if (!strcmp(key, "nat"))
		return hl_slice_equal_nocase(wide, narrow);
	return glob_covers(wide, narrow);
}

static bool item_covered(const char *key, const struct hl_node *wide, struct hl_slice narrow)
{
	if (wide->type == HL_NODE_SCALAR)
		return value_covers(key, wide->text, narrow);
	for (const struct hl_node *item = wide->first; item; item = item->next)
		if (item->type == HL_NODE_SCALAR && value_covers(key, item->text, narrow))
			return true;
	return false;
}

static bool condition_covers(const struct hl_node *wide, const struct hl_node *narrow)
{
	if (narrow->type == HL_NODE_SCALAR)
		return item_covered(wide->key, wide, narrow->text);
	for (const struct hl_node *item = narrow->first; item; item = item->next)
		if (item->type != HL_NODE_SCALAR || !item_covered(wide->key, wide, item->text))
			return false;
	return narrow->first;
}

/* Whether all that matches `narrow` matches `wide`: each of its conditions is one of the other's.
 */
static bool rule_covers(const struct hl_node *wide, const struct hl_node *narrow)
{
	const struct hl_node *conditions = hl_node_get(wide, "match");
	const struct hl_node *theirs = hl_node_get(narrow, "match");

	for (const struct hl_node *one = conditions ? conditions->first : NULL; one;
	     one = one->next) {
		const struct hl_node *other = hl_node_get(theirs, one->key);

		if (!other || !condition_covers(one, other))
			return false;
	}
	return true;
}

static void tell(struct hl_reader *reader, const struct hl_node *earlier, unsigned earlier_index,
		 unsigned index, const struct hl_node *answer)
{
	char name[64], path[64];

	snprintf(name, sizeof(name), "rule %u", earlier_index + 1);
	snprintf(path, sizeof(path), "rules[%u].%s", index + 1, answer->key);
	hl_reader_warning(reader, answer->key_place, path,
			  "never decides: \"%s\" at %s:%u:%u comes first and matches all that "
			  "this rule matches",
			  hl_node_text(earlier, "name", name), earlier->place.file,
			  earlier->place.line, earlier->place.column);
}

static void check_rule(struct hl_reader *reader, const struct hl_node *rules,
		       const struct hl_node *rule, unsigned index)
{
	for (size_t i = 0; i < HL_COUNT(questions); i++) {
		const struct hl_node *answer = hl_node_get(rule, questions[i]);
		const struct hl_node *earlier = rules->first;

		for (unsigned at = 0; answer && at < index; at++, earlier = earlier->next)
			if (hl_node_get(earlier, questions[i]) && rule_covers(earlier, rule)) {
				tell(reader, earlier, at, index, answer);
				break;
			}
	}
}

/* Whether the script is the one that comes with the switch: another may read rules otherwise. */
static bool is_stock(const struct hl_policy_settings *policy)
{
	struct hl_text path;
	char *real;
	bool same;

	hl_text_init(&path);
	hl_text_printf(&path, "%s/policy.lua", hl_config_script_dir());
	real = realpath(hl_text_string(&path), NULL);
	same = real && !strcmp(real, policy->script);
	free(real);
	hl_text_fini(&path);
	return same;
}

void hl_rules_check(struct hl_reader *reader, const struct hl_policy_settings *policy,
		    const struct hl_node *map)
{
	const struct hl_node *rules = hl_node_get(map, "rules");
	unsigned index = 0;

	if (!rules || rules->type != HL_NODE_LIST || !is_stock(policy))
		return;
	for (const struct hl_node *rule = rules->first; rule && index < RULES_MOST;
	     rule = rule->next, index++)
		check_rule(reader, rules, rule, index);
}
