/* Calls that are up as rows, as their records would be if they ended now. A call that a crash
 * interrupts gets its record from its row at the next start. Those that come and go between two
 * sweeps never have a row. */
#include "base/clock.h"
#include "base/log.h"
#include "call/cdr.h"
#include "kept.h"
#include "run.h"

#include <string.h>

enum {
	SWEEP = 100,  /* ms from a change to its row */
	ALIVE = 5000, /* ms between two looks at when calls were last alive */
};

/* What is kept with a call. */
struct mark {
	int64_t number; /* of its row; 0: none */
	uint64_t alive; /* hl_clock_now: what the row says */
	bool waits;	/* in the list */
};

static struct mark *mark_of(const struct hl_kept *kept, struct hl_call *call)
{
	return hl_call_space(call, kept->call_offset);
}

size_t hl_kept_call_space(struct hl_kept *kept, size_t plugins)
{
	kept->call_offset = (plugins + 7) / 8 * 8;
	return kept->call_offset + sizeof(struct mark);
}

static void write_row(struct hl_kept *kept, struct hl_call *call)
{
	struct mark *mark = mark_of(kept, call);
	struct hl_value row[HL_CDR_COLUMNS];
	struct hl_cdr cdr;

	hl_call_snapshot(call, &cdr);
	hl_cdr_row(&cdr, row);
	if (!mark->number)
		mark->number = kept->next_call++;
	mark->waits = false;
	mark->alive = hl_call_last_alive(call);
	if (hl_store_put(kept->holdline->store, HL_STORE_CALLS, mark->number, row))
		hl_log(HL_LOG_WARN, "store", "call-not-kept", hl_str("id", hl_call_id(call)));
}

void hl_kept_calls_flush(struct hl_kept *kept)
{
	for (size_t i = 0; i < kept->calls.count; i++) {
		struct hl_call *call = hl_call_get(kept->holdline->calls, kept->calls.items[i]);

		if (call && mark_of(kept, call)->waits)
			write_row(kept, call);
	}
	kept->calls.count = 0;
}

static void sweep(void *arg)
{
	struct hl_kept *kept = arg;

	hl_kept_calls_flush(kept);
	if (!hl_timer_running(&kept->alive_sweep))
		hl_timer_start(kept->holdline->loop, &kept->alive_sweep, ALIVE);
}

static void look(void *arg, struct hl_call *call)
{
	struct hl_kept *kept = arg;
	struct mark *mark = mark_of(kept, call);
	uint64_t alive = hl_call_last_alive(call);
	struct hl_value value = hl_value_time(hl_clock_wall_at(alive));

	if (mark->number && alive > mark->alive &&
	    !hl_store_touch(kept->holdline->store, HL_STORE_CALLS, mark->number, &value))
		mark->alive = alive;
}

static void look_at_all(void *arg)
{
	struct hl_kept *kept = arg;

	hl_calls_each(kept->holdline->calls, look, kept);
	if (hl_calls_count(kept->holdline->calls))
		hl_timer_start(kept->holdline->loop, &kept->alive_sweep, ALIVE);
}

void hl_kept_call(struct hl_kept *kept, struct hl_call *call)
{
	struct mark *mark = mark_of(kept, call);

	if (kept->deaf || mark->waits || hl_kept_list_add(&kept->calls, hl_call_handle(call)))
		return;
	mark->waits = true;
	if (!hl_timer_running(&kept->call_sweep))
		hl_timer_start(kept->holdline->loop, &kept->call_sweep, SWEEP);
}

void hl_kept_call_ended(struct hl_kept *kept, struct hl_call *call)
{
	struct mark *mark = mark_of(kept, call);

	mark->waits = false;
	if (mark->number && !kept->deaf)
		hl_store_drop(kept->holdline->store, HL_STORE_CALLS, mark->number);
	mark->number = 0;
}

void hl_kept_calls_init(struct hl_kept *kept)
{
	hl_timer_init(&kept->call_sweep, sweep, kept);
	hl_timer_init(&kept->alive_sweep, look_at_all, kept);
}

struct restoring {
	struct hl_kept *kept;
	int64_t calls;
};

static void visit(void *arg, int64_t number, const struct hl_value *row)
{
	struct restoring *restoring = arg;
	struct hl_kept *kept = restoring->kept;
	struct hl_value record[HL_CDR_COLUMNS];
	struct hl_cdr cdr;

	if (number >= kept->next_call)
		kept->next_call = number + 1;
	memcpy(record, row, sizeof(record));
	hl_cdr_interrupt(record);
	if (!hl_store_cdr(kept->holdline->store, record))
		hl_store_drop(kept->holdline->store, HL_STORE_CALLS, number);
	if (kept->holdline->policy) {
		hl_cdr_of_row(record, &cdr);
		hl_policy_ended(kept->holdline->policy, &cdr);
	}
	restoring->calls++;
}

void hl_kept_calls_restore(struct hl_kept *kept)
{
	struct restoring restoring = {.kept = kept};
	struct hl_error error;

	if (hl_store_each(kept->holdline->store, HL_STORE_CALLS, visit, &restoring, &error))
		hl_log(HL_LOG_ERROR, "store", "calls-unreadable", hl_str("error", error.text));
	if (restoring.calls)
		hl_log(HL_LOG_WARN, "store", "calls-interrupted", hl_int("calls", restoring.calls));
}
