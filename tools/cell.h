/* Values in words: one function for each kind of column (see struct field). */
#ifndef HL_TOOLS_CELL_H
#define HL_TOOLS_CELL_H

#include "terminal.h"

#include <jansson.h>

typedef enum shade cell_function(FILE *out, const json_t *value, const json_t *row);

cell_function cell_text;	 /* as it is; lists with commas; nothing is - */
cell_function cell_yes_no;	 /* yes, no */
cell_function cell_duration;	 /* seconds: 4m 12s */
cell_function cell_in;		 /* seconds from now: in 4m 12s */
cell_function cell_ago;		 /* seconds gone by: 3s ago */
cell_function cell_milliseconds; /* 12.3 ms */
cell_function cell_moment;	 /* RFC 3339: 2026-11-22 15:53:07 */
cell_function cell_time_of_day;	 /* RFC 3339: 15:53:07.123 */
cell_function cell_caller_rung;	 /* a message between the caller and the switch */
cell_function cell_callee_rung;	 /* one between the switch and a callee */
cell_function cell_bytes;	 /* "HELLO", control characters as escapes */
cell_function cell_received;	 /* a contact's received and received_port */
cell_function cell_nat;		 /* a contact's nat and nat_reason */
cell_function cell_heartbeat;	 /* a contact's keepalive in short */
cell_function cell_missed;	 /* a number that should be 0 */
cell_function cell_reachable;	 /* a contact's reachable and rtt_ms */
cell_function cell_media;	 /* a call's media.relayed */
cell_function cell_timer;	 /* a leg's timer in short */
cell_function cell_limit;	 /* a leg's limit_in and limit_by */
cell_function cell_registration; /* a gateway's registration in short */
cell_function cell_calls;	 /* a gateway's calls of max_calls */
cell_function cell_ended;	 /* a record's reason and detail */
cell_function cell_usage;	 /* a command with its arguments */

#endif
