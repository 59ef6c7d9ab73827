/* A contact as policy scripts see it. */
#include "endpoint/endpoint.h"

const char *hl_endpoint_network(const struct hl_config *config, const struct hl_account *account,
				const struct hl_address *received)
{
	if (account && account->party.network && *account->party.network)
		return account->party.network;
	return hl_config_network(config, received);
}

void hl_contact_view(const struct hl_contact *contact, const struct hl_config *config,
		     struct hl_endpoint_view *view)
{
	const struct hl_account *account =
		hl_config_account(config, hl_slice_of(hl_contact_user(contact)));

	*view = (struct hl_endpoint_view){
		.user = hl_contact_user(contact),
		.contact = contact->uri,
		.received = contact->flow.remote,
		.transport = hl_transport_name(contact->flow.type),
		.nat = contact->nat,
		.user_agent = contact->user_agent,
		.expires = hl_contact_expires_in(contact),
		.network = hl_endpoint_network(config, account, &contact->flow.remote),
		.settings = account ? account->node : NULL,
	};
	hl_contact_aor(contact, view->aor);
}
