/* The call detail record (contract: CDR). One per call, exactly once, for failed calls too. */
#ifndef HL_CALL_CDR_H
#define HL_CALL_CDR_H

#include "base/row.h"

enum hl_ended_by { HL_ENDED_BY_CALLER, HL_ENDED_BY_CALLEE, HL_ENDED_BY_SERVER };

struct hl_cdr {
	char id[40];
	uint64_t started, answered, ended;     /* µs since the epoch; 0: null */
	uint64_t last_alive;		       /* last refresh, response or RTP; 0: null */
	int64_t pdd_ms;			       /* INVITE to the first ringing; −1: null */
	const char *caller, *callee;	       /* user parts, borrowed */
	char caller_addr[64], callee_addr[64]; /* "IP:PORT"; "": null */
	const char *gateway;		       /* borrowed; "": null */
	enum hl_ended_by ended_by;
	const char *reason; /* static or borrowed: "Normal", "Session Timeout", … */
	const char *detail; /* "refresh-failed", …; "": null */
	int sip_code;	    /* 200 answered, else what the caller got */
	/* The plugins fill these in stage `ended`. */
	bool media_relayed;
	char media_reason[128]; /* "": null */
	char codec[32];		/* "": null */
	char caller_timer[96];	/* "": null */
	char callee_timer[96];
	unsigned refreshes;
	struct hl_text streams; /* a JSON array; empty: null */
};

HL_EXPORT const char *hl_ended_by_text(enum hl_ended_by by);
/* The record as a row: the contract's keys, in its order. */
enum { HL_CDR_COLUMNS = 23 };
HL_EXPORT extern const struct hl_column hl_cdr_columns[HL_CDR_COLUMNS];
/* Fills `row`, which borrows from the record. */
HL_EXPORT void hl_cdr_row(const struct hl_cdr *cdr, struct hl_value row[HL_CDR_COLUMNS]);
/* The record of a row whose texts end in NUL (the store's do); it borrows them. Streams are left
 * out. */
HL_EXPORT void hl_cdr_of_row(const struct hl_value row[HL_CDR_COLUMNS], struct hl_cdr *cdr);
/* The row of a call that was up when the switch died becomes its record: it ended when it was last
 * known to be alive. */
HL_EXPORT void hl_cdr_interrupt(struct hl_value row[HL_CDR_COLUMNS]);

#endif
