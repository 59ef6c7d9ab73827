/* The accounts of the database's table `subscribers`: loaded into memory at start and on reload,
 * changed by the control command `subscriber` in both places. */
#ifndef HL_SUBSCRIBERS_H
#define HL_SUBSCRIBERS_H

#include "base/row.h"
#include "config/subscriber.h"

struct hl_switch;

enum hl_subscriber_column {
	HL_SUBSCRIBER_USER, /* the first: rows are found by it */
	HL_SUBSCRIBER_REALM,
	HL_SUBSCRIBER_MD5,
	HL_SUBSCRIBER_SHA256,
	HL_SUBSCRIBER_SETTINGS,
	HL_SUBSCRIBER_CREATED,
	HL_SUBSCRIBER_ENABLED,
	HL_SUBSCRIBER_COLUMNS
};
extern const struct hl_column hl_subscriber_columns[HL_SUBSCRIBER_COLUMNS];

/* Loads them, before anything is reached from outside. 0 or negative errno with `error`. */
int hl_subscribers_begin(struct hl_switch *holdline, struct hl_error *error);
/* A new configuration is in force: gives it the subscribers, and reads them again meanwhile. */
void hl_subscribers_reload(struct hl_switch *holdline);
/* A row as the index takes it; borrows from the row and `realm`, the configured one. */
void hl_subscriber_of_row(const struct hl_value *row, const char *realm,
			  struct hl_subscriber_row *subscriber);

/* subscriber_command.c: the control command. 0 or negative errno. */
int hl_subscriber_command_register(struct hl_switch *holdline);

#endif
