/* The four transaction machines (RFC 3261 §17.1.1–17.2.2, RFC 6026) as one table of
 * (kind, state, input) → (action, next state, timers). */
#include "base/clock.h"
#include "sip/transaction_parts.h"

enum { LINGER = 100 }; /* ms by which an end that nobody waits for may be late */

typedef void transaction_action(struct hl_transaction *transaction, struct hl_message *message);

/* What runs in a state that is entered. */
enum timer_rule {
	KEEP,	   /* as it was */
	STOP,	   /* both off */
	END_64T1,  /* retransmission off, end after 64·T1 */
	RETRY_2XX, /* T1, doubling to T2, whatever the transport; end after 64·T1 (L) */
	RETRY_G,   /* T1, doubling to T2, if unreliable; end after 64·T1 (H) */
	SLOW_E,	   /* every T2, if unreliable; the end stays */
	END_D,	   /* unreliable: 32 s; else at once */
	END_T4,	   /* unreliable: T4 (I, K); else at once */
	END_J,	   /* unreliable: 64·T1; else at once */
};

static bool reliable(const struct hl_transaction *transaction)
{
	return transaction->flow.type != HL_TRANSPORT_UDP;
}

static void absorb(struct hl_transaction *transaction, struct hl_message *message)
{
	(void)transaction, (void)message;
}

static void send_last(struct hl_transaction *transaction, struct hl_message *message)
{
	(void)message;
	if (transaction->sent.length)
		hl_transaction_send(transaction);
}

/* The caller is gone before its answer. What its owner makes of it is kept for repeats, as ever. */
static void tell_lost(struct hl_transaction *transaction, struct hl_message *message)
{
	(void)message;
	hl_transaction_tell(transaction, HL_TRANSACTION_FAILED, NULL);
}

static void fail(struct hl_transaction *transaction, struct hl_message *message)
{
	(void)message;
	hl_transaction_tell(transaction, HL_TRANSACTION_FAILED, NULL);
	hl_transaction_destroy(transaction);
}

/* Once more, and the next time later: doubled, up to T2 except for an INVITE request. */
static void send_again(struct hl_transaction *transaction, struct hl_message *message)
{
	int result = hl_transaction_send(transaction);
	bool client = transaction->kind == INVITE_CLIENT || transaction->kind == CLIENT;
	if (client && result < 0) {
		fail(transaction, message);
		return;
	}
	transaction->interval *= 2;
	if (transaction->interval > T2 && transaction->kind != INVITE_CLIENT)
		transaction->interval = T2;
	hl_timer_start(transaction->table->loop, &transaction->again, transaction->interval);
}

static void tell(struct hl_transaction *transaction, struct hl_message *message)
{
	hl_transaction_tell(transaction, HL_TRANSACTION_RESPONSE, message);
}

static void tell_provisional(struct hl_transaction *transaction, struct hl_message *message)
{
	if (transaction->cancel_due)
		hl_transaction_send_cancel(transaction);
	tell(transaction, message);
}

static void ack_and_tell(struct hl_transaction *transaction, struct hl_message *message)
{
	hl_transaction_send_ack(transaction, message);
	tell(transaction, message);
}

static void pass_ack_up(struct hl_transaction *transaction, struct hl_message *message)
{
	struct hl_transactions *table = transaction->table;
	table->handlers->ack(table->arg, &transaction->flow, message);
}

static void time_out(struct hl_transaction *transaction, struct hl_message *message)
{
	(void)message;
	hl_transaction_tell(transaction, HL_TRANSACTION_TIMEOUT, NULL);
	hl_transaction_destroy(transaction);
}

static void end_accepted(struct hl_transaction *transaction, struct hl_message *message)
{
	(void)message;
	if (!transaction->acked)
		hl_transaction_tell(transaction, HL_TRANSACTION_UNACKED, NULL);
	hl_transaction_destroy(transaction);
}

static void destroy(struct hl_transaction *transaction, struct hl_message *message)
{
	(void)message;
	hl_transaction_destroy(transaction);
}

static const struct {
	transaction_action *action;
	enum transaction_state next;
	enum timer_rule timers;
} machine[KINDS][STATES][INPUTS] =
	{
		[INVITE_SERVER] =
			{
				[PROCEEDING] =
					{
						[GOT_REQUEST] = {send_last, PROCEEDING, KEEP},
						[SEND_1XX] = {send_last, PROCEEDING, KEEP},
						[SEND_2XX] = {send_last, ACCEPTED, RETRY_2XX},
						[SEND_FAILURE] = {send_last, COMPLETED, RETRY_G},
						[LOST] = {tell_lost, PROCEEDING, KEEP},
					},
				[ACCEPTED] =
					{
						[GOT_REQUEST] = {absorb, ACCEPTED, KEEP},
						[GOT_ACK] = {pass_ack_up, ACCEPTED, KEEP},
						[TIMER_AGAIN] = {send_again, ACCEPTED, KEEP},
						[TIMER_END] = {end_accepted, ACCEPTED, KEEP},
					},
				[COMPLETED] =
					{
						[GOT_REQUEST] = {send_last, COMPLETED, KEEP},
						[GOT_ACK] = {absorb, CONFIRMED, END_T4},
						[TIMER_AGAIN] = {send_again, COMPLETED, KEEP},
						[TIMER_END] = {destroy, COMPLETED, KEEP},
					},
				[CONFIRMED] =
					{
						[GOT_REQUEST] = {absorb, CONFIRMED, KEEP},
						[GOT_ACK] = {absorb, CONFIRMED, KEEP},
						[TIMER_END] = {destroy, CONFIRMED, KEEP},
					},
			},
		[SERVER] =
			{
				[TRYING] =
					{
						[GOT_REQUEST] = {absorb, TRYING, KEEP},
						[SEND_1XX] = {send_last, PROCEEDING, KEEP},
						[SEND_2XX] = {send_last, COMPLETED, END_J},
						[SEND_FAILURE] = {send_last, COMPLETED, END_J},
					},
				[PROCEEDING] =
					{
						[GOT_REQUEST] = {send_last, PROCEEDING, KEEP},
						[SEND_1XX] = {send_last, PROCEEDING, KEEP},
						[SEND_2XX] = {send_last, COMPLETED, END_J},
						[SEND_FAILURE] = {send_last, COMPLETED, END_J},
					},
				[COMPLETED] =
					{
						[GOT_REQUEST] = {send_last, COMPLETED, KEEP},
						[TIMER_END] = {destroy, COMPLETED, KEEP},
					},
			},
		[INVITE_CLIENT] =
			{
				[TRYING] =
					{
						[TIMER_AGAIN] = {send_again, TRYING, KEEP},
						[LOST] = {fail, TRYING, KEEP},
						[TIMER_END] = {time_out, TRYING, KEEP},
						[GOT_1XX] = {tell_provisional, PROCEEDING, STOP},
						[GOT_2XX] = {tell, ACCEPTED, END_64T1},
						[GOT_FAILURE] = {ack_and_tell, COMPLETED, END_D},
					},
				[PROCEEDING] =
					{
						[LOST] = {fail, PROCEEDING, KEEP},
						[TIMER_END] = {time_out, PROCEEDING, KEEP},
						[GOT_1XX] = {tell_provisional, PROCEEDING, KEEP},
						[GOT_2XX] = {tell, ACCEPTED, END_64T1},
						[GOT_FAILURE] = {ack_and_tell, COMPLETED, END_D},
					},
				[ACCEPTED] =
					{
						[GOT_2XX] = {tell, ACCEPTED, KEEP},
						[TIMER_END] = {destroy, ACCEPTED, KEEP},
					},
				[COMPLETED] =
					{
						[GOT_FAILURE] = {hl_transaction_send_ack, COMPLETED,
								 KEEP},
						[TIMER_END] = {destroy, COMPLETED, KEEP},
					},
			},
		[CLIENT] =
			{
				[TRYING] =
					{
						[TIMER_AGAIN] = {send_again, TRYING, KEEP},
						[LOST] = {fail, TRYING, KEEP},
						[TIMER_END] = {time_out, TRYING, KEEP},
						[GOT_1XX] = {tell, PROCEEDING, SLOW_E},
						[GOT_2XX] = {tell, COMPLETED, END_T4},
						[GOT_FAILURE] = {tell, COMPLETED, END_T4},
					},
				[PROCEEDING] =
					{
						[TIMER_AGAIN] = {send_again, PROCEEDING, KEEP},
						[LOST] = {fail, PROCEEDING, KEEP},
						[TIMER_END] = {time_out, PROCEEDING, KEEP},
						[GOT_1XX] = {tell, PROCEEDING, KEEP},
						[GOT_2XX] = {tell, COMPLETED, END_T4},
						[GOT_FAILURE] = {tell, COMPLETED, END_T4},
					},
				[COMPLETED] =
					{
						[TIMER_END] = {destroy, COMPLETED, KEEP},
					},
			},
};

static void retry_from(struct hl_transaction *transaction, uint32_t interval)
{
	transaction->interval = interval;
	hl_timer_start(transaction->table->loop, &transaction->again, interval);
}

static void end_after(struct hl_transaction *transaction, uint32_t milliseconds)
{
	hl_timer_stop(transaction->table->loop, &transaction->again);
	hl_timer_start(transaction->table->loop, &transaction->end, milliseconds);
}

/* Only memory waits for such an end, so it may come late: all of a moment in one turn of the loop
 * cost one wake-up. */
static void linger(struct hl_transaction *transaction, uint32_t milliseconds)
{
	const uint64_t moment = LINGER * HL_MILLISECOND;
	uint64_t end = hl_clock_now() + milliseconds * HL_MILLISECOND;

	hl_timer_stop(transaction->table->loop, &transaction->again);
	hl_timer_start_at(transaction->table->loop, &transaction->end,
			  (end + moment - 1) / moment * moment);
}

static void run_timers(struct hl_transaction *transaction, enum timer_rule rule)
{
	struct hl_loop *loop = transaction->table->loop;
	bool lossless = reliable(transaction);
	switch (rule) {
	case KEEP: break;
	case STOP:
		hl_timer_stop(loop, &transaction->again);
		hl_timer_stop(loop, &transaction->end);
		break;
	case END_64T1: linger(transaction, 64 * T1); break;
	case RETRY_2XX:
		end_after(transaction, 64 * T1);
		retry_from(transaction, T1);
		break;
	case RETRY_G:
		end_after(transaction, 64 * T1);
		if (!lossless)
			retry_from(transaction, T1);
		break;
	case SLOW_E:
		if (!lossless)
			retry_from(transaction, T2);
		break;
	case END_D:
	case END_T4:
	case END_J:
		if (lossless)
			end_after(transaction, 0);
		else
			linger(transaction, rule == END_D    ? TIMER_D
					    : rule == END_T4 ? T4
							     : 64 * T1);
		break;
	}
}

/* The next state is entered before the action runs: the action may tell the owner, and the owner
 * may answer at once. What it does then comes on top. */
void hl_transaction_input(struct hl_transaction *transaction, enum transaction_input input,
			  struct hl_message *message)
{
	enum transaction_kind kind = transaction->kind;
	enum transaction_state state = transaction->state;
	if (!machine[kind][state][input].action)
		return;
	transaction->state = machine[kind][state][input].next;
	run_timers(transaction, machine[kind][state][input].timers);
	machine[kind][state][input].action(transaction, message);
}

/* A client's request was sent: Timers A and B, or E and F. */
void hl_transaction_begin(struct hl_transaction *transaction)
{
	end_after(transaction, 64 * T1);
	if (!reliable(transaction))
		retry_from(transaction, T1);
}
