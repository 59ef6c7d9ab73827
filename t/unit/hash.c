/* The hash: it finds what was put in, at every moment of its growth, and its hashes spread. */
#include "base/hash.h"
#include "base/memory.h"

#include "tap.h"

#include <errno.h>
#include <stdlib.h>

enum { MANY = 300000 }; /* whose table is on pages of its own */

struct item {
	struct hl_hash_node node;
	uint64_t key;
};

static struct item items[MANY];

static bool same_key(const struct hl_hash_node *node, const void *key)
{
	return hl_container_of(node, const struct item, node)->key == *(const uint64_t *)key;
}

static struct item *find(const struct hl_hash *table, uint64_t key)
{
	struct hl_hash_node *node =
		hl_hash_find(table, hl_hash_bytes(&key, sizeof(key)), same_key, &key);

	return node ? hl_container_of(node, struct item, node) : NULL;
}

static void insert(struct hl_hash *table, size_t i)
{
	items[i].key = i;
	hl_hash_insert(table, &items[i].node, hl_hash_bytes(&items[i].key, sizeof(items[i].key)));
}

static void grows(void)
{
	struct hl_hash table;
	size_t missing = 0, growing = 0;

	is_int(hl_hash_init(&table), 0, "a new table");
	for (size_t i = 0; i < MANY; i++) {
		insert(&table, i);
		growing += table.old_buckets != NULL;
		/* One early, one in the middle and the last, at every step. */
		missing += find(&table, 0) != &items[0];
		missing += find(&table, i / 2) != &items[i / 2];
		missing += find(&table, i) != &items[i];
	}
	is_int(missing, 0, "each is found at every step of the growth");
	ok(growing > 0 && growing < MANY / 2, "the growth takes several insertions, not all");
	is_int(table.count, MANY, "the count is right");
	ok(table.size >= MANY, "the buckets became more than the nodes");
	ok(!find(&table, MANY), "what is not in is not found");
	for (size_t i = 0; i < MANY; i += 2)
		hl_hash_remove(&table, &items[i].node);
	missing = 0;
	for (size_t i = 0; i < MANY; i++)
		missing += (find(&table, i) != NULL) != (i % 2 == 1);
	is_int(missing, 0, "after removing every other one, the others are there");
	is_int(table.count, MANY / 2, "and counted");
	hl_hash_fini(&table);
}

static size_t visits;

static void visit_and_remove(struct hl_hash_node *node, void *arg)
{
	visits++;
	hl_hash_remove(arg, node);
	memset(node, 0xee, sizeof(*node));
}

static void walks_while_growing(void)
{
	struct hl_hash table;
	size_t count = 0;

	hl_hash_init(&table);
	while (!table.old_buckets || count < 300)
		insert(&table, count++);
	ok(table.old_buckets != NULL, "the table is in the middle of growing");
	hl_hash_each(&table, visit_and_remove, &table);
	is_int(visits, count, "each node is visited once, and may be removed meanwhile");
	is_int(table.count, 0, "which leaves none");
	hl_hash_fini(&table);
}

static void without_memory(void)
{
	struct hl_hash table;
	size_t missing = 0, size;

	hl_memory_fail_at(1);
	is_int(hl_hash_init(&table), -ENOMEM, "no table without memory");
	hl_hash_init(&table);
	for (size_t i = 0; i < 8; i++)
		insert(&table, i);
	size = table.size;
	hl_memory_fail_at(1);
	insert(&table, 8);
	is_int(table.size, size, "a growth without memory does not happen");
	for (size_t i = 9; i < 100; i++)
		insert(&table, i);
	for (size_t i = 0; i < 100; i++)
		missing += !find(&table, i);
	is_int(missing, 0, "and loses nothing");
	ok(table.size > size, "it happens later");
	hl_hash_fini(&table);
}

static void hashes(void)
{
	unsigned buckets[64] = { 0 }, most = 0;

	ok(hl_hash_bytes("a", 1) != hl_hash_bytes("a\0", 2), "length counts");
	ok(hl_hash_mix(1, 2) != hl_hash_mix(2, 1), "so does the order of a mix");
	for (uint64_t i = 0; i < 6400; i++)
		buckets[hl_hash_bytes(&i, sizeof(i)) & 63]++;
	for (size_t i = 0; i < 64; i++)
		most = buckets[i] > most ? buckets[i] : most;
	ok(most < 170, "counting numbers spread over the low bits (fullest of 100 on average: %u)",
	   most);
}

/* Prints a hash, so that the test can compare two processes. */
static uint64_t of_another_process(const char *self)
{
	char command[512], text[32] = "";
	FILE *pipe;

	snprintf(command, sizeof(command), "'%s' print", self);
	pipe = popen(command, "r");
	if (pipe && !fgets(text, sizeof(text), pipe))
		text[0] = '\0';
	if (pipe)
		pclose(pipe);
	return strtoull(text, NULL, 16);
}

int main(int argc, char **argv)
{
	uint64_t other;

	if (argc > 1) {
		printf("%llx\n", (unsigned long long)hl_hash_bytes("abc", 3));
		return 0;
	}
	grows();
	walks_while_growing();
	without_memory();
	hashes();
	other = of_another_process(argv[0]);
	ok(other && other != hl_hash_bytes("abc", 3), "another process has another seed");
	return done_testing();
}
