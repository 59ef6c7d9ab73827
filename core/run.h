/* The switch from the inside: what main.c starts, and what the files of this folder share. */
#ifndef HL_RUN_H
#define HL_RUN_H

#include "base/text.h"
#include "call/call.h"
#include "control/control.h"
#include "gateway/trunk.h"
#include "kept.h"
#include "subscribers.h"
#include "plugin/loader.h"
#include "sip/tls.h"
#include "store/store.h"
#include "switch.h"

struct hl_options {
	const char *const *files; /* -c, in order */
	size_t file_count;
	unsigned clock_rate; /* 1 to 100 */
};

/* Exit codes of the program. */
enum { HL_EXIT_OK = 0, HL_EXIT_FAILED = 1, HL_EXIT_CONFIGURATION = 2 };

/* What a reading of the files came to; all owned. */
struct hl_plan {
	struct hl_config *config; /* NULL: there were errors, and nothing else is there either */
	struct hl_policy *policy; /* NULL: no script */
	struct hl_tls *tls;
	char *warnings; /* the lines of --check that are no errors */
};

/* What the figures of one function of the policy are read by. */
struct hl_policy_meter {
	struct hl_switch *holdline;
	enum hl_policy_function function;
	char labels[40]; /* `function="route"` */
};

struct hl_switch {
	struct hl_options options;
	struct hl_config *config; /* a reference */
	struct hl_loop *loop;	  /* all owned, from here on */
	struct hl_transport *transport;
	struct hl_transactions *transactions;
	struct hl_store *store;
	struct hl_endpoints *endpoints;
	struct hl_trunks *trunks;
	struct hl_calls *calls;
	struct hl_kept kept; /* what a restart finds */
	struct hl_subscribers *subscribers; /* the accounts of the database */
	struct hl_modules *modules;
	struct hl_policy *policy; /* NULL: no script */
	struct hl_tls *tls;	  /* until the transport takes it over */
	struct hl_control *control;
	uint64_t started;   /* hl_clock_now */
	uint64_t malformed; /* messages that did not parse */
	struct hl_log_limit malformed_limit;
	uint64_t reloads; /* configurations taken */
	char *warnings;	  /* owned; what --check would say of the one that runs */
	struct hl_policy_meter policy_meters[HL_POLICY_FUNCTIONS];
	struct hl_timer drain; /* while stopping */
	uint64_t drain_until;  /* hl_clock_real */
	bool drain_calls;      /* BYEs are awaited, too */
	bool stopping;
	bool down; /* its parts are being taken away */
};

/* Reads and checks everything and prints what is wrong; for --check. Returns an exit code. */
int hl_switch_verify(const struct hl_options *options);
/* Runs until told to stop. Returns an exit code. */
int hl_switch_run(const struct hl_options *options);
/* Prints every parameter of the core and of the plugins that are installed. */
int hl_switch_params(bool json);
/* The sections of the core, HL_CORE_SECTIONS of them, and of the plugins that are installed. */
enum { HL_CORE_SECTIONS = 2 };
size_t hl_params_sections(struct hl_modules *modules, const struct hl_section **sections,
			  size_t most);
/* Prints what a plugin's file says of itself. */
int hl_switch_plugin_info(const char *path);
/* `--from-vos3000`: writes a pasted list or table of VOS3000 parameters as YAML; what could not be
 * taken is a comment, with why. Returns an exit code. */
int hl_switch_from_vos3000(const char *file);
/* `--policy-test`: runs a policy's tests and shows what it decides. Returns an exit code. */
struct hl_policy_test_order {
	const struct hl_options *options; /* its files, if any were given */
	const char *script;
	const char *described; /* an endpoint, in JSON; or NULL */
};
int hl_switch_policy_test(const struct hl_policy_test_order *order);

/* switch.c: gives the transport what the settings say of it. */
void hl_switch_configure_transport(struct hl_switch *holdline,
				   const struct hl_switch_settings *settings);

/* reload.c: the configuration and what is built from it, all or nothing. */
/* Reads the configuration, its policy and its certificates; the mistakes go to `report`. 0, or
 * -EINVAL when there are errors. */
int hl_switch_read(struct hl_modules *modules, const struct hl_options *options,
		   struct hl_plan *plan, struct hl_text *report);
void hl_plan_drop(struct hl_plan *plan);
/* SIGHUP and `reload`, as `by` says in the log: 0, or -EINVAL when nothing changed; the lines of
 * --check are in `report` either way. */
int hl_switch_reload(struct hl_switch *holdline, const char *by, struct hl_text *report);
/* `param set`: one parameter changes as by a reload; `save` keeps it for the next start, too. What
 * was warned of before is not in `report` again. */
int hl_switch_set(struct hl_switch *holdline, const char *name, const char *value, bool save,
		  struct hl_text *report);

/* script_functions.c: what a policy script may call: the core's functions and those of the plugins
 * of `config` (NULL: none). An array for hl_free; NULL when memory is out. */
struct hl_function_library *hl_script_libraries(const struct hl_modules *modules,
						const struct hl_config *config, size_t *count);

/* Writes a member `warnings`, a list of the report's lines, if there are any. */
void hl_warnings_json(const struct hl_text *report, struct hl_json *json);

/* traffic.c: what the transport, the transactions and the calls tell. */
extern const struct hl_transport_events hl_traffic_transport;
extern const struct hl_transaction_handlers hl_traffic_transactions;
extern const struct hl_call_hooks hl_traffic_calls;
/* Messages, datagrams and streams that were no SIP. */
uint64_t hl_traffic_malformed(const struct hl_switch *holdline);
void hl_traffic_contact(void *arg, enum hl_contact_event event, struct hl_contact *contact);

/* commands.c: the core's control commands. 0 or negative errno. */
int hl_commands_register_core(struct hl_switch *holdline);
/* explain.c: the command `policy`. 0 or negative errno. */
int hl_explain_register(struct hl_switch *holdline);
/* setting.c: the command `param`. 0 or negative errno. */
int hl_param_register(struct hl_switch *holdline);

/* metrics.c: the core's metrics and their command. 0 or negative errno. */
int hl_metrics_register_core(struct hl_switch *holdline);

#endif
