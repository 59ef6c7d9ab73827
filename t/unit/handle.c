/* Handles: they find what lives and never what is gone. */
#include "base/handle.h"
#include "base/memory.h"

#include "tap.h"

#include <errno.h>

enum { MANY = 1000 };

static int objects[MANY];

static void reuse(void)
{
	struct hl_handles table;
	struct hl_handle old, new;

	hl_handles_init(&table);
	is_int(hl_handle_new(&table, &objects[0], &old), 0, "a handle");
	ok(old.generation != 0, "is not the handle of nothing");
	ok(hl_handle_get(&table, old) == &objects[0], "and finds its object");
	hl_handle_release(&table, old);
	ok(!hl_handle_get(&table, old), "released, it finds nothing");
	hl_handle_new(&table, &objects[1], &new);
	is_int(new.slot, old.slot, "the slot serves another");
	ok(!hl_handle_get(&table, old), "which the old handle does not find");
	hl_handle_release(&table, old);
	ok(hl_handle_get(&table, new) == &objects[1], "nor release");
	ok(!hl_handle_equal(old, new), "the two differ");
	ok(!hl_handle_get(&table, HL_HANDLE_NONE), "the handle of nothing finds nothing");
	ok(!hl_handle_get(&table, (struct hl_handle){ 1 << 30, 1 }), "nor one from elsewhere");
	is_int(table.count, 1, "one is in use");
	hl_handles_fini(&table);
}

static void many(void)
{
	struct hl_handles table;
	struct hl_handle handles[MANY];
	unsigned wrong = 0;

	hl_handles_init(&table);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < MANY; i++)
			wrong += hl_handle_new(&table, &objects[i], &handles[i]) != 0;
		for (int i = 0; i < MANY; i++)
			wrong += hl_handle_get(&table, handles[i]) != &objects[i];
		for (int i = 0; i < MANY; i++)
			hl_handle_release(&table, handles[i]);
		for (int i = 0; i < MANY; i++)
			wrong += hl_handle_get(&table, handles[i]) != NULL;
	}
	is_int(wrong, 0, "three rounds of a thousand");
	ok(table.size < 2 * MANY, "in slots that are used again");
	hl_handles_fini(&table);
}

static void without_memory(void)
{
	struct hl_handles table;
	struct hl_handle handle = { 5, 5 }, first;

	hl_handles_init(&table);
	hl_memory_fail_at(1);
	is_int(hl_handle_new(&table, objects, &handle), -ENOMEM, "no handle without memory");
	is_int(handle.slot, 5, "and none was written");
	hl_handle_new(&table, &objects[0], &first);
	for (uint32_t i = 1; i < table.size; i++)
		hl_handle_new(&table, objects + i, &handle);
	hl_memory_fail_at(1);
	is_int(hl_handle_new(&table, objects, &handle), -ENOMEM, "nor when the table is full");
	ok(hl_handle_get(&table, first) == &objects[0], "those that were there still are");
	hl_handles_fini(&table);
}

int main(void)
{
	reuse();
	many();
	without_memory();
	return done_testing();
}
