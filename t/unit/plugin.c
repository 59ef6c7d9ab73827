/* The plugin loader: what is refused and how, the order, settings and spaces, the life of a module,
 * stages, commands. The plugins are t/plugins/probe.c under several names; the rooms that would
 * keep their bytes and settings are played here. */
#include "../plugins/probe.h"
#include "base/log.h"
#include "base/memory.h"
#include "call/leg.h"
#include "endpoint/contact.h"
#include "plugin/loader.h"
#include "tap.h"

#include <errno.h>
#include <stdalign.h>
#include <stdlib.h>

enum { MOST = 8 };

static struct hl_modules *modules;
static char directory[512];
static char notes[1024];	   /* "melon.init apple.init …" */
static const char *failing_plugin; /* what answers `told` … */
static const char *failing_what;
static int told;
static bool with_command; /* every init registers a command called as the plugin */
static int add_result;	  /* of the last registration */

/* What the other rooms would do. */
static alignas(max_align_t) char space[4096];

void *hl_contact_space(struct hl_contact *contact, size_t offset)
{
	(void)contact;
	return space + offset;
}

void *hl_call_space(struct hl_call *call, size_t offset)
{
	(void)call;
	return space + 1024 + offset;
}

void *hl_leg_space(struct hl_leg *leg, size_t offset)
{
	(void)leg;
	return space + 2048 + offset;
}

struct hl_config *hl_config_ref(struct hl_config *config)
{
	config->references++;
	return config;
}

/* What the real one does with the sections, it frees settings by their rows, is a read here. */
void hl_config_unref(struct hl_config *config)
{
	for (size_t i = 0; i < config->plugin_count; i++)
		if (!config->plugins[i].section->rows)
			abort();
	config->references--;
}

static int run_nothing(void *arg, const struct hl_arguments *arguments, struct hl_json *result,
		       struct hl_error *error)
{
	(void)arg;
	(void)arguments;
	(void)error;
	hl_json_null(result);
	return 0;
}

int probe(const struct hl_module *self, const char *what)
{
	const char *name = hl_module_plugin(self)->name;
	size_t length = strlen(notes);

	snprintf(notes + length, sizeof notes - length, "%s%s.%s", length ? " " : "", name, what);
	if (with_command && !strcmp(what, "init")) {
		struct hl_command command = {.name = name, .summary = "x", .run = run_nothing};

		add_result = hl_commands_add(modules, &command);
	}
	return failing_plugin && !strcmp(failing_plugin, name) && !strcmp(failing_what, what) ? told
											      : 0;
}

static const char *noted(void)
{
	static char taken[sizeof notes];

	memcpy(taken, notes, sizeof notes);
	notes[0] = '\0';
	return taken;
}

static void tell(const char *plugin, const char *what, int answer)
{
	failing_plugin = plugin;
	failing_what = what;
	told = answer;
}

/* A configuration of these plugins (space-separated), every level being `level`. */
struct fake_config {
	struct hl_config config;
	struct hl_plugin_config plugins[MOST];
	struct probe_settings settings[MOST];
};

static void configure(struct fake_config *fake, const char *names, int64_t level)
{
	char copy[256], *rest = copy, *name;
	struct hl_error error = {""};

	memset(fake, 0, sizeof *fake);
	fake->config.references = 1;
	fake->config.plugins = fake->plugins;
	snprintf(copy, sizeof copy, "%s", names);
	while ((name = strtok_r(rest, " ", &rest))) {
		size_t i = fake->config.plugin_count++;
		struct hl_module *module = NULL;

		if (hl_modules_load(modules, directory, name, &module, &error))
			diag("%s", error.text);
		fake->settings[i].level = level;
		fake->plugins[i].section = hl_module_section(module);
		fake->plugins[i].settings = &fake->settings[i];
	}
}

static void name_one(void *arg, struct hl_module *module)
{
	char *text = arg;

	strcat(strcat(text, *text ? " " : ""), hl_module_plugin(module)->name);
}

/* The enabled ones, in order. */
static const char *order(void)
{
	static char text[256];

	text[0] = '\0';
	hl_modules_each(modules, name_one, text);
	return text;
}

static void test_refused(void)
{
	static const struct {
		const char *name;
		int code;
		const char *says[3];
	} rows[] = {
		{"apricot",
		 -ENOENT,
		 {"plugin apricot: there is no ", "/apricot.so", "apple, bad-default, fig"}},
		{"../apple", -EINVAL, {"`../apple` cannot be a plugin's name"}},
		{"", -EINVAL, {"`` cannot be a plugin's name"}},
		{"wrong-abi", -ELIBBAD, {"plugin ABI 99, this switch has ", "rebuild it against"}},
		{"no-symbol", -ELIBBAD, {"no-symbol.so has no symbol hl_plugin", "HL_EXPORT"}},
		{"misnamed", -ELIBBAD, {"misnamed.so calls itself otherwise", "must agree"}},
		{"bad-default",
		 -ERANGE,
		 {"plugin bad-default: its parameter level: ", "1 to 9", "mend its row"}},
		{"unresolved", -ELIBACC, {"hl_function_of_another_version", "rebuild the plugin"}},
	};

	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		struct hl_module *module = NULL;
		struct hl_error error = {""};
		int rc = hl_modules_load(modules, directory, rows[i].name, &module, &error);

		is_int(rc, rows[i].code, "`%s` is refused", rows[i].name);
		ok(!module, "and nothing is handed out");
		for (size_t j = 0; j < 3 && rows[i].says[j]; j++)
			ok(strstr(error.text, rows[i].says[j]), "and the message says: %s",
			   rows[i].says[j]) ||
				(diag("%s", error.text), 0);
	}
}

static void test_empty_directory(void)
{
	struct hl_module *module = NULL;
	struct hl_error error = {""};

	is_int(hl_modules_load(modules, "/nonexistent", "apple", &module, &error), -ENOENT,
	       "a directory that is not there has no plugin");
	ok(strstr(error.text, "switch.plugin_dir"), "and the message names the setting");
}

static void test_load(void)
{
	struct hl_module *module = NULL, *again = NULL, *by_file = NULL;
	struct hl_error error = {""};
	char path[600];

	is_int(hl_modules_load(modules, directory, "melon", &module, &error), 0, "a plugin loads");
	is_str(hl_module_plugin(module)->version, "1.2", "its constant can be read");
	is_str(hl_module_section(module)->name, "melon", "its section has its name");
	is_str(hl_module_section(module)->rows[0].key, "level", "and its rows");
	is_int(hl_module_section(module)->size, sizeof(struct probe_settings), "and their size");
	hl_modules_load(modules, directory, "melon", &again, &error);
	ok(again == module, "the second time it is the same module");
	snprintf(path, sizeof path, "%s/melon.so", directory);
	is_int(hl_modules_load_file(modules, path, &by_file, &error), 0, "it loads by its file");
	ok(by_file == module, "which is the same module too");
	snprintf(path, sizeof path, "%s/none.so", directory);
	is_int(hl_modules_load_file(modules, path, &by_file, &error), -ENOENT, "a missing file");
	ok(strstr(error.text, "none.so: No such file"), "is named");
	is_int(hl_modules_load_file(modules, "/etc/passwd", &by_file, &error), -EINVAL,
	       "a file that is not called NAME.so is refused");
}

static void test_order(void)
{
	static const struct {
		const char *file, *asked;
	} rows[] = {
		{"melon apple", "melon apple"},
		{"apple melon", "melon apple"},
		{"zebra melon apple", "melon apple zebra"},
		{"apple zebra melon", "melon apple zebra"},
		{"fig", "fig"},
		{"fig zebra melon", "melon zebra fig"},
		{"left", "left"},
		{"", ""},
	};
	static struct fake_config fake;
	struct hl_error error;

	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		configure(&fake, rows[i].file, 1);
		error.text[0] = '\0';
		is_int(hl_modules_enable(modules, &fake.config, &error), 0, "\"%s\" in the file",
		       rows[i].file);
		is_str(order(), rows[i].asked, "are asked in order of needs and names");
	}
}

static void test_unfit(void)
{
	static struct fake_config good, lacking, round;
	struct hl_error error = {""};

	configure(&good, "zebra melon", 1);
	hl_modules_enable(modules, &good.config, &error);
	configure(&lacking, "apple zebra", 1);
	is_int(hl_modules_enable(modules, &lacking.config, &error), -EINVAL, "a need not named");
	is_str(error.text, "plugin apple needs melon: add `melon: {}` under plugins",
	       "is told with its mend");
	configure(&round, "left melon right", 1);
	is_int(hl_modules_enable(modules, &round.config, &error), -EINVAL, "a circle is refused");
	ok(strstr(error.text, "left -> right -> left") ||
		   strstr(error.text, "right -> left -> right"),
	   "and shown") ||
		(diag("%s", error.text), 0);
	is_str(order(), "melon zebra", "what was enabled before still is");
	is_int(good.config.references, 2, "with its configuration");
	is_int(lacking.config.references + round.config.references, 2, "the refused are not held");
}

struct looked_up {
	struct hl_module *apple, *melon;
};

static void look_up(void *arg, struct hl_module *module)
{
	struct looked_up *found = arg;

	*(strcmp(hl_module_plugin(module)->name, "apple") ? &found->melon : &found->apple) = module;
}

static bool aligned(const void *pointer)
{
	return !((uintptr_t)pointer % alignof(max_align_t));
}

static void test_spaces(void)
{
	static struct fake_config fake;
	struct hl_error error = {""};
	struct looked_up found;
	char *apple, *melon;

	configure(&fake, "apple melon", 1);
	hl_modules_enable(modules, &fake.config, &error);
	hl_modules_each(modules, look_up, &found);
	is_int(hl_modules_contact_space(modules), 2 * alignof(max_align_t),
	       "3 bytes each in a contact");
	is_int(hl_modules_call_space(modules), 4 * alignof(max_align_t), "17 bytes each in a call");
	is_int(hl_modules_leg_space(modules), 2 * alignof(max_align_t), "1 byte each in a leg");
	apple = hl_module_contact(found.apple, NULL);
	melon = hl_module_contact(found.melon, NULL);
	ok(aligned(apple) && aligned(melon), "a contact's bytes are aligned");
	ok(melon == space && apple >= melon + 3, "and do not overlap");
	apple = hl_module_call(found.apple, NULL);
	melon = hl_module_call(found.melon, NULL);
	ok(aligned(apple) && aligned(melon), "a call's bytes are aligned");
	ok(melon == space + 1024 && apple >= melon + 17, "and do not overlap");
	apple = hl_module_leg(found.apple, NULL);
	melon = hl_module_leg(found.melon, NULL);
	ok(aligned(apple) && aligned(melon) && melon == space + 2048 && apple > melon,
	   "a leg's bytes too");
}

static int64_t level(const struct hl_module *module)
{
	return ((const struct probe_settings *)hl_module_settings(module))->level;
}

static void test_reload(void)
{
	static struct fake_config first, second, more, other;
	struct hl_error error = {""};
	struct looked_up found;

	configure(&first, "apple melon", 4);
	hl_modules_enable(modules, &first.config, &error);
	hl_modules_init(modules, &error);
	hl_modules_each(modules, look_up, &found);
	is_int(level(found.apple), 4, "a plugin sees its settings");
	is_int(first.config.references, 2, "whose configuration is held");
	configure(&second, "melon apple", 7);
	ok(!hl_modules_differ(modules, &second.config), "the same plugins are no difference");
	configure(&more, "melon apple zebra", 7);
	ok(hl_modules_differ(modules, &more.config), "one more is");
	configure(&other, "melon zebra", 7);
	ok(hl_modules_differ(modules, &other.config), "another one is");
	noted();
	hl_modules_reload(modules, &second.config);
	is_str(noted(), "melon.reload apple.reload", "a reload tells them, in order");
	ok(level(found.apple) == 7 && level(found.melon) == 7, "they see the new settings");
	is_int(first.config.references, 1, "the old configuration is let go");
	is_int(second.config.references, 2, "the new one held");
	hl_modules_fini(modules);
}

static void test_life(void)
{
	static struct fake_config fake;
	struct hl_error error = {""};

	configure(&fake, "apple melon zebra", 1);
	hl_modules_enable(modules, &fake.config, &error);
	noted();
	is_int(hl_modules_init(modules, &error), 0, "init");
	is_str(noted(), "melon.init apple.init zebra.init", "runs in order");
	is_int(hl_modules_start(modules, &error), 0, "start");
	is_str(noted(), "melon.start apple.start zebra.start", "runs in order");
	hl_modules_stop(modules);
	is_str(noted(), "zebra.stop apple.stop melon.stop", "stop runs backwards");
	hl_modules_fini(modules);
	is_str(noted(), "zebra.fini apple.fini melon.fini", "fini runs backwards");
	hl_modules_stop(modules);
	hl_modules_fini(modules);
	is_str(noted(), "", "neither runs twice");

	tell("apple", "init", -EPERM);
	is_int(hl_modules_init(modules, &error), -EPERM, "a failing init is told");
	is_str(error.text, "plugin apple: init failed: told to fail", "with plugin and cause");
	is_str(noted(), "melon.init apple.init melon.fini", "those that ran are undone");
	tell("apple", "start", -ENODEV);
	hl_modules_init(modules, &error);
	noted();
	is_int(hl_modules_start(modules, &error), -ENODEV, "a failing start is told");
	is_str(error.text, "plugin apple: start failed: No such device",
	       "by its errno if it is mute");
	is_str(noted(), "melon.start apple.start melon.stop", "those that started are stopped");
	hl_modules_fini(modules);
	is_str(noted(), "zebra.fini apple.fini melon.fini", "and all end");
	tell(NULL, NULL, 0);
}

static int datagram(void)
{
	return hl_stage_datagram(modules, NULL, (struct hl_slice){"", 0});
}

static void test_answers(void)
{
	static struct fake_config fake;
	struct hl_error error = {""};

	configure(&fake, "apple melon", 1);
	hl_modules_enable(modules, &fake.config, &error);
	noted();
	is_int(datagram(), HL_NEXT, "before init no plugin is asked");
	is_str(noted(), "", "indeed");
	hl_modules_init(modules, &error);
	noted();
	is_int(datagram(), HL_NEXT, "all say next: next");
	is_str(noted(), "melon.datagram apple.datagram", "all were asked, in order");
	tell("melon", "datagram", HL_DONE);
	is_int(datagram(), HL_DONE, "the first says done: done");
	is_str(noted(), "melon.datagram", "nobody else is asked");
	tell("melon", "datagram", 403);
	is_int(datagram(), 403, "a code ends it too");
	is_str(noted(), "melon.datagram", "nobody else is asked");
	tell("melon", "datagram", -EIO);
	is_int(datagram(), HL_NEXT, "an error does not");
	is_str(noted(), "melon.datagram apple.datagram", "the next plugin is asked");
	tell("melon", "datagram", 200);
	is_int(datagram(), HL_NEXT, "nor does a number that is no answer");
	noted();
	tell(NULL, NULL, 0);
	hl_modules_fini(modules);
	is_int(datagram(), HL_NEXT, "after fini no plugin is asked");
	noted();
}

static void test_sdp(void)
{
	static struct fake_config fake;
	struct hl_error error = {""};
	struct hl_slice sdp = HL_SLICE_LITERAL("v=0");
	struct hl_text text;

	hl_text_init(&text);
	configure(&fake, "apple melon", 1);
	hl_modules_enable(modules, &fake.config, &error);
	hl_modules_init(modules, &error);
	tell("apple", "offer", HL_DONE);
	is_int(hl_stage_offer(modules, NULL, NULL, NULL, sdp, &text), HL_DONE, "an offer is taken");
	is_str(hl_text_string(&text), "apple", "the text is of the one that took it alone");
	hl_text_clear(&text);
	tell("melon", "answer", -EIO);
	is_int(hl_stage_answer(modules, NULL, NULL, NULL, sdp, &text), HL_NEXT,
	       "an answer is left");
	is_str(hl_text_string(&text), "", "nothing is left of what was written");
	tell(NULL, NULL, 0);
	hl_modules_fini(modules);
	hl_text_fini(&text);
	noted();
}

static void test_every_stage(void)
{
	static struct fake_config fake;
	struct hl_error error = {""};
	struct hl_json json;
	struct hl_text text;

	hl_text_init(&text);
	hl_json_init(&json, &text);
	configure(&fake, "melon", 1);
	hl_modules_enable(modules, &fake.config, &error);
	hl_modules_init(modules, &error);
	noted();
	for (int answer = 0; answer <= 503; answer += 503) {
		tell("melon", "request", answer);
		is_int(hl_stage_request(modules, NULL, NULL), answer, "request answers %d", answer);
		tell("melon", "route", answer);
		is_int(hl_stage_route(modules, NULL), answer, "route answers %d", answer);
		tell("melon", "leg_send", answer);
		is_int(hl_stage_leg_send(modules, NULL, NULL), answer, "leg_send answers %d",
		       answer);
		tell("melon", "leg_recv", answer);
		is_int(hl_stage_leg_recv(modules, NULL, NULL), answer, "leg_recv answers %d",
		       answer);
		is_str(noted(), "melon.request melon.route melon.leg_send melon.leg_recv",
		       "in turn");
	}
	tell(NULL, NULL, 0);
	hl_stage_contact(modules, HL_CONTACT_ADDED, NULL);
	hl_stage_answered(modules, NULL);
	hl_stage_leg_ended(modules, NULL);
	hl_stage_ended(modules, NULL, NULL);
	is_str(noted(), "melon.contact melon.answered melon.leg_ended melon.ended",
	       "events arrive");
	hl_json_array(&json);
	hl_json_object(&json);
	hl_stage_contact_json(modules, NULL, &json);
	hl_json_object_end(&json);
	hl_json_object(&json);
	hl_stage_call_json(modules, NULL, &json);
	hl_json_object_end(&json);
	hl_json_object(&json);
	hl_stage_leg_json(modules, NULL, &json);
	hl_json_object_end(&json);
	hl_json_array_end(&json);
	is_str(hl_text_string(&text), "[{\"melon\":true},{\"melon\":true},{\"melon\":true}]",
	       "members of contacts, calls and legs are written");
	is_str(noted(), "melon.contact_json melon.call_json melon.leg_json", "by their stages");
	hl_text_clear(&text);
	hl_json_init(&json, &text);
	hl_modules_json(modules, &json);
	is_str(hl_text_string(&text),
	       "[{\"name\":\"melon\",\"version\":\"1.2\",\"summary\":"
	       "\"does what the test tells it to\"}]",
	       "the list of plugins");
	hl_modules_fini(modules);
	hl_text_fini(&text);
	noted();
}

static void name_command(void *arg, const struct hl_command *command)
{
	strcat(strcat(arg, " "), command->name);
}

static void test_commands(void)
{
	static struct fake_config fake;
	struct hl_command command = {.name = "status", .summary = "x", .run = run_nothing};
	struct hl_error error = {""};
	char text[128] = "";

	is_int(hl_commands_add(modules, &command), 0, "a command is registered");
	is_int(hl_commands_add(modules, &command), -EEXIST, "once");
	configure(&fake, "apple melon zebra", 1);
	hl_modules_enable(modules, &fake.config, &error);
	with_command = true;
	hl_modules_init(modules, &error);
	is_int(add_result, 0, "plugins register theirs in init");
	hl_commands_each(modules, name_command, text);
	is_str(text, " apple help melon status zebra", "they are visited by name");
	ok(hl_command_find(modules, "melon"), "and found");
	ok(!hl_command_find(modules, "lemon"), "another is not");
	hl_modules_fini(modules);
	ok(!hl_command_find(modules, "melon") && hl_command_find(modules, "status"),
	   "a plugin's commands go with it, the core's stay");
	tell("melon", "init", -EPERM);
	hl_modules_init(modules, &error);
	ok(!hl_command_find(modules, "melon"), "those of a failed init go too");
	tell(NULL, NULL, 0);
	with_command = false;
	noted();
}

/* Each allocation in turn fails: told, nothing kept, and the next time it works. */
static void test_out_of_memory(void)
{
	static struct fake_config fake;
	struct hl_modules *other = NULL, *standard = modules;
	struct hl_module *module = NULL;
	struct hl_error error = {""};
	unsigned long n;
	int rc = -ENOMEM;

	for (n = 1; !other && n < 10; n++) {
		hl_memory_fail_at(n);
		other = hl_modules_new(NULL);
	}
	ok(other && n > 2, "a loader fails cleanly without memory");
	for (n = 1; rc && n < 50; n++) {
		hl_memory_fail_at(n);
		rc = hl_modules_load(other, directory, "melon", &module, &error);
		if (rc && (rc != -ENOMEM || module || !error.text[0]))
			break;
	}
	ok(!rc && n > 2, "so does loading") || (diag("%d: %s", rc, error.text), 0);
	hl_memory_fail_at(0);
	modules = other;
	configure(&fake, "melon", 1);
	hl_memory_fail_at(1);
	is_int(hl_modules_enable(other, &fake.config, &error), -ENOMEM, "so does enabling");
	hl_memory_fail_at(0);
	is_int(fake.config.references, 1, "which holds nothing then");
	hl_modules_free(other);
	modules = standard;
}

static void test_arguments(void)
{
	static const struct hl_argument_pair pairs[] = {{"user", "1001"}, {"last", "5"}};
	struct hl_arguments arguments = {pairs, 2};

	is_str(hl_argument(&arguments, "last"), "5", "an argument is found by its name");
	is_str(hl_argument(&arguments, "id"), NULL, "one that was not given is NULL");
}

int main(void)
{
	const char *build = getenv("HOLDLINE_BUILDDIR");

	snprintf(directory, sizeof directory, "%s/t/plugins/.libs", build ? build : ".");
	modules = hl_modules_new(NULL);
	test_refused();
	test_empty_directory();
	test_load();
	test_order();
	test_unfit();
	test_spaces();
	test_reload();
	test_life();
	test_answers();
	test_sdp();
	test_every_stage();
	test_commands();
	test_arguments();
	test_out_of_memory();
	hl_modules_free(modules);
	return done_testing();
}
