/* The sections of the YAML that are the core's, one file each. Private to config. */
#ifndef HL_CONFIG_SECTIONS_H
#define HL_CONFIG_SECTIONS_H

#include "config/reader.h"

extern const struct hl_parameter hl_switch_rows[];
extern const struct hl_parameter hl_policy_rows[];
/* Members of the sections that are no parameters. */
extern const char *const hl_switch_others[];
extern const char *const hl_policy_others[];

/* Checks values of `switch` against each other. */
void hl_switch_rows_check(const void *settings, const struct hl_node *map,
			  struct hl_mistakes *mistakes);
/* Finds the script: beside the file that names it, else the installed ones. */
void hl_policy_find_script(struct hl_reader *reader, struct hl_policy_settings *policy,
			   const struct hl_node *map);

/* Warns of rules that earlier ones cover, if the stock script is what reads them. */
void hl_rules_check(struct hl_reader *reader, const struct hl_policy_settings *policy,
		    const struct hl_node *map);

/* saved.c: lays what was saved over what the files say. 0, -EINVAL after mistakes, -ENOMEM. */
int hl_saved_read(struct hl_config *config, struct hl_mistakes *mistakes);
/* saved.c: the tree of `before` with one value changed becomes that of `config`. As above. */
int hl_saved_set(struct hl_config *config, const struct hl_config *before, const char *name,
		 struct hl_slice value, bool save, struct hl_mistakes *mistakes);

/* `switch.networks` */
void hl_networks_read(struct hl_reader *reader, struct hl_config *config,
		      const struct hl_node *map);
void hl_networks_free(struct hl_config *config);
/* Tells an account or gateway that names a network nobody defined. */
void hl_networks_require(struct hl_reader *reader, const struct hl_config *config, const char *name,
			 const struct hl_node *map);

/* `endpoints` */
void hl_accounts_read(struct hl_reader *reader, struct hl_config *config,
		      const struct hl_node *map);
void hl_accounts_free(struct hl_config *config);
/* An account by itself from its map, without a password. 0, or -ENOMEM; mistakes are told. */
int hl_account_read(struct hl_account *account, const struct hl_node *map,
		    struct hl_mistakes *mistakes);
void hl_account_fini(struct hl_account *account);

/* `gateways` */
void hl_gateways_read(struct hl_reader *reader, struct hl_config *config,
		      const struct hl_node *map);
void hl_gateways_free(struct hl_config *config);

/* Rows of struct hl_party, the same for accounts and gateways. `party` is the member's name. */
extern const char *const hl_nat_words[];
extern const char *const hl_media_words[];
extern const char *const hl_tristate_words[];
extern const char *const hl_refresher_words[];
#define HL_PARTY_ROWS(settings, party)                                                             \
	{.key = "nat",                                                                             \
	 .type = HL_PARAMETER_CHOICE,                                                              \
	 .fallback = "auto",                                                                       \
	 .values = hl_nat_words,                                                                   \
	 .reloadable = true,                                                                       \
	 .help = "Whether it is behind NAT.",                                                      \
	 .offset = HL_FIELD(settings, party.nat, int)},                                            \
		{.key = "media_proxy",                                                             \
		 .type = HL_PARAMETER_CHOICE,                                                      \
		 .fallback = "auto",                                                               \
		 .values = hl_media_words,                                                         \
		 .reloadable = true,                                                               \
		 .help = "Whether its calls are relayed.",                                         \
		 .offset = HL_FIELD(settings, party.media_proxy, int)},                            \
		{.key = "session_timer",                                                           \
		 .type = HL_PARAMETER_BOOLEAN,                                                     \
		 .fallback = "on",                                                                 \
		 .reloadable = true,                                                               \
		 .help = "Whether session timers are offered and accepted.",                       \
		 .offset = HL_FIELD(settings, party.session_timer, bool)},                         \
		{.key = "refresher",                                                               \
		 .type = HL_PARAMETER_CHOICE,                                                      \
		 .fallback = "auto",                                                               \
		 .values = hl_refresher_words,                                                     \
		 .reloadable = true,                                                               \
		 .help = "Who refreshes its sessions where the other end leaves the choice.",      \
		 .offset = HL_FIELD(settings, party.refresher, int)},                              \
	{                                                                                          \
		.key = "network", .type = HL_PARAMETER_STRING, .fallback = "", .reloadable = true, \
		.help = "The network it is in, whatever its address.",                             \
		.offset = HL_FIELD(settings, party.network, char *)                                \
	}

#endif
