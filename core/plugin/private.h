/* The plugin room's own structs. */
#ifndef HL_PLUGIN_PRIVATE_H
#define HL_PLUGIN_PRIVATE_H

#include "base/log.h"
#include "plugin/loader.h"

/* How far a module has come. Stages are asked from INITED on. */
enum hl_module_phase { HL_MODULE_LOADED, HL_MODULE_INITED, HL_MODULE_STARTED };

/* A loaded plugin. Never freed before the loader: a reload that was refused may have loaded it,
 * and the section below is handed to the configuration. */
struct hl_module {
	struct hl_list node;		/* in modules->loaded */
	struct hl_modules *modules;	/* its loader */
	const struct hl_plugin *plugin; /* in the shared object, which stays mapped */
	char *path;			/* owned; where it was loaded from */
	struct hl_section section;	/* what the configuration reads its parameters by */
	const void *settings;		/* in modules->config; NULL before it is enabled */
	void *state;			/* the plugin's own */
	size_t contact_offset;		/* bytes, of its space in a contact, call and leg */
	size_t call_offset;
	size_t leg_offset;
	enum hl_module_phase phase;
	bool mark;		   /* placed already, while the order is made */
	struct hl_log_limit limit; /* of the log lines about its failing stages */
};

/* What begins everything that is registered. */
struct hl_registration {
	struct hl_list node;	       /* in its registry, which owns it */
	const struct hl_module *owner; /* whose init registered it; NULL: the core */
};

struct hl_modules {
	struct hl_switch *holdline;  /* borrowed */
	struct hl_config *config;    /* a reference: the settings in force; NULL before enable */
	struct hl_list loaded;	     /* struct hl_module, in order of loading; owned */
	struct hl_module **enabled;  /* owned; in the order they are asked */
	size_t count;		     /* of enabled */
	struct hl_list commands;     /* of commands.c, in order of name; owned */
	struct hl_list metrics;	     /* of metrics.c, in order of name and labels; owned */
	struct hl_module *beginning; /* whose init runs; NULL else */
	size_t contact_space;	     /* bytes of all enabled plugins together */
	size_t call_space;
	size_t leg_space;
};

/* order.c: fills `order` (config->plugin_count entries) with the modules that `config` names, each
 * behind those it needs or comes after, else by name. -EINVAL with `error`: a need that is not
 * named, a circle. */
int hl_modules_order(struct hl_modules *modules, const struct hl_config *config,
		     struct hl_module **order, struct hl_error *error);
/* loader.c: the loaded module of that name, or NULL. */
struct hl_module *hl_module_find(const struct hl_modules *modules, const char *name);
/* shared_object.c: what dlopen would hang on or die of, `path` being the file of plugin `name`: a
 * pipe, a file cut short. -ELIBACC or another errno with `error`. */
int hl_shared_object_check(const char *path, const char *name, struct hl_error *error);
/* registry.c: puts in `added`, which hl_alloc made, at its place by `compare`. 0, or -EEXIST and it
 * is freed, when there is an equal one. */
int hl_registry_add(const struct hl_modules *modules, struct hl_list *registry,
		    struct hl_registration *added,
		    int (*compare)(const struct hl_registration *a,
				   const struct hl_registration *b));
/* registry.c: forgets what a module registered; NULL: everything. */
void hl_registry_drop(struct hl_list *registry, const struct hl_module *owner);
/* commands.c: an empty registry but for `help`. 0 or -ENOMEM. */
int hl_commands_init(struct hl_modules *modules);

#endif
