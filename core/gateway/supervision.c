/* Whether a gateway lives: an OPTIONS every `options_period`, from the switch, to the server that
 * answered last; when that is silent, to the others. Any final answer is life. */
#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "gateway/private.h"

#include <errno.h>

static void ask(void *arg);

void hl_supervision_init(struct hl_trunk *trunk)
{
	struct supervision *supervision = &trunk->supervision;

	hl_timer_init(&supervision->timer, ask, trunk);
	supervision->reachable = -1;
	supervision->rtt = -1;
}

void hl_supervision_stop(struct hl_trunk *trunk)
{
	hl_timer_stop(trunk->trunks->parts.loop, &trunk->supervision.timer);
	trunk->supervision.transaction = HL_HANDLE_NONE;
}

static void next_round(struct hl_trunk *trunk)
{
	struct supervision *supervision = &trunk->supervision;

	supervision->tried = 0;
	supervision->transaction = HL_HANDLE_NONE;
	if (trunk->gateway->options_period > 0)
		hl_timer_start(trunk->trunks->parts.loop, &supervision->timer,
			       (uint64_t)trunk->gateway->options_period * 1000);
}

static void found_out(struct hl_trunk *trunk, bool reachable, const char *why)
{
	struct supervision *supervision = &trunk->supervision;
	char address[HL_ADDRESS_TEXT];

	if (supervision->reachable != reachable)
		hl_log(reachable ? HL_LOG_INFO : HL_LOG_WARN, "gateway",
		       reachable ? "reachable" : "unreachable",
		       hl_str("gateway", trunk->gateway->name),
		       hl_str("address", hl_address_format(&supervision->asked_address, address)),
		       hl_str("why", why));
	supervision->reachable = reachable;
	if (!reachable)
		supervision->rtt = -1;
	next_round(trunk);
}

/* That server is silent: the next one, or the gateway is. */
static void missed(struct hl_trunk *trunk, const char *why)
{
	struct supervision *supervision = &trunk->supervision;

	supervision->server++;
	if (++supervision->tried < trunk->location.count)
		ask(trunk);
	else
		found_out(trunk, false, why);
}

static void happened(void *arg, struct hl_handle handle, struct hl_transaction *transaction,
		     enum hl_transaction_event event, struct hl_message *message)
{
	struct hl_trunks *trunks = arg;
	struct hl_trunk *trunk = hl_handle_get(&trunks->handles, handle);
	struct supervision *supervision = trunk ? &trunk->supervision : NULL;

	if (!trunk ||
	    !hl_handle_equal(supervision->transaction, hl_transaction_handle(transaction)))
		return;
	if (event != HL_TRANSACTION_RESPONSE) {
		missed(trunk, event == HL_TRANSACTION_TIMEOUT ? "no answer to OPTIONS"
							      : "OPTIONS cannot be sent");
		return;
	}
	if (hl_message_status(message) < 200)
		return;
	supervision->rtt = (int64_t)(hl_clock_now() - supervision->asked);
	for (size_t i = 0; i < trunk->location.count; i++)
		if (hl_address_equal(&trunk->location.servers[i].address,
				     &supervision->asked_address)) {
			trunk->location.preferred = i;
			trunk->location.has_preferred = true;
		}
	hl_registration_mapped(trunk, hl_transaction_flow(transaction), message);
	found_out(trunk, true, "it answers OPTIONS");
}

static struct hl_message *options(const struct hl_trunk *trunk, const struct hl_flow *flow)
{
	char own[128], tag[17], call_id[25];
	struct hl_text uri, from, to;
	struct hl_message *request = NULL;

	hl_transport_contact(trunk->trunks->parts.transport, flow, "", own, sizeof(own));
	hl_random_token(tag, sizeof(tag));
	hl_random_token(call_id, sizeof(call_id));
	hl_text_init(&uri);
	hl_text_init(&from);
	hl_text_init(&to);
	hl_trunk_put_uri(trunk, "", &uri);
	hl_text_printf(&from, "%s;tag=%s", own, tag);
	hl_text_printf(&to, "<%s>", hl_text_string(&uri));
	if (!uri.failed && !from.failed && !to.failed)
		request =
			hl_message_request(HL_METHOD_OPTIONS, hl_text_string(&uri),
					   hl_text_string(&from), hl_text_string(&to), call_id, 1);
	if (request && (hl_message_set_header(request, "Contact", own) < 0 ||
			hl_message_set_header(request, "Accept", "application/sdp") < 0)) {
		hl_message_free(request);
		request = NULL;
	}
	hl_text_fini(&uri);
	hl_text_fini(&from);
	hl_text_fini(&to);
	return request;
}

static void ask(void *arg)
{
	struct hl_trunk *trunk = arg;
	struct hl_trunks_parts *parts = &trunk->trunks->parts;
	struct supervision *supervision = &trunk->supervision;
	struct location *location = &trunk->location;
	struct hl_transaction_owner owner = {happened, trunk->trunks, trunk->handle};
	struct hl_flow flow;
	int result = -ENOENT;

	if (!supervision->tried && location->has_preferred)
		supervision->server = location->preferred;
	if (location->count) {
		const struct hl_address *address =
			&location->servers[supervision->server % location->count].address;

		supervision->asked_address = *address;
		supervision->asked = hl_clock_now();
		result = hl_gateway_flow(parts->transport, trunk->gateway, address, &flow);
	}
	if (!result) {
		struct hl_message *request = options(trunk, &flow);

		result = request ? hl_transaction_start(parts->transactions, &flow, request, owner,
							&supervision->transaction)
				 : -ENOMEM;
	}
	if (result == -ENOENT)
		found_out(trunk, false, location->fault ? location->fault : "its name is unknown");
	else if (result < 0)
		missed(trunk, strerror(-result));
}

void hl_supervision_start(struct hl_trunk *trunk)
{
	struct supervision *supervision = &trunk->supervision;
	bool running = hl_timer_running(&supervision->timer) || supervision->transaction.generation;

	if (trunk->trunks->stopping || !trunk->gateway->options_period) {
		hl_supervision_stop(trunk);
		supervision->reachable = -1;
	} else if (!running && (trunk->location.count || trunk->location.fault)) {
		ask(trunk);
	}
}
