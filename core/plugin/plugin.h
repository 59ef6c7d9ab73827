/* What a plugin is: one exported constant, `hl_plugin`, that says who it is, what it needs, its
 * parameters, and which stages of the switch it fills. */
#ifndef HL_PLUGIN_PLUGIN_H
#define HL_PLUGIN_PLUGIN_H

#include "base/error.h"
#include "base/function.h"
#include "base/json.h"
#include "config/config.h"

struct hl_call;
struct hl_cdr;
struct hl_contact;
struct hl_flow;
struct hl_leg;
struct hl_message;
struct hl_module;
struct hl_switch;
struct hl_transaction;

/* Changes whenever a plugin built against the old headers would not work with the new core. */
#define HL_PLUGIN_ABI 4

/* What a stage answers, beside negative errno for an error (logged; the next plugin is asked) and
 * 300–699: the request or call is refused with that code. */
enum { HL_NEXT = 0, HL_DONE = 1 };

/* The stages, in the order a message meets them. All optional. */
struct hl_stages {
	/* Bytes that are no SIP message. DONE: they are dealt with. */
	int (*datagram)(struct hl_module *self, const struct hl_flow *flow, struct hl_slice bytes);
	/* A request outside any dialog, not ACK or CANCEL. DONE: it was answered or will be. */
	int (*request)(struct hl_module *self, struct hl_transaction *transaction,
		       struct hl_message *message);
	/* Something happened to a contact (enum hl_contact_event). */
	void (*contact)(struct hl_module *self, int event, struct hl_contact *contact);
	/* A call is about to be routed; a code refuses it. */
	int (*route)(struct hl_module *self, struct hl_call *call);
	/* An SDP offer or answer goes from one leg to the other. DONE: `rewritten` goes in place of
	 * `sdp`. A code refuses the offer (503: no port free; 488: not acceptable). */
	int (*offer)(struct hl_module *self, struct hl_call *call, struct hl_leg *from,
		     struct hl_leg *to, struct hl_slice sdp, struct hl_text *rewritten);
	int (*answer)(struct hl_module *self, struct hl_call *call, struct hl_leg *from,
		      struct hl_leg *to, struct hl_slice sdp, struct hl_text *rewritten);
	/* A message of the leg's dialog (the first INVITE included) is about to be sent: add
	 * headers. */
	int (*leg_send)(struct hl_module *self, struct hl_leg *leg, struct hl_message *message);
	/* One came. A code refuses a request. DONE for a failure of our INVITE or UPDATE: it is
	 * sent again, with the next CSeq and what leg_send then adds; nobody else hears of the
	 * failure. */
	int (*leg_recv)(struct hl_module *self, struct hl_leg *leg, struct hl_message *message);
	/* The callee's 2xx has been passed on. */
	void (*answered)(struct hl_module *self, struct hl_call *call);
	/* A leg is gone: a fork that lost, or each leg of a call that ended (before `ended`). */
	void (*leg_ended)(struct hl_module *self, struct hl_leg *leg);
	/* The call is over: add to the record, release what was held. Exactly once per call. */
	void (*ended)(struct hl_module *self, struct hl_call *call, struct hl_cdr *cdr);
	/* The configuration changed; hl_module_settings gives the new values. */
	void (*reload)(struct hl_module *self);
	/* Members for the control socket's answers, written into an open object. */
	void (*contact_json)(struct hl_module *self, struct hl_contact *contact,
			     struct hl_json *json);
	void (*call_json)(struct hl_module *self, struct hl_call *call, struct hl_json *json);
	void (*leg_json)(struct hl_module *self, struct hl_leg *leg, struct hl_json *json);
};

struct hl_plugin {
	unsigned abi; /* HL_PLUGIN_ABI */
	/* As in YAML, and of the file: NAME.so. */
	const char *name;
	const char *version;
	const char *summary;	  /* one line for people */
	const char *const *needs; /* plugins without which it cannot work; NULL-terminated */
	const char *const *after; /* plugins it comes behind, if they are there */
	/* Rows, ended by HL_PARAMETERS_END, or NULL; and the struct they point into. */
	const struct hl_parameter *parameters;
	size_t settings_size; /* bytes */
	void (*check)(const void *settings, const struct hl_node *map,
		      struct hl_mistakes *mistakes);
	/* Checks its settings against other sections, once all of the configuration is read. */
	void (*review)(const struct hl_config *config, const void *settings,
		       const struct hl_node *map, struct hl_mistakes *mistakes);
	/* For policy scripts; ends with a NULL name; or NULL. */
	const struct hl_function *functions;
	size_t contact_space; /* bytes kept for it with each contact, zeroed */
	size_t call_space;    /* … with each call */
	size_t leg_space;     /* … with each leg */
	/* Called in this order, in the order of needs and after; the reverse for stop and fini.
	 * `init` registers commands and sets hl_module_set_state; `start` when the listeners stand.
	 * Both 0 or negative errno with `error`; a failed init is its own to undo (but for the
	 * commands it registered), fini does not follow. */
	int (*init)(struct hl_module *self, struct hl_error *error);
	int (*start)(struct hl_module *self, struct hl_error *error);
	void (*stop)(struct hl_module *self);
	void (*fini)(struct hl_module *self);
	struct hl_stages stages;
};

/* What the loader made of a plugin. */
HL_EXPORT struct hl_switch *hl_module_switch(const struct hl_module *module);
HL_EXPORT const struct hl_plugin *hl_module_plugin(const struct hl_module *module);
/* The current values of its parameters; a reload replaces them (stage `reload` follows). */
HL_EXPORT const void *hl_module_settings(const struct hl_module *module);
/* A pointer of its own. */
HL_EXPORT void hl_module_set_state(struct hl_module *module, void *state);
HL_EXPORT void *hl_module_state(const struct hl_module *module);
/* Its bytes in a contact, call or leg; aligned for any type. */
HL_EXPORT void *hl_module_contact(const struct hl_module *module, struct hl_contact *contact);
HL_EXPORT void *hl_module_call(const struct hl_module *module, struct hl_call *call);
HL_EXPORT void *hl_module_leg(const struct hl_module *module, struct hl_leg *leg);

/* The arguments of a control command: texts by name; NULL when it was not given. */
struct hl_arguments;
HL_EXPORT const char *hl_argument(const struct hl_arguments *arguments, const char *name);

/* An answer that a command gives later. */
struct hl_answer;

/* A control command. Exactly one of `run` and `begin` is set. */
struct hl_command {
	const char *name;    /* first word */
	const char *summary; /* one line for `holdlinectl help` */
	/* Writes its result (one JSON value). 0, or negative errno with `error`. */
	int (*run)(void *arg, const struct hl_arguments *arguments, struct hl_json *result,
		   struct hl_error *error);
	void *arg;
	/* For what must wait, for a thread or the network: 0, and the answer is given by
	 * hl_answer_result or hl_answer_error, once, now or later; or negative errno with `error`,
	 * and it must not be. The arguments are gone when it returns. */
	int (*begin)(void *arg, const struct hl_arguments *arguments, struct hl_answer *answer,
		     struct hl_error *error);
};
/* Gives the answer that `begin` was handed: a JSON value, or what went wrong. In the signalling
 * thread (hl_loop_post leads there); harmless when the client is gone. Frees `answer`. */
HL_EXPORT void hl_answer_result(struct hl_answer *answer, struct hl_slice result);
HL_EXPORT void hl_answer_error(struct hl_answer *answer, const char *why);
/* Adds a command to the control socket, until the plugin's fini. The struct is copied, its texts
 * stay the caller's. 0, -EEXIST, -ENOMEM. */
HL_EXPORT int hl_command_register(struct hl_switch *holdline, const struct hl_command *command);

/* A figure for monitoring: a row of the command `metrics`. */
struct hl_metric {
	const char *name;   /* "calls_total": a-z, digits and _; shown as holdline_NAME */
	const char *help;   /* one sentence for people */
	bool counter;	    /* only grows; else it goes up and down */
	const char *labels; /* what it is the figure of: `function="route"`; NULL: of all */
	double (*read)(void *arg);
	void *arg;
};
/* Adds a metric, until the plugin's fini. The struct is copied, its texts stay the caller's. 0,
 * -EEXIST when name and labels are taken, -EINVAL when the name cannot be one, -ENOMEM. */
HL_EXPORT int hl_metric_register(struct hl_switch *holdline, const struct hl_metric *metric);

#endif
