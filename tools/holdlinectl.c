/* holdlinectl: asks a running switch (contract: "Control socket") and shows the answer. Commands
 * that a plugin brings work too, with NAME=VALUE arguments. */
#include "client.h"
#include "command.h"
#include "password.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_ANSWERED = 1, EXIT_USAGE = 2, EXIT_NO_SWITCH = 3 };

struct order {
	const char *socket;
	const char *word;	       /* the command; NULL: none was given */
	const struct command *command; /* NULL: not one of ours */
	const char *name;	       /* its last positional argument, or NULL */
	unsigned named;		       /* so many positional arguments came */
	const char *stray; /* an argument that a command not of ours came with, nameless */
	json_t *arguments; /* owned */
	bool json;
	bool only_tell; /* --help, --version: has been done */
};

static int usage_error(const char *what, const char *word)
{
	fprintf(stderr, "holdlinectl: %s%s%s\nTry `holdlinectl --help`.\n", what, word ? ": " : "",
		word ? word : "");
	return EXIT_USAGE;
}

static void print_help(void)
{
	puts("Usage: holdlinectl [-s PATH] [--json] COMMAND [ARGUMENTS]\n\n"
	     "  -s, --socket PATH  the switch's control socket; else $HOLDLINE_CONTROL,\n"
	     "                     else " HL_RUN_DIR "/control.sock\n"
	     "      --json         print the result as JSON\n"
	     "      --help, --version\n\n"
	     "Commands:");
	for (const struct command *command = commands; command->name; command++)
		printf("  %s %s\n", command->name, command->usage);
	puts("\nPlugins may bring more: `holdlinectl help` asks the switch; they take NAME=VALUE.\n"
	     "Exit status: 0 done, 1 the switch said no, 2 wrong usage, 3 no switch.");
}

static void add(struct order *order, const char *name, size_t length, const char *value)
{
	char key[64];

	snprintf(key, sizeof key, "%.*s", (int)length, name);
	json_object_set_new(order->arguments, key, json_string(value));
}

/* An argument of the command: positional, or NAME=VALUE. */
static int take_argument(struct order *order, const char *text)
{
	const char *equals = strchr(text, '=');
	const char *positional = order->command ? order->command->positionals[order->named] : NULL;
	bool named = !order->command || (order->command->named && order->named);

	if (positional && !(named && equals)) {
		order->name = text;
		order->named++;
		add(order, positional, strlen(positional), text);
	} else if (equals && equals > text && named) {
		add(order, text, (size_t)(equals - text), equals + 1);
	} else if (!order->command) {
		order->stray = text;
	} else {
		return usage_error("one argument too many", text);
	}
	return 0;
}

/* --NAME VALUE or --NAME=VALUE; counts what it used of the arguments behind it. */
static int take_option(struct order *order, const char *text, const char *next, int *used)
{
	size_t length = strcspn(text, "=");
	const char *value = text[length] ? text + length + 1 : next;
	bool known;

	if (!strcmp(text, "--json")) {
		order->json = true;
		return 0;
	}
	if (!strcmp(text, "--help") || !strcmp(text, "-h")) {
		print_help();
		order->only_tell = true;
		return 0;
	}
	if (!strcmp(text, "--version")) {
		puts("holdlinectl " PACKAGE_VERSION);
		order->only_tell = true;
		return 0;
	}
	if (order->command && order->command->flag && !strncmp(text, "--", 2) &&
	    !strcmp(text + 2, order->command->flag)) {
		add(order, text + 2, length - 2, "true");
		return 0;
	}
	known = !order->command || (order->command->option && length > 2 &&
				    strlen(order->command->option) == length - 2 &&
				    !strncmp(order->command->option, text + 2, length - 2));
	if (!strcmp(text, "-s") || (length == 8 && !strncmp(text, "--socket", 8)))
		order->socket = value;
	else if (order->word && length > 2 && !strncmp(text, "--", 2) && known && value)
		add(order, text + 2, length - 2, value);
	else if (known && order->word && !value)
		return usage_error("a value is missing behind", text);
	else
		return usage_error("unknown option", text);
	if (!value)
		return usage_error("a path is missing behind", text);
	*used += !text[length];
	return 0;
}

static int read_arguments(struct order *order, int argc, char **argv)
{
	int rc = 0;

	for (int i = 1; i < argc && !rc && !order->only_tell; i++) {
		if (argv[i][0] == '-' && argv[i][1]) {
			rc = take_option(order, argv[i], argv[i + 1], &i);
		} else if (order->word) {
			rc = take_argument(order, argv[i]);
		} else {
			order->word = argv[i];
			order->command = command_find(argv[i]);
		}
	}
	if (rc || order->only_tell)
		return rc;
	if (!order->word)
		return usage_error("which command?", NULL);
	if (order->command && order->named < order->command->required)
		return usage_error("an argument is missing", order->command->usage);
	return 0;
}

/* The password that the command needs, unless the command line has it. 0 or an exit status. */
static int read_password(struct order *order)
{
	const char *const *word = order->command ? order->command->secret : NULL;
	const char *op = json_string_value(json_object_get(order->arguments, "op"));
	char password[256];

	while (word && *word && (!op || strcmp(op, *word)))
		word++;
	if (!word || !*word || json_object_get(order->arguments, "password"))
		return 0;
	if (order->named < 2)
		return usage_error("an argument is missing", order->command->usage);
	if (password_read(order->name, password, sizeof password))
		return EXIT_USAGE;
	add(order, "password", strlen("password"), password);
	return 0;
}

static void print_json(const json_t *result)
{
	/* On a terminal nothing from the network may speak to it. */
	size_t flags = isatty(STDOUT_FILENO) ? JSON_ENSURE_ASCII : 0;

	json_dumpf(result, stdout,
		   flags | JSON_INDENT(2) | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
	putchar('\n');
}

/* One line or several, without an empty one behind them. */
static void complain(const char *before, const char *text)
{
	char *clean = terminal_clean(text, true);
	size_t length = clean ? strlen(clean) : 0;

	while (length && clean[length - 1] == '\n')
		clean[--length] = '\0';
	fprintf(stderr, "%s%s\n", before, clean ? clean : "out of memory");
	free(clean);
}

static int report(const struct order *order, const json_t *answer)
{
	const json_t *result = json_object_get(answer, "result");
	const char *error = json_string_value(json_object_get(answer, "error"));
	const json_t *warning;
	size_t i;

	if (!json_is_true(json_object_get(answer, "ok"))) {
		complain("holdlinectl: ", error ? error : "the switch gives no reason");
		return EXIT_ANSWERED;
	}
	if (order->json)
		print_json(result);
	else
		command_show(order->command, order->name, result);
	json_array_foreach(json_object_get(result, "warnings"), i, warning)
		if (json_is_string(warning))
			complain("", json_string_value(warning));
	return fflush(stdout) || ferror(stdout) ? EXIT_ANSWERED : EXIT_SUCCESS;
}

static bool listed(const json_t *answer, const char *word)
{
	const json_t *row;
	size_t i;

	json_array_foreach(json_object_get(answer, "result"), i, row)
	{
		const char *name = json_string_value(json_object_get(row, "name"));

		if (name && !strcmp(name, word))
			return true;
	}
	return false;
}

/* A command not of ours came with an argument that has no name: only if the switch knows the
 * command is that the mistake to tell. */
static int check_stray(const struct order *order, int fd)
{
	json_t *help;
	int rc = 0;

	if (!order->stray)
		return 0;
	help = client_ask(fd, order->socket, "help", NULL);
	if (!help)
		rc = EXIT_NO_SWITCH;
	else if (listed(help, order->word))
		rc = usage_error("this command takes NAME=VALUE, not", order->stray);
	json_decref(help);
	return rc;
}

static int carry_out(struct order *order)
{
	json_t *answer = NULL;
	int fd = client_connect(order->socket);
	int rc = fd < 0 ? EXIT_NO_SWITCH : check_stray(order, fd);

	if (!rc) {
		answer = client_ask(fd, order->socket, order->word, order->arguments);
		rc = answer ? report(order, answer) : EXIT_NO_SWITCH;
	}
	json_decref(answer);
	if (fd >= 0)
		close(fd);
	return rc;
}

int main(int argc, char **argv)
{
	struct order order = {.socket = getenv("HOLDLINE_CONTROL"), .arguments = json_object()};
	int rc;

	terminal_setup();
	if (!order.socket || !*order.socket)
		order.socket = HL_RUN_DIR "/control.sock";
	rc = read_arguments(&order, argc, argv);
	if (!rc && !order.only_tell)
		rc = read_password(&order);
	if (!rc && !order.only_tell)
		rc = carry_out(&order);
	json_decref(order.arguments);
	return rc;
}
