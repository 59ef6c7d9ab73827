/* Stage `contact`, bytes kept with each contact, members in the control socket's answers. */
#include <holdline.h>

static void contact(struct hl_module *self, int event, struct hl_contact *contact)
{
	uint32_t *seen = hl_module_contact(self, contact);

	if (event == HL_CONTACT_ADDED || event == HL_CONTACT_REFRESHED)
		++*seen;
	if (event == HL_CONTACT_REMOVED)
		hl_log(HL_LOG_INFO, "area", "removed", hl_str("user", hl_contact_user(contact)),
		       hl_int("seen", *seen));
}

static void contact_json(struct hl_module *self, struct hl_contact *contact, struct hl_json *json)
{
	hl_json_put_integer(json, "area_seen", *(uint32_t *)hl_module_contact(self, contact));
}

HL_EXPORT const struct hl_plugin hl_plugin = {
	.abi = HL_PLUGIN_ABI, .name = "area-contact", .version = "1", .summary = "counts REGISTERs",
	.contact_space = sizeof(uint32_t),
	.stages = {.contact = contact, .contact_json = contact_json}};
