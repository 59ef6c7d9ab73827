/* The registry of metrics: names, labels, what people and Prometheus are shown. */
#include "plugin/loader.h"
#include "tap.h"

#include <errno.h>

static double figure = 2.5;

static double read_figure(void *arg)
{
	return *(double *)arg;
}

static int add(struct hl_modules *modules, const char *name, const char *labels, bool counter)
{
	const struct hl_metric metric = {name,	 "What it is.", counter,
					 labels, read_figure,	&figure};

	return hl_metrics_add(modules, &metric);
}

int main(void)
{
	struct hl_modules *modules = hl_modules_new(NULL);
	struct hl_text text;
	struct hl_json json;

	hl_text_init(&text);
	is_int(add(modules, "size", NULL, false), 0, "a gauge");
	is_int(add(modules, "asked_total", "function=\"route\"", true), 0,
	       "a counter of one thing");
	is_int(add(modules, "asked_total", "function=\"media\"", true), 0, "and of another");
	is_int(add(modules, "asked_total", "function=\"media\"", true), -EEXIST, "each once");
	is_int(add(modules, "no-name", NULL, false), -EINVAL, "a name with a dash is none");
	is_int(add(modules, "", NULL, false), -EINVAL, "nor is nothing");
	hl_metrics_text(modules, &text);
	is_str(hl_text_string(&text),
	       "# HELP holdline_asked_total What it is.\n# TYPE holdline_asked_total counter\n"
	       "holdline_asked_total{function=\"media\"} 2.5\n"
	       "holdline_asked_total{function=\"route\"} 2.5\n"
	       "# HELP holdline_size What it is.\n# TYPE holdline_size gauge\nholdline_size 2.5\n",
	       "what Prometheus reads");
	hl_text_clear(&text);
	hl_json_init(&json, &text);
	figure = 3;
	hl_metrics_json(modules, &json);
	ok(strstr(hl_text_string(&text), "{\"name\":\"holdline_asked_total\",\"type\":\"counter\","
					 "\"labels\":\"function=\\\"media\\\"\",\"value\":3,"
					 "\"help\":\"What it is.\"}"),
	   "as JSON, read anew: %s", hl_text_string(&text));
	ok(strstr(hl_text_string(&text), "\"labels\":null"), "without labels: null");
	hl_text_fini(&text);
	hl_modules_free(modules);
	return done_testing();
}
