/* A property of calls: whatever legal messages come in whatever order, lost and repeated, a call
 * has one record, both its legs end, nothing follows their BYE, and nothing is left of it.
 * Thousands of runs with fixed seeds on the fake clock; CALL_RUNS says how many, CALL_SEED which
 * one first. */
#include "call_agent.h"
#include "wire.h"

#include "base/clock.h"
#include "call/private.h"
#include "config_file.h"

enum { RUNS = 3000, STEPS = 40, BRANCHES = 3 };

static struct hl_calls *calls;
static struct {
	unsigned begun, records, legs_ended;
	char story[256]; /* what the run did, for its failure */
} seen;

static int on_route(void *arg, struct hl_call *call)
{
	(void)arg, (void)call;
	seen.begun++;
	return 0;
}

/* One to three callees, together or one after the other. */
static int on_decide(void *arg, struct hl_call *call, struct hl_route_decision *decision)
{
	(void)arg, (void)call;
	memset(decision, 0, sizeof(*decision));
	decision->count = 1 + dice(BRANCHES);
	for (unsigned i = 0, group = 0; i < decision->count; i++) {
		decision->targets[i].group = group;
		snprintf(decision->targets[i].text, sizeof(decision->targets[i].text),
			 "gateway:b%u", i + 1);
		group += dice(2);
	}
	return 1;
}

static int on_sdp(void *arg, struct hl_call *call, struct hl_leg *from, struct hl_leg *to,
		  struct hl_slice sdp, struct hl_text *rewritten)
{
	(void)arg, (void)call, (void)from, (void)to, (void)sdp, (void)rewritten;
	return 0;
}

static int on_message(void *arg, struct hl_leg *leg, struct hl_message *message)
{
	(void)arg, (void)leg, (void)message;
	return 0;
}

static void on_answered(void *arg, struct hl_call *call)
{
	(void)arg, (void)call;
}

static void on_leg_ended(void *arg, struct hl_leg *leg)
{
	(void)arg, (void)leg;
	seen.legs_ended++;
}

static void on_ended(void *arg, struct hl_call *call, struct hl_cdr *cdr)
{
	(void)arg, (void)call, (void)cdr;
	seen.records++;
}

static const struct hl_call_hooks hooks = {
	.route = on_route,
	.decide_route = on_decide,
	.offer = on_sdp,
	.answer = on_sdp,
	.leg_send = on_message,
	.leg_recv = on_message,
	.answered = on_answered,
	.leg_ended = on_leg_ended,
	.ended = on_ended,
};

static void on_request(void *arg, struct hl_transaction *transaction, struct hl_message *message)
{
	(void)arg;
	if (*hl_message_to_tag(message))
		hl_calls_request(calls, transaction, message);
	else if (hl_message_method(message) == HL_METHOD_INVITE)
		hl_calls_invite(calls, transaction, message);
	else
		hl_transaction_reply(transaction, 405, NULL);
}

static void on_ack(void *arg, const struct hl_flow *flow, struct hl_message *message)
{
	(void)arg, (void)flow;
	hl_calls_ack(calls, message);
}

static void on_stray(void *arg, const struct hl_flow *flow, struct hl_message *message)
{
	(void)arg, (void)flow, (void)message;
}

static const struct hl_transaction_handlers handlers = {on_request, on_ack, on_stray};

static void ignore_bytes(void *arg, const struct hl_flow *flow, struct hl_slice bytes)
{
	(void)arg, (void)flow, (void)bytes;
}

static void ignore_end(void *arg, const struct hl_flow *flow)
{
	(void)arg, (void)flow;
}

static const struct hl_transport_events quiet = {.received = ignore_bytes,
						 .disconnected = ignore_end};

static void ignore_contact(void *arg, enum hl_contact_event event, struct hl_contact *contact)
{
	(void)arg, (void)event, (void)contact;
}

static void open_agent(struct agent *agent)
{
	struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	struct hl_address address;

	agent->socket = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (agent->socket < 0 || bind(agent->socket, (struct sockaddr *)&name, sizeof(name)))
		exit(1);
	address = socket_address(agent->socket);
	hl_address_format(&address, agent->address);
	if (hl_transport_flow_to(world.transport, HL_TRANSPORT_UDP, &address, &agent->flow))
		exit(1);
}

static void open_world(void)
{
	char yaml[1024];
	struct hl_calls_parts parts = {.hooks = &hooks};
	struct hl_trunks_parts trunks;
	struct hl_error error;

	hl_clock_fake(1000 * HL_SECOND);
	hl_log_setup(HL_LOG_ERROR, HL_LOG_TEXT);
	world.loop = hl_loop_new(NULL);
	world.transport = hl_transport_new(world.loop, &quiet, NULL);
	world.table = hl_transactions_new(world.loop, world.transport, &handlers, NULL);
	if (hl_transport_listen(world.transport, "udp:127.0.0.1:0", NULL))
		exit(1);
	for (unsigned i = 0; i < AGENTS; i++)
		open_agent(&world.agents[i]);
	snprintf(yaml, sizeof(yaml),
		 "switch: {max_call_duration: 60, timeout_ringing: 20}\n"
		 "gateways:\n  a: {address: \"sip:%s\", prefix: \"9\"}\n"
		 "  b1: {address: \"sip:%s\"}\n  b2: {address: \"sip:%s\"}\n"
		 "  b3: {address: \"sip:%s\"}\n",
		 world.agents[0].address, world.agents[1].address, world.agents[2].address,
		 world.agents[3].address);
	trunks = (struct hl_trunks_parts){world.loop, world.transport, world.table};
	if (!reads(yaml)) {
		printf("Bail out! %s\n", told);
		exit(1);
	}
	parts.loop = world.loop;
	parts.transport = world.transport;
	parts.transactions = world.table;
	parts.trunks = hl_trunks_new(&trunks, &error);
	if (!parts.trunks || hl_trunks_set_config(parts.trunks, config))
		exit(1);
	parts.endpoints = hl_endpoints_new(world.loop, 0, ignore_contact, NULL);
	calls = hl_calls_new(&parts);
	hl_calls_set_config(calls, config);
}

static void close_world(void)
{
	struct hl_endpoints *endpoints = calls->parts.endpoints;
	struct hl_trunks *trunks = calls->parts.trunks;

	hl_calls_free(calls);
	hl_endpoints_free(endpoints);
	hl_trunks_free(trunks);
	hl_transactions_free(world.table);
	hl_transport_free(world.transport);
	hl_loop_free(world.loop);
	for (unsigned i = 0; i < AGENTS; i++)
		close(world.agents[i].socket);
}

static void advance(unsigned milliseconds)
{
	hl_loop_advance(world.loop, milliseconds);
	drain();
	hl_loop_advance(world.loop, 0);
	drain();
}

static void clear_agent(struct agent *agent, unsigned run)
{
	int fd = agent->socket;
	struct hl_flow flow = agent->flow;
	char address[sizeof(agent->address)];

	memcpy(address, agent->address, sizeof(address));
	memset(agent, 0, sizeof(*agent));
	memcpy(agent->address, address, sizeof(address));
	agent->socket = fd;
	agent->flow = flow;
	agent->caller = agent == world.agents;
	agent->never_acks = agent->caller && dice(12) == 0;
	agent->deaf = !agent->caller && dice(15) == 0;
	if (agent->caller) {
		snprintf(agent->call_id, NAME, "run%u@a", run);
		snprintf(agent->local, NAME, "<sip:9@a>;tag=caller%u", run);
		snprintf(agent->remote, NAME, "<sip:0123@b>");
		snprintf(agent->target, NAME, "sip:0123@b");
	}
}

/* What a party of an established call may do. */
static void talk(struct agent *agent)
{
	static const char *const methods[] = {"INVITE", "UPDATE", "INFO", "OPTIONS", "BYE"};
	const char *method = methods[dice(HL_COUNT(methods))];

	if (agent->pending[0] || agent->bye_got || agent->bye_sent)
		return;
	ask(agent, method, !strcmp(method, "INVITE") || (!strcmp(method, "UPDATE") && dice(2)));
}

static void call_further(struct agent *agent)
{
	static const int codes[] = {100, 180, 180, 183, 200, 200, 302, 486, 503, 603};
	char text[PACKET];

	if (agent->caller && !agent->final && agent->progressed && !agent->cancelled &&
	    dice(6) == 0) {
		agent->cancelled = true;
		build_request(agent, "CANCEL", agent->invite_cseq, agent->invite_branch, false,
			      text);
		/* To has no tag in a CANCEL before the dialog; the INVITE's own is found by branch.
		 */
		send_text(agent, text);
	} else if (!agent->caller && agent->invited && !agent->final && agent->pending[0]) {
		answer_invite(agent, codes[dice(HL_COUNT(codes))]);
	} else if (agent->answered && (agent->caller ? !agent->never_acks : agent->acked)) {
		talk(agent);
	}
}

/* Whether everybody who has a dialog knows that it is over. */
static const char *fault(void)
{
	if (seen.begun > 1 || seen.records != seen.begun)
		return "not one record for one call";
	if (hl_calls_count(calls) || !hl_list_empty(&calls->graveyard))
		return "a call is left";
	if (calls->call_handles.count || calls->leg_handles.count || calls->exchange_handles.count)
		return "a handle is left";
	if (calls->legs.count || calls->invites.count || calls->busy.count)
		return "a hash is not empty";
	if (hl_transactions_count(world.table))
		return "a transaction is left";
	for (struct agent *agent = world.agents; agent < world.agents + AGENTS; agent++) {
		if (agent->after_bye)
			return "something came after BYE";
		if (agent->answered && !agent->deaf && !agent->over)
			return "a leg was not ended";
	}
	return NULL;
}

static void begin_call(struct agent *caller)
{
	ask(caller, "INVITE", dice(6) != 0);
	caller->invite_cseq = caller->cseq;
	caller->invite_branch = world.branch;
	drain();
}

/* One call from its INVITE to the last timer; NULL when all is well. */
static const char *run_once(unsigned seed)
{
	memset(&seen, 0, sizeof(seen));
	world.random = 88172645463325252ull + seed * 2654435761ull;
	dice(2);
	world.loss = dice(3) * 10;
	world.copies = dice(3) * 10;
	for (unsigned i = 0; i < AGENTS; i++)
		clear_agent(&world.agents[i], seed);
	begin_call(&world.agents[0]);
	for (unsigned step = 0; step < STEPS; step++) {
		call_further(&world.agents[dice(AGENTS)]);
		drain();
		if (dice(3) == 0) {
			repeat_all();
			advance(500 + dice(1500));
		}
	}
	for (unsigned i = 0; i < 200; i++) {
		repeat_all();
		advance(i < 40 ? 500 : 1000);
	}
	return fault();
}

int main(void)
{
	const char *runs = getenv("CALL_RUNS"), *first = getenv("CALL_SEED");
	unsigned count = runs ? (unsigned)atoi(runs) : RUNS,
		 seed = first ? (unsigned)atoi(first) : 1;
	unsigned failed = 0, answered = 0, calls_begun = 0;

	if (!begin())
		return 1;
	open_world();
	for (unsigned i = 0; i < count; i++) {
		const char *what = run_once(seed + i);

		answered += world.agents[0].answered;
		calls_begun += seen.begun;
		if (what && failed++ < 5)
			diag("CALL_SEED=%u: %s", seed + i, what);
	}
	is_int(failed, 0, "%u calls: one record each, both legs ended, nothing left", count);
	ok(answered > count / 8 && answered < count, "%u were answered, the others not", answered);
	ok(calls_begun > count * 9 / 10, "%u of the INVITEs arrived", calls_begun);
	close_world();
	return end();
}
