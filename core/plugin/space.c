/* A plugin's bytes inside contacts, calls and legs. The one file of this room that knows where
 * those are kept. */
#include "call/leg.h"
#include "endpoint/contact.h"
#include "plugin/private.h"

void *hl_module_contact(const struct hl_module *module, struct hl_contact *contact)
{
	return hl_contact_space(contact, module->contact_offset);
}

void *hl_module_call(const struct hl_module *module, struct hl_call *call)
{
	return hl_call_space(call, module->call_offset);
}

void *hl_module_leg(const struct hl_module *module, struct hl_leg *leg)
{
	return hl_leg_space(leg, module->leg_offset);
}
