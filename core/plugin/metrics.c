/* The registry of metrics, in order of name and labels. A module's go with it. */
#include "plugin/private.h"

#include "base/memory.h"

#include <errno.h>

#define PREFIX "holdline_"

struct gauge {
	struct hl_registration registration; /* in modules->metrics */
	struct hl_metric metric;	     /* its texts are the registrant's */
};

static const struct hl_metric *metric_of(const struct hl_list *node)
{
	return &hl_list_entry(node, const struct gauge, registration.node)->metric;
}

static const char *labels_of(const struct hl_metric *metric)
{
	return metric->labels ? metric->labels : "";
}

static int compare(const struct hl_registration *a, const struct hl_registration *b)
{
	const struct hl_metric *one = metric_of(&a->node), *other = metric_of(&b->node);
	int names = strcmp(one->name, other->name);

	return names ? names : strcmp(labels_of(one), labels_of(other));
}

static bool good_name(const char *name)
{
	return *name && !name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_")];
}

int hl_metrics_add(struct hl_modules *modules, const struct hl_metric *metric)
{
	struct gauge *added;

	if (!metric->name || !good_name(metric->name) || !metric->help || !metric->read)
		return -EINVAL;
	added = hl_zalloc(sizeof *added);
	if (!added)
		return -ENOMEM;
	added->metric = *metric;
	return hl_registry_add(modules, &modules->metrics, &added->registration, compare);
}

void hl_metrics_json(const struct hl_modules *modules, struct hl_json *json)
{
	struct hl_list *node, *next;

	hl_json_array(json);
	hl_list_each(node, next, &modules->metrics)
	{
		const struct hl_metric *metric = metric_of(node);
		struct hl_text name;

		hl_text_init(&name);
		hl_text_printf(&name, PREFIX "%s", metric->name);
		hl_json_object(json);
		hl_json_put_string(json, "name", hl_text_string(&name));
		hl_json_put_string(json, "type", metric->counter ? "counter" : "gauge");
		hl_json_put_string(json, "labels", metric->labels);
		hl_json_put_number(json, "value", metric->read(metric->arg));
		hl_json_put_string(json, "help", metric->help);
		hl_json_object_end(json);
		hl_text_fini(&name);
	}
	hl_json_array_end(json);
}

/* Help and type are said once for all rows of a name. */
void hl_metrics_text(const struct hl_modules *modules, struct hl_text *text)
{
	const char *before = "";
	struct hl_list *node, *next;

	hl_list_each(node, next, &modules->metrics)
	{
		const struct hl_metric *metric = metric_of(node);
		const char *labels = labels_of(metric);

		if (strcmp(before, metric->name))
			hl_text_printf(text, "# HELP " PREFIX "%s %s\n# TYPE " PREFIX "%s %s\n",
				       metric->name, metric->help, metric->name,
				       metric->counter ? "counter" : "gauge");
		before = metric->name;
		hl_text_printf(text, PREFIX "%s%s%s%s %.15g\n", metric->name, *labels ? "{" : "",
			       labels, *labels ? "}" : "", metric->read(metric->arg));
	}
}
