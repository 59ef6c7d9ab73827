/* The loader: finds plugins, checks them, puts them in order, starts and stops them, and runs their
 * stages. A plugin stays mapped once loaded, even when a reload drops it before it was started. */
#ifndef HL_PLUGIN_LOADER_H
#define HL_PLUGIN_LOADER_H

#include "base/list.h"
#include "plugin/plugin.h"

struct hl_modules;

HL_EXPORT struct hl_modules *hl_modules_new(struct hl_switch *holdline);
/* Configurations point to the sections of modules: they must be gone before, but for the one that
 * hl_modules_enable was given. */
HL_EXPORT void hl_modules_free(struct hl_modules *modules);

/* Loads DIR/NAME.so if that has not happened. 0, -ENOENT, -ELIBBAD, … with `error` saying the file,
 * the reason and the mend (ABI: "built for plugin ABI 2, this is 1: rebuild it against …"). */
HL_EXPORT int hl_modules_load(struct hl_modules *modules, const char *directory, const char *name,
			      struct hl_module **module, struct hl_error *error);
/* Loads a file by its path (`--plugin-info FILE.so`). */
HL_EXPORT int hl_modules_load_file(struct hl_modules *modules, const char *path,
				   struct hl_module **module, struct hl_error *error);
HL_EXPORT const struct hl_section *hl_module_section(struct hl_module *module);

/* Chooses those named by the configuration, in the order that needs and after ask for, and gives
 * them their settings and their space. -EINVAL with `error` for a missing need or a circle. */
HL_EXPORT int hl_modules_enable(struct hl_modules *modules, struct hl_config *config,
				struct hl_error *error);
/* Runs every init, or start; on failure those that ran are stopped again and the cause is told. */
HL_EXPORT int hl_modules_init(struct hl_modules *modules, struct hl_error *error);
HL_EXPORT int hl_modules_start(struct hl_modules *modules, struct hl_error *error);
HL_EXPORT void hl_modules_stop(struct hl_modules *modules);
HL_EXPORT void hl_modules_fini(struct hl_modules *modules);
/* Hands out the settings of a new configuration with the same plugins, and runs stage `reload`. */
HL_EXPORT void hl_modules_reload(struct hl_modules *modules, struct hl_config *config);
/* Whether `config` names other plugins than are running (that takes a restart). */
HL_EXPORT bool hl_modules_differ(const struct hl_modules *modules, const struct hl_config *config);
/* Space to keep with each contact, call and leg, all plugins together. Known once enabled. */
HL_EXPORT size_t hl_modules_contact_space(const struct hl_modules *modules);
HL_EXPORT size_t hl_modules_call_space(const struct hl_modules *modules);
HL_EXPORT size_t hl_modules_leg_space(const struct hl_modules *modules);
/* The names, versions and summaries of the enabled plugins, in order: a JSON array. */
HL_EXPORT void hl_modules_json(const struct hl_modules *modules, struct hl_json *json);
HL_EXPORT void hl_modules_each(struct hl_modules *modules,
			       void (*visit)(void *arg, struct hl_module *module), void *arg);

/* Stages: ask the plugins in order until one answers DONE or a code. `modules` may be a void
 * pointer where these are registered as callbacks. */
HL_EXPORT int hl_stage_datagram(struct hl_modules *modules, const struct hl_flow *flow,
				struct hl_slice bytes);
HL_EXPORT int hl_stage_request(struct hl_modules *modules, struct hl_transaction *transaction,
			       struct hl_message *message);
HL_EXPORT void hl_stage_contact(struct hl_modules *modules, int event, struct hl_contact *contact);
HL_EXPORT int hl_stage_route(struct hl_modules *modules, struct hl_call *call);
HL_EXPORT int hl_stage_offer(struct hl_modules *modules, struct hl_call *call, struct hl_leg *from,
			     struct hl_leg *to, struct hl_slice sdp, struct hl_text *rewritten);
HL_EXPORT int hl_stage_answer(struct hl_modules *modules, struct hl_call *call, struct hl_leg *from,
			      struct hl_leg *to, struct hl_slice sdp, struct hl_text *rewritten);
HL_EXPORT int hl_stage_leg_send(struct hl_modules *modules, struct hl_leg *leg,
				struct hl_message *message);
HL_EXPORT int hl_stage_leg_recv(struct hl_modules *modules, struct hl_leg *leg,
				struct hl_message *message);
HL_EXPORT void hl_stage_answered(struct hl_modules *modules, struct hl_call *call);
HL_EXPORT void hl_stage_leg_ended(struct hl_modules *modules, struct hl_leg *leg);
HL_EXPORT void hl_stage_ended(struct hl_modules *modules, struct hl_call *call, struct hl_cdr *cdr);
HL_EXPORT void hl_stage_contact_json(struct hl_modules *modules, struct hl_contact *contact,
				     struct hl_json *json);
HL_EXPORT void hl_stage_call_json(struct hl_modules *modules, struct hl_call *call,
				  struct hl_json *json);
HL_EXPORT void hl_stage_leg_json(struct hl_modules *modules, struct hl_leg *leg,
				 struct hl_json *json);

/* The arguments of a command, as whoever runs it has them. */
struct hl_argument_pair {
	const char *name, *value; /* borrowed */
};
struct hl_arguments {
	const struct hl_argument_pair *items; /* borrowed */
	size_t count;
};

/* The commands that were registered: hl_command_register (switch.c) comes to hl_commands_add, and
 * what a plugin registers in its init goes with it. 0, -EEXIST, -ENOMEM. Visited by name. */
HL_EXPORT const struct hl_command *hl_command_find(const struct hl_modules *modules,
						   const char *name);
HL_EXPORT void hl_commands_each(const struct hl_modules *modules,
				void (*visit)(void *arg, const struct hl_command *command),
				void *arg);
HL_EXPORT int hl_commands_add(struct hl_modules *modules, const struct hl_command *command);

/* The metrics that were registered (hl_metric_register comes to hl_metrics_add): as a JSON array of
 * {name, type, labels, value, help}, or as the text that Prometheus reads (format 0.0.4). */
HL_EXPORT int hl_metrics_add(struct hl_modules *modules, const struct hl_metric *metric);
HL_EXPORT void hl_metrics_json(const struct hl_modules *modules, struct hl_json *json);
HL_EXPORT void hl_metrics_text(const struct hl_modules *modules, struct hl_text *text);

/* The functions for scripts of the plugins that `config` names. The array is hl_free's, its entries
 * are good as long as `modules`. NULL with *count 0 when there are none, or memory is out. */
HL_EXPORT struct hl_function_library *hl_modules_functions(const struct hl_modules *modules,
							   const struct hl_config *config,
							   size_t *count);

#endif
