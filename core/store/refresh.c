/* Refreshes of contacts. Changing the time in a contact's row would write its page, and of very
 * many contacts each refresh is of another page. So each is a small row of its own, in a table
 * sorted by when it ends: those of a moment go side by side into a few pages at its end, and the
 * head of it, where all is over, falls off. A contact is registered until the latest of its
 * refreshes and of what its row says. */
#include "store/private.h"

enum { TOGETHER = 32 }; /* rows of one statement: to begin and end it costs more than a row */

static int prepare(struct hl_refreshes *refreshes, struct hl_error *error)
{
	struct hl_text sql;
	int code;

	hl_text_init(&sql);
	hl_text_put(&sql, "INSERT OR IGNORE INTO refreshes (expires, number) VALUES ");
	for (unsigned i = 0; i < TOGETHER; i++)
		hl_text_put(&sql, i ? ", (?, ?)" : "(?, ?)");
	code = hl_database_prepare(refreshes->database, &sql, &refreshes->put, error);
	hl_text_put(&sql, "DELETE FROM refreshes WHERE expires <= ?");
	if (!code)
		code = hl_database_prepare(refreshes->database, &sql, &refreshes->forget, error);
	hl_text_fini(&sql);
	return code;
}

int hl_refreshes_open(struct hl_refreshes *refreshes, struct hl_database *database,
		      struct hl_error *error)
{
	int code;

	*refreshes = (struct hl_refreshes){.database = database};
	code = prepare(refreshes, error);
	/* Numbers behind the last row's are given again: to others. */
	return code ? code
		    : hl_database_run(database,
				      "DELETE FROM refreshes WHERE number > "
				      "(SELECT ifnull(max(number), 0) FROM contacts)",
				      "read the refreshes", error);
}

void hl_refreshes_close(struct hl_refreshes *refreshes)
{
	sqlite3_finalize(refreshes->put);
	sqlite3_finalize(refreshes->forget);
	*refreshes = (struct hl_refreshes){.database = NULL};
}

static int forget(struct hl_refreshes *refreshes, struct hl_error *error)
{
	sqlite3_bind_int64(refreshes->forget, 1, (sqlite3_int64)(hl_clock_wall() / HL_SECOND));
	return hl_database_step(refreshes->database, refreshes->forget, "forget refreshes", error);
}

int hl_refreshes_put(struct hl_refreshes *refreshes, const struct hl_store_refresh *items,
		     size_t count, struct hl_error *error)
{
	int code = 0;

	/* The last statement has the last refresh several times: once is enough. */
	for (size_t at = 0; at < count && !code; at += TOGETHER) {
		for (size_t i = 0; i < TOGETHER; i++) {
			const struct hl_store_refresh *item =
				&items[at + i < count ? at + i : count - 1];

			sqlite3_bind_int64(refreshes->put, (int)(2 * i + 1),
					   (sqlite3_int64)((item->expires + HL_SECOND - 1) /
							   HL_SECOND));
			sqlite3_bind_int64(refreshes->put, (int)(2 * i + 2), item->number);
		}
		code = hl_database_step(refreshes->database, refreshes->put, "write refreshes",
					error);
	}
	return code ? code : forget(refreshes, error);
}
