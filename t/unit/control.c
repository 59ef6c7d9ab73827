/* The control socket, by a client on a real one: requests good and bad, their order, answers that
 * come later, bounds, clients that go away. */
#include "control/control.h"
#include "base/clock.h"
#include "base/memory.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BIG = 40 << 20 };

static struct hl_loop *loop;
static struct hl_modules *modules;
static struct hl_control *control;
static char folder[] = "/tmp/holdline-control-XXXXXX";
static char path[96];
static struct hl_answer *pending; /* what `later` was handed and has not given */

static int run_echo(void *arg, const struct hl_arguments *arguments, struct hl_json *result,
		    struct hl_error *error)
{
	(void)arg;
	(void)error;
	hl_json_array(result);
	for (const char *const *name =
		     (const char *const[]){"text", "n", "real", "yes", "none", NULL};
	     *name; name++)
		hl_json_string(result, hl_argument(arguments, *name));
	hl_json_array_end(result);
	return 0;
}

static int run_fail(void *arg, const struct hl_arguments *arguments, struct hl_json *result,
		    struct hl_error *error)
{
	(void)arg;
	hl_json_array(result);
	return hl_argument(arguments, "mute") ? -EPERM
					      : hl_error_set(error, -ENOENT, "no call \"x\"\n");
}

static int run_big(void *arg, const struct hl_arguments *arguments, struct hl_json *result,
		   struct hl_error *error)
{
	char *text = malloc(BIG);

	(void)arg;
	(void)arguments;
	(void)error;
	memset(text, 'x', BIG);
	hl_json_slice(result, (struct hl_slice){text, BIG});
	free(text);
	return 0;
}

static int begin_later(void *arg, const struct hl_arguments *arguments, struct hl_answer *answer,
		       struct hl_error *error)
{
	(void)arg;
	if (hl_argument(arguments, "fail"))
		return hl_error_set(error, -EIO, "cannot begin");
	if (hl_argument(arguments, "now"))
		hl_answer_result(answer, HL_SLICE_LITERAL("\"now\""));
	else
		pending = answer;
	return 0;
}

static const struct hl_command commands[] = {
	{.name = "echo", .summary = "shows arguments", .run = run_echo},
	{.name = "fail", .summary = "fails", .run = run_fail},
	{.name = "big", .summary = "answers 40 MiB", .run = run_big},
	{.name = "later", .summary = "waits", .begin = begin_later},
};

struct client {
	int fd;
	char *data; /* owned; what came and was not yet taken */
	size_t length, size;
	bool ended; /* the switch closed its side */
	char *line; /* owned; the last line taken */
};

static void client_open(struct client *client)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};

	*client = (struct client){.fd = socket(AF_UNIX, SOCK_STREAM, 0)};
	snprintf(name.sun_path, sizeof name.sun_path, "%s", path);
	if (connect(client->fd, (struct sockaddr *)&name, sizeof name))
		diag("connect: %s", strerror(errno));
	fcntl(client->fd, F_SETFL, O_NONBLOCK);
}

static void client_close(struct client *client)
{
	close(client->fd);
	free(client->data);
	free(client->line);
	hl_loop_turn(loop);
	hl_loop_turn(loop);
}

static void client_read(struct client *client)
{
	char bytes[65536];
	ssize_t got;

	while ((got = read(client->fd, bytes, sizeof bytes)) > 0) {
		if (client->length + (size_t)got > client->size) {
			client->size = 2 * (client->length + (size_t)got);
			client->data = realloc(client->data, client->size);
		}
		memcpy(client->data + client->length, bytes, (size_t)got);
		client->length += (size_t)got;
	}
	if (!got || (got < 0 && errno != EAGAIN))
		client->ended = true;
}

static void client_send(struct client *client, const char *bytes, size_t length)
{
	while (length) {
		ssize_t sent = write(client->fd, bytes, length);

		if (sent < 0 && errno != EAGAIN)
			return;
		bytes += sent > 0 ? sent : 0;
		length -= sent > 0 ? (size_t)sent : 0;
		hl_loop_turn(loop);
	}
}

static void client_put(struct client *client, const char *text)
{
	client_send(client, text, strlen(text));
}

/* The next line without its end; NULL when the switch ends or nothing comes for two seconds. */
static const char *client_line(struct client *client)
{
	uint64_t patience = hl_clock_real() + 2 * HL_SECOND;
	size_t seen = 0, length;
	char *end = NULL;

	for (;;) {
		if (client->length > seen) {
			end = memchr(client->data + seen, '\n', client->length - seen);
			patience = hl_clock_real() + 2 * HL_SECOND;
			seen = client->length;
		}
		if (end)
			break;
		if (client->ended || hl_clock_real() > patience)
			return NULL;
		hl_loop_turn(loop);
		client_read(client);
	}
	length = (size_t)(end - client->data);
	free(client->line);
	client->line = malloc(length + 1);
	memcpy(client->line, client->data, length);
	client->line[length] = '\0';
	client->length -= length + 1;
	memmove(client->data, end + 1, client->length);
	return client->line;
}

/* Turns the loop until the other side has seen all that was sent. */
static void settle(struct client *client)
{
	for (int i = 0; i < 10; i++) {
		hl_loop_turn(loop);
		client_read(client);
	}
}

static void test_open(void)
{
	struct hl_error error = {""};
	struct stat file;
	struct hl_control *second;
	char deep[160];

	snprintf(path, sizeof path, "%s/run/control.sock", folder);
	control = hl_control_open(loop, path, modules, &error);
	ok(control, "it listens, in a directory that it makes") || (diag("%s", error.text), 0);
	ok(!stat(path, &file) && S_ISSOCK(file.st_mode), "at its path");
	is_int(file.st_mode & 0777, 0660, "for user and group");
	second = hl_control_open(loop, path, modules, &error);
	ok(!second && strstr(error.text, path) && strstr(error.text, "another process") &&
		   strstr(error.text, "switch.control"),
	   "a path in use is refused, with path, reason and setting") ||
		(diag("%s", error.text), 0);
	snprintf(deep, sizeof deep, "%s/a/b/control.sock", folder);
	second = hl_control_open(loop, deep, modules, &error);
	ok(!second && strstr(error.text, "No such file"), "so is one without parent directory");
	hl_control_close(control);
	ok(stat(path, &file), "closed, it takes its file away");
	control = hl_control_open(loop, path, modules, &error);
	ok(control, "and can be opened again");
}

static void test_requests(void)
{
	static const struct {
		const char *request, *answer;
	} rows[] = {
		{"{\"cmd\":\"echo\"}", "{\"ok\":true,\"result\":[null,null,null,null,null]}"},
		{"{\"cmd\":\"echo\",\"args\":null}",
		 "{\"ok\":true,\"result\":[null,null,null,null,null]}"},
		{"{\"args\":{\"text\":\"a\\u00e9\\n\",\"n\":-5,\"real\":1.5,\"yes\":true,\"none\":null},"
		 "\"cmd\":\"echo\"}\r",
		 "{\"ok\":true,\"result\":[\"a\u00e9\\n\",\"-5\",\"1.5\",\"true\",null]}"},
		{"{\"cmd\":\"fail\"}", "{\"ok\":false,\"error\":\"no call \\\"x\\\"\\n\"}"},
		{"{\"cmd\":\"fail\",\"args\":{\"mute\":1}}",
		 "{\"ok\":false,\"error\":\"Operation not permitted\"}"},
		{"{\"cmd\":\"ehco\"}",
		 "{\"ok\":false,\"error\":\"unknown command `ehco`; did you mean "
		 "echo?; `help` lists them\"}"},
		{"{\"cmd\":\"quit\"}",
		 "{\"ok\":false,\"error\":\"unknown command `quit`; `help` lists them\"}"},
		{"[]", "{\"ok\":false,\"error\":\"a request is an object: try {\\\"cmd\\\": "
		       "\\\"help\\\"}\"}"},
		{"{}", "{\"ok\":false,\"error\":\"a request needs \\\"cmd\\\", a text: try "
		       "{\\\"cmd\\\": \\\"help\\\"}\"}"},
		{"{\"cmd\":1}",
		 "{\"ok\":false,\"error\":\"a request needs \\\"cmd\\\", a text: try "
		 "{\\\"cmd\\\": \\\"help\\\"}\"}"},
		{"{\"cmd\":\"echo\",\"user\":\"1\"}",
		 "{\"ok\":false,\"error\":\"a request is {\\\"cmd\\\": WORD, \\\"args\\\": {…}}, "
		 "it has no \\\"user\\\"\"}"},
		{"{\"cmd\":\"echo\",\"args\":[]}",
		 "{\"ok\":false,\"error\":\"\\\"args\\\" must be an object\"}"},
		{"{\"cmd\":\"echo\",\"args\":{\"n\":[1]}}",
		 "{\"ok\":false,\"error\":\"args.n must be a text, a number, true or false\"}"},
	};
	struct client client;

	client_open(&client);
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		client_put(&client, rows[i].request);
		client_put(&client, "\n");
		is_str(client_line(&client), rows[i].answer, "request %zu", i + 1);
	}
	client_put(&client, "{\"cmd\":\n");
	ok(client_line(&client) && strstr(client.line, "{\"ok\":false,\"error\":\"not JSON: "),
	   "half a request is no JSON");
	client_put(&client, "{\"cmd\":\"a\",\"cmd\":\"b\"}\n");
	ok(client_line(&client) && strstr(client.line, "duplicate"), "a key twice is refused");
	client_put(&client, "\n \r\n{\"cmd\":\"help\"}\n");
	is_str(client_line(&client),
	       "{\"ok\":true,\"result\":["
	       "{\"name\":\"big\",\"summary\":\"answers 40 MiB\"},"
	       "{\"name\":\"echo\",\"summary\":\"shows arguments\"},"
	       "{\"name\":\"fail\",\"summary\":\"fails\"},"
	       "{\"name\":\"help\",\"summary\":\"the commands of this switch\"},"
	       "{\"name\":\"later\",\"summary\":\"waits\"}]}",
	       "empty lines are passed over, help lists the commands");
	client_close(&client);
}

static void test_many_arguments(void)
{
	char request[512] = "{\"cmd\":\"echo\",\"args\":{\"a0\":0";
	struct client client;

	for (int i = 1; i <= 16; i++)
		sprintf(request + strlen(request), ",\"a%d\":%d", i, i);
	client_open(&client);
	client_put(&client, strcat(request, "}}\n"));
	is_str(client_line(&client), "{\"ok\":false,\"error\":\"more than 16 args\"}",
	       "17 arguments are too many");
	client_close(&client);
}

static void test_pieces(void)
{
	const char *two = "{\"cmd\":\"fail\"}\n{\"cmd\":\"echo\"}\n";
	struct client client;

	client_open(&client);
	client_put(&client, two);
	ok(client_line(&client) && strstr(client.line, "no call"), "two in one go: the first,");
	ok(client_line(&client) && strstr(client.line, "null"), "then the second");
	for (const char *at = two; *at; at++)
		client_send(&client, at, 1);
	ok(client_line(&client) && strstr(client.line, "no call"), "byte by byte: the first,");
	ok(client_line(&client) && strstr(client.line, "null"), "then the second");
	client_put(&client, "{\"cmd\":\"big\"}\n");
	shutdown(client.fd, SHUT_WR);
	ok(client_line(&client) && strlen(client.line) > BIG,
	   "one who closes his side at once still gets the whole answer");
	client_close(&client);
}

static void test_later(void)
{
	struct client client;

	client_open(&client);
	client_put(&client, "{\"cmd\":\"later\"}\n{\"cmd\":\"echo\"}\n{\"cmd\":\"fail\"}\n");
	settle(&client);
	is_int(client.length, 0, "the requests behind one that waits are not answered");
	hl_answer_result(pending, HL_SLICE_LITERAL("[1]"));
	is_str(client_line(&client), "{\"ok\":true,\"result\":[1]}", "its answer comes");
	ok(client_line(&client) && strstr(client.line, "null"), "then the second,");
	ok(client_line(&client) && strstr(client.line, "no call"), "then the third");

	client_put(&client, "{\"cmd\":\"later\"}\n{\"cmd\":\"later\",\"args\":{\"now\":1}}\n"
			    "{\"cmd\":\"later\",\"args\":{\"fail\":1}}\n");
	settle(&client);
	hl_answer_error(pending, "it failed");
	is_str(client_line(&client), "{\"ok\":false,\"error\":\"it failed\"}",
	       "an error may come late");
	is_str(client_line(&client), "{\"ok\":true,\"result\":\"now\"}",
	       "an answer may come at once");
	is_str(client_line(&client), "{\"ok\":false,\"error\":\"cannot begin\"}",
	       "a command may fail to begin");

	client_put(&client, "{\"cmd\":\"later\"}\n");
	settle(&client);
	client_close(&client);
	hl_answer_result(pending, HL_SLICE_LITERAL("[1]"));
	client_open(&client);
	client_put(&client, "{\"cmd\":\"echo\"}\n");
	ok(client_line(&client), "an answer to a client who left harms nobody");
	client_close(&client);
}

static void test_bounds(void)
{
	static char line[70000];
	struct client client;

	memset(line, ' ', sizeof line);
	memcpy(line + 65000, "{\"cmd\":\"echo\"}\n", 15);
	client_open(&client);
	client_send(&client, line, 65015);
	ok(client_line(&client) && strstr(client.line, "null"), "a long line is served");
	memset(line, 'x', sizeof line);
	client_send(&client, line, sizeof line);
	is_str(client_line(&client),
	       "{\"ok\":false,\"error\":\"a request is one line of at most 64 KiB\"}",
	       "one over 64 KiB is refused");
	ok(!client_line(&client) && client.ended, "and the connection ends");
	client_close(&client);

	client_open(&client);
	client_put(&client, "{\"cmd\":\"later\"}\n");
	for (int i = 0; i < 70000 / 15; i++)
		client_put(&client, "{\"cmd\":\"echo\"}\n");
	is_str(client_line(&client),
	       "{\"ok\":false,\"error\":\"too many requests are waiting for an answer\"}",
	       "64 KiB of requests behind one that waits are too many");
	hl_answer_result(pending, HL_SLICE_LITERAL("1"));
	client_close(&client);
}

static void test_slow(void)
{
	struct client client;

	client_open(&client);
	client_put(&client, "{\"cmd\":\"big\"}\n{\"cmd\":\"big\"}\n{\"cmd\":\"echo\"}\n");
	ok(client_line(&client) && strlen(client.line) > BIG, "an answer of 40 MiB comes whole");
	is_str(client_line(&client),
	       "{\"ok\":false,\"error\":\"too much is unread: ask for less, or read faster\"}",
	       "a second one to a client who does not read is not kept");
	ok(client_line(&client) && strstr(client.line, "null"), "and the next request is served");
	client_close(&client);
}

/* Each allocation in turn fails: the client gets an answer or the end, and the switch lives. */
static void test_out_of_memory(void)
{
	struct client client;
	unsigned answers = 0, ends = 0, whole = 0;

	for (unsigned long n = 1; n < 12; n++) {
		client_open(&client);
		settle(&client);
		hl_memory_fail_at(n);
		client_put(&client, n % 2 ? "{\"cmd\":\"help\"}\n"
					  : "{\"cmd\":\"later\",\"args\":{\"now\":1}}\n");
		if (!client_line(&client))
			ends++;
		else if (strstr(client.line, "\"ok\":false"))
			answers++;
		else
			whole++;
		hl_memory_fail_at(0);
		client_close(&client);
	}
	is_int(answers + ends + whole, 11, "without memory a request is answered or ended");
	ok(answers && whole, "with an error, and once there is memory with the result");
}

static void test_crowd(void)
{
	static struct client crowd[65];

	for (int i = 0; i < 64; i++)
		client_open(&crowd[i]);
	client_put(&crowd[63], "{\"cmd\":\"echo\"}\n");
	ok(client_line(&crowd[63]), "64 clients are served");
	client_open(&crowd[64]);
	is_str(client_line(&crowd[64]),
	       "{\"ok\":false,\"error\":\"too many control connections: close some\"}",
	       "the 65th is told that they are too many");
	client_close(&crowd[0]);
	client_close(&crowd[64]);
	client_open(&crowd[64]);
	client_put(&crowd[64], "{\"cmd\":\"echo\"}\n");
	ok(client_line(&crowd[64]), "when one has left another may come");
	for (int i = 1; i < 65; i++)
		client_close(&crowd[i]);
}

static void test_close(void)
{
	struct client client;

	client_open(&client);
	client_put(&client, "{\"cmd\":\"later\"}\n");
	settle(&client);
	hl_control_close(control);
	settle(&client);
	ok(client.ended, "closing ends the connections");
	hl_answer_result(pending, HL_SLICE_LITERAL("1"));
	ok(true, "and an answer after that harms nobody");
	client_close(&client);
}

int main(void)
{
	struct hl_error error;
	char run[64];

	if (!mkdtemp(folder))
		return 1;
	loop = hl_loop_new(&error);
	modules = hl_modules_new(NULL);
	for (size_t i = 0; i < HL_COUNT(commands); i++)
		hl_commands_add(modules, &commands[i]);
	test_open();
	test_requests();
	test_many_arguments();
	test_pieces();
	test_later();
	test_bounds();
	test_slow();
	test_out_of_memory();
	test_crowd();
	test_close();
	hl_modules_free(modules);
	hl_loop_free(loop);
	snprintf(run, sizeof run, "%s/run", folder);
	rmdir(run);
	rmdir(folder);
	return done_testing();
}
