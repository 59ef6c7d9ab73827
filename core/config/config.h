/* The configuration: an immutable, counted snapshot of what the YAML files say. A reload builds a
 * new one beside it; whoever holds a reference keeps the old one alive. */
#ifndef HL_CONFIG_CONFIG_H
#define HL_CONFIG_CONFIG_H

#include "base/address.h"
#include "base/hash.h"
#include "base/log.h"
#include "config/node.h"
#include "config/parameter.h"

struct hl_config;

/* A section of parameters: "switch", "policy", or one per plugin. */
struct hl_section {
	const char *name;		 /* in YAML below `plugins`, or the core's */
	const struct hl_parameter *rows; /* borrowed from the core or the plugin */
	size_t size;			 /* of the settings struct */
	/* Checks values against each other, warnings included; may be NULL. `map` is the section's
	 * node (may be NULL), for places. */
	void (*check)(const void *settings, const struct hl_node *map,
		      struct hl_mistakes *mistakes);
	/* Checks them against the other sections, once all of those are read; may be NULL. */
	void (*review)(const struct hl_config *config, const void *settings,
		       const struct hl_node *map, struct hl_mistakes *mistakes);
};

/* What a plugin's section came to be. */
struct hl_plugin_config {
	const struct hl_section *section; /* borrowed */
	const struct hl_node *map;	  /* its node */
	void *settings;			  /* owned; section->size bytes */
};

struct hl_switch_settings {
	char *realm;
	struct hl_strings listen; /* "udp:0.0.0.0:5060", … */
	char *advertise;	  /* "" or an address */
	char *state_dir, *control, *plugin_dir;
	int log_level, log_format; /* enum hl_log_level, hl_log_format */
	int on_stop;		   /* HL_ON_STOP_… */
	bool keep_contacts;	   /* a restart finds them */
	struct hl_strings domains; /* empty: all */
	struct hl_strings pass_headers;
	char *resend_interval;	/* read, not used */
	int64_t publish_expire; /* s; read, not used */
	int64_t max_calls, max_invite_rate; /* at once, a second; 0: no limit */
	int64_t max_call_duration;	    /* s */
	int64_t gather;		   /* µs in which messages are collected under load; 0: not */
	char *tls_certificate, *tls_key, *tls_ca;
	int tls_verify;
	int64_t connections_max, connections_max_per_address;
	int64_t connections_idle_timeout; /* s */
	/* Set-up timers (D6), s: `timeout_invite` and so on, VOS3000 SS_SIP_TIMEOUT_…; 0: none. */
	int64_t timeout_invite, timeout_trying, timeout_progress, timeout_progress_sdp;
	int64_t timeout_ringing;
	struct hl_strings nameservers; /* "IP[:PORT]"; empty: the system's */
	/* What gateways have that do not say otherwise. */
	struct {
		int64_t expire, retry_delay, options_period; /* s */
		bool send_unregister, invite_use_contact;
		int privacy, display;
	} gateway;
};
enum { HL_ON_STOP_HANGUP, HL_ON_STOP_KEEP };

struct hl_policy_settings {
	char *script; /* path, absolute once read */
	int64_t max_instructions;
	int64_t max_time_ms;
	int64_t max_memory_mb;
};

enum hl_tristate { HL_AUTO, HL_ON, HL_OFF }; /* auto | on (yes) | off (no) */
enum hl_media_setting { HL_MEDIA_AUTO, HL_MEDIA_ON, HL_MEDIA_OFF, HL_MEDIA_MUST_ON };

/* Who refreshes the session where both may: auto leaves it to what the peer asks for. */
enum hl_refresher { HL_REFRESHER_AUTO, HL_REFRESHER_US, HL_REFRESHER_THEM };

/* What endpoints and gateways have in common: how calls with them are treated. */
struct hl_party {
	int nat;	 /* enum hl_tristate: auto, yes, no */
	int media_proxy; /* enum hl_media_setting */
	bool session_timer;
	int refresher; /* enum hl_refresher */
	char *network; /* name in switch.networks, or "" */
};

/* One entry of `endpoints`. */
struct hl_account {
	struct hl_hash_node by_user; /* in hl_config.accounts */
	char *user;
	const struct hl_node *node; /* its entry in the file */
	char *password;		    /* "": cannot register unless auth is off */
	struct hl_party party;
	int keepalive;	   /* enum hl_tristate */
	int64_t max_calls; /* at once, as caller and callee; 0: no limit */
	bool force_rport;  /* answers go to the source port even without rport */
};

/* What a gateway may see of the caller (RFC 3323), how the caller is asserted to it (RFC 3325), and
 * the name in its From. Indices of the words of their rows. */
enum hl_privacy { HL_PRIVACY_IGNORE, HL_PRIVACY_ID, HL_PRIVACY_NONE };
enum hl_identity {
	HL_IDENTITY_NONE,
	HL_IDENTITY_PAI,
	HL_IDENTITY_PPI,
	HL_IDENTITY_RPID,
	HL_IDENTITY_PASS
};
enum hl_display { HL_DISPLAY_ON, HL_DISPLAY_OFF, HL_DISPLAY_NUMBER };

/* How the switch registers at a gateway. */
struct hl_registration_settings {
	char *user, *password; /* user "": it does not */
	int64_t expire;	       /* s; HL_WORD(0): auto */
	int64_t retry_delay;   /* s */
	bool send_unregister;
};

/* One entry of `gateways`. */
struct hl_gateway {
	struct hl_list node; /* in hl_config.gateways, in order of the file */
	char *name;
	char *prefix;		   /* digits a number begins with; "" matches all */
	char *address_text;	   /* the SIP URI as written */
	char *host;		   /* its host as written: a name, or an address */
	uint16_t port;		   /* as written; 0: none */
	struct hl_address address; /* when the host is one, port 5060 unless given; else family 0 */
	int transport;		   /* enum hl_transport_type as an int: 0 udp, 1 tcp, 2 tls */
	struct hl_network *match;  /* more source networks that are this gateway; owned */
	size_t match_count;
	struct hl_strings failover_on; /* "408", "5xx", "timeout" */
	int64_t max_calls;	       /* 0: no limit */
	int64_t weight;
	int64_t options_period; /* s; 0: none */
	struct hl_registration_settings registration;
	int privacy, identity, display; /* enum hl_privacy, hl_identity, hl_display */
	bool callee_from_to;		/* the number its calls are for is in To */
	bool invite_use_contact;	/* Contact towards it is the one registered there */
	struct hl_party party;
};

struct hl_named_network {
	char *name;
	struct hl_network network;
};

struct hl_subscribers;

struct hl_config {
	unsigned references;
	const struct hl_node *root; /* all of it, for Lua's `config`; secrets still inside */
	struct hl_switch_settings settings;
	struct hl_policy_settings policy;
	struct hl_named_network *networks; /* owned; longest prefix first */
	size_t network_count;
	struct hl_hash accounts;	  /* struct hl_account by user */
	const struct hl_subscribers *subscribers; /* more accounts; borrowed; NULL: none */
	struct hl_list gateways;	  /* struct hl_gateway */
	struct hl_plugin_config *plugins; /* owned; in order of the file */
	size_t plugin_count;
	char *file;		       /* the first -c FILE */
	const struct hl_node *saved;   /* a map of what was saved at run time; NULL: nothing */
	struct hl_config_arena *arena; /* private: nodes and texts */
	/* Private: what was set at run time lies over the files' tree, in an arena of its own, so
	 * that setting a parameter again and again takes no more memory than setting it once. */
	const struct hl_node *files;	     /* the tree without `changes` */
	const struct hl_node *changes;	     /* a map of names and values; NULL: none */
	struct hl_config_arena *files_arena; /* of `files`, when that is another than `arena` */
};

/* How the reader learns a plugin's section: loads the plugin if need be. NULL when it does not
 * load, after `hl_mistake` was told why. `plugin_dir` is as configured, or the built-in one. */
typedef const struct hl_section *hl_config_find_section(void *arg, const char *plugin,
							const char *plugin_dir,
							struct hl_place place,
							struct hl_mistakes *mistakes);

/* Reads the files (the later wins over the earlier, both over their includes), checks all and
 * returns the configuration with one reference, or NULL when nothing could be read (or memory is
 * out). `mistakes` holds errors and warnings; with errors it is only good for finding more. */
HL_EXPORT struct hl_config *hl_config_read(const char *const *files, size_t count,
					   hl_config_find_section *find, void *arg,
					   struct hl_mistakes *mistakes);
/* The configuration `before` with one parameter at another value (as text in YAML), all of it
 * checked anew; a list is written [a, b]. `save`: hl_config_save will write it. As above; the
 * two share what they have in common. */
HL_EXPORT struct hl_config *hl_config_with(const struct hl_config *before, const char *name,
					   struct hl_slice value, bool save,
					   hl_config_find_section *find, void *arg,
					   struct hl_mistakes *mistakes);
/* Writes what is to be saved into STATE_DIR/parameters.yaml, all or nothing. 0 or negative errno
 * with `error`. */
HL_EXPORT int hl_config_save(const struct hl_config *config, struct hl_error *error);
HL_EXPORT struct hl_config *hl_config_ref(struct hl_config *config);
HL_EXPORT void hl_config_unref(struct hl_config *config);

/* The account of that user, or NULL: of the files, else of the subscribers. O(1). */
HL_EXPORT const struct hl_account *hl_config_account(const struct hl_config *config,
						     struct hl_slice user);
/* Whether the files have an endpoint of that user, or a network of that name. */
HL_EXPORT bool hl_config_has_endpoint(const struct hl_config *config, struct hl_slice user);
HL_EXPORT bool hl_config_has_network(const struct hl_config *config, const char *name);
/* Whether that may be the user part of an endpoint. */
HL_EXPORT bool hl_account_good_user(const char *user);
/* The network an address is in (longest match), or "" . */
HL_EXPORT const char *hl_config_network(const struct hl_config *config,
					const struct hl_address *address);
/* Whether a request from `source` is the gateway's by its address or `match`. Over UDP another port
 * of the same host may be somebody else; over a stream it comes from any. */
HL_EXPORT bool hl_gateway_sends_from(const struct hl_gateway *gateway,
				     const struct hl_address *source);
/* The gateway of that name, or NULL. */
HL_EXPORT const struct hl_gateway *hl_config_gateway(const struct hl_config *config,
						     struct hl_slice name);

/* A map in YAML or JSON, by itself: its root and the memory it lives in. */
struct hl_parsed {
	const struct hl_node *root;
	struct hl_config_arena *arena;
};
/* Reads it from a text; `name` stands for it in the mistakes. 0, -EINVAL after those, -ENOMEM. */
HL_EXPORT int hl_config_parse(const char *name, struct hl_slice text, struct hl_parsed *parsed,
			      struct hl_mistakes *mistakes);
HL_EXPORT void hl_config_parse_free(struct hl_parsed *parsed);

/* A parameter as a configuration has it. */
struct hl_config_parameter {
	const struct hl_section *section;
	const struct hl_parameter *row;
	const void *settings;	    /* of the section */
	const struct hl_node *node; /* that sets it, by either name; NULL: it has its default */
};
/* Finds PLUGIN.KEY, switch.KEY, policy.KEY or a VOS3000 name. */
HL_EXPORT bool hl_config_find(const struct hl_config *config, struct hl_slice name,
			      struct hl_config_parameter *found);
/* Visits all of them, in order of sections and rows. */
HL_EXPORT void hl_config_each(const struct hl_config *config,
			      void (*visit)(void *arg, const struct hl_config_parameter *parameter),
			      void *arg);
/* The value of an INTEGER parameter, or `fallback` when there is none of that name. */
HL_EXPORT int64_t hl_config_integer(const struct hl_config *config, const char *name,
				    int64_t fallback);

/* The core's own sections, for --params: switch and policy; ends with a NULL name. */
HL_EXPORT extern const struct hl_section hl_config_core_sections[];
/* The built-in value of switch.plugin_dir and the directory of installed scripts, scenarios;
 * $HOLDLINE_PLUGIN_DIR and $HOLDLINE_SCRIPT_DIR override them (running from the build tree). */
HL_EXPORT const char *hl_config_plugin_dir(void);
HL_EXPORT const char *hl_config_script_dir(void);

/* `holdline --params`: a table for people, or the contract's JSON array. */
HL_EXPORT void hl_config_print_params(const struct hl_section *const *sections, size_t count,
				      bool json, struct hl_text *out);

#endif
