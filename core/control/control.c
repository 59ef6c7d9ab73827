/* The control socket: connections, their requests one after the other, the answers. Whoever may
 * open the socket's file is trusted to command the switch, but not to fill its memory: requests,
 * unsent answers and connections are bounded. */
#include "control/private.h"

#include "base/log.h"
#include "base/memory.h"
#include "config/nearest.h"
#include "loop/stream.h"

#include <errno.h>
#include <sys/stat.h>

enum {
	CONNECTIONS = 64,
	REQUEST_BOUND = 64 << 10, /* bytes of one line, or sent ahead of an answer */
	ANSWER_BOUND = 64 << 20,  /* bytes a client may leave unread */
};

struct hl_control {
	struct hl_modules *modules;	     /* borrowed; knows the commands */
	struct hl_stream_listener *listener; /* owned */
	struct hl_list connections;	     /* struct connection, owned */
	unsigned count;			     /* of connections */
};

struct connection {
	struct hl_list node;	    /* in control->connections */
	struct hl_control *control; /* borrowed; outlives it */
	struct hl_stream *stream;   /* owned; NULL: over */
	struct hl_text input;	    /* what came and was not yet served */
	struct hl_answer *awaited;  /* that the next request waits for; NULL: none */
	bool serving;		    /* serve() runs: it goes on and frees, nobody else */
};

/* What a command that answers later holds. Lives until it is given. */
struct hl_answer {
	struct connection *connection; /* borrowed; NULL: the client is gone */
};

static void connection_free(struct connection *connection)
{
	if (connection->awaited)
		connection->awaited->connection = NULL;
	if (connection->stream)
		hl_stream_close(connection->stream);
	hl_list_remove(&connection->node);
	connection->control->count--;
	hl_text_fini(&connection->input);
	hl_free(connection);
}

static void give_up(struct connection *connection, const char *why)
{
	hl_log(HL_LOG_WARN, "control", "client-dropped", hl_str("reason", why));
	hl_stream_close(connection->stream);
	connection->stream = NULL;
}

static void write_error(struct hl_text *text, const char *why)
{
	struct hl_json json;

	hl_text_clear(text);
	hl_json_init(&json, text);
	hl_json_object(&json);
	hl_json_put_boolean(&json, "ok", false);
	hl_json_put_string(&json, "error", why);
	hl_json_object_end(&json);
}

/* Sends the line in `text`; an answer that cannot be sent becomes an error, or the end. */
static void send_line(struct connection *connection, struct hl_text *text)
{
	int rc;

	if (!connection->stream)
		return;
	hl_text_put(text, "\n");
	rc = text->failed ? -ENOMEM
			  : hl_stream_write(connection->stream,
					    (struct hl_slice){text->data, text->length});
	if (rc) {
		write_error(text, rc == -ENOBUFS
					  ? "too much is unread: ask for less, or read faster"
					  : strerror(-rc));
		hl_text_put(text, "\n");
		rc = text->failed ? -ENOMEM
				  : hl_stream_write(connection->stream,
						    (struct hl_slice){text->data, text->length});
	}
	if (rc)
		give_up(connection, strerror(-rc));
}

static void send_error(struct connection *connection, const char *why)
{
	struct hl_text text;

	hl_text_init(&text);
	write_error(&text, why);
	send_line(connection, &text);
	hl_text_fini(&text);
}

/* Says why and hangs up. */
static void refuse(struct connection *connection, const char *why)
{
	send_error(connection, why);
	if (connection->stream)
		hl_stream_finish(connection->stream);
	connection->stream = NULL;
}

static void run(struct connection *connection, const struct hl_command *command,
		const struct hl_arguments *arguments)
{
	struct hl_error error = {""};
	struct hl_text text;
	struct hl_json json;
	int rc;

	hl_text_init(&text);
	hl_json_init(&json, &text);
	hl_json_object(&json);
	hl_json_put_boolean(&json, "ok", true);
	hl_json_key(&json, "result");
	rc = command->run(command->arg, arguments, &json, &error);
	if (rc)
		write_error(&text, error.text[0] ? error.text : strerror(rc < 0 ? -rc : EINVAL));
	else
		hl_json_object_end(&json);
	send_line(connection, &text);
	hl_text_fini(&text);
}

static void begin(struct connection *connection, const struct hl_command *command,
		  const struct hl_arguments *arguments)
{
	struct hl_answer *answer = hl_zalloc(sizeof *answer);
	struct hl_error error = {""};
	int rc;

	if (!answer) {
		send_error(connection, "out of memory");
		return;
	}
	answer->connection = connection;
	connection->awaited = answer;
	rc = command->begin(command->arg, arguments, answer, &error);
	if (rc)
		hl_answer_error(answer,
				error.text[0] ? error.text : strerror(rc < 0 ? -rc : EINVAL));
}

static void offer_name(void *arg, const struct hl_command *command)
{
	hl_nearest_offer(arg, hl_slice_of(command->name));
}

static void unknown(struct connection *connection, const char *name)
{
	char hint[HL_NEAREST_TEXT];
	struct hl_nearest nearest;
	struct hl_error error;

	hl_nearest_init(&nearest, hl_slice_of(name));
	hl_commands_each(connection->control->modules, offer_name, &nearest);
	hl_error_set(&error, 0, "unknown command `%.40s`%s; `help` lists them", name,
		     hl_nearest_text(&nearest, hint));
	send_error(connection, error.text);
}

static void serve_line(struct connection *connection, struct hl_slice line)
{
	const struct hl_command *command;
	struct hl_request request;
	struct hl_error error;

	if (!hl_slice_trim(line).length)
		return;
	if (hl_request_parse(&request, line, &error)) {
		send_error(connection, error.text);
		return;
	}
	command = hl_command_find(connection->control->modules, request.command);
	if (!command)
		unknown(connection, request.command);
	else if (command->begin)
		begin(connection, command, &request.arguments);
	else
		run(connection, command, &request.arguments);
	hl_request_fini(&request);
}

/* Answers what has come, in order, up to a request whose answer must be awaited. */
static void serve(struct connection *connection)
{
	struct hl_text *input = &connection->input;
	size_t used = 0;

	connection->serving = true;
	while (connection->stream && !connection->awaited) {
		const char *line = input->data + used;
		const char *end = memchr(line, '\n', input->length - used);
		size_t length = end ? (size_t)(end - line) : input->length - used;

		if (length > REQUEST_BOUND) {
			refuse(connection, "a request is one line of at most 64 KiB");
			break;
		}
		if (!end)
			break;
		serve_line(connection, (struct hl_slice){line, length});
		used += length + 1;
	}
	connection->serving = false;
	input->length -= used;
	memmove(input->data, input->data + used, input->length);
	if (connection->stream && input->length > REQUEST_BOUND)
		refuse(connection, "too many requests are waiting for an answer");
	if (!connection->stream)
		connection_free(connection);
}

static size_t received(void *arg, struct hl_stream *stream, struct hl_slice bytes)
{
	struct connection *connection = arg;

	(void)stream;
	hl_text_append(&connection->input, bytes.data, bytes.length);
	if (connection->input.failed) {
		refuse(connection, "out of memory");
		connection_free(connection);
	} else {
		serve(connection);
	}
	return bytes.length;
}

static void closed(void *arg, struct hl_stream *stream, const char *why)
{
	struct connection *connection = arg;

	(void)stream;
	(void)why;
	connection->stream = NULL;
	connection_free(connection);
}

static const struct hl_stream_events stream_events = {.received = received, .closed = closed};

static void accepted(void *arg, struct hl_stream *stream)
{
	struct hl_control *control = arg;
	struct connection *connection = hl_zalloc(sizeof *connection);

	if (!connection) {
		hl_stream_close(stream);
		return;
	}
	connection->control = control;
	connection->stream = stream;
	hl_text_init(&connection->input);
	hl_list_append(&control->connections, &connection->node);
	control->count++;
	if (control->count > CONNECTIONS) {
		refuse(connection, "too many control connections: close some");
		connection_free(connection);
		return;
	}
	hl_stream_bound(stream, ANSWER_BOUND);
	hl_stream_own(stream, &stream_events, connection);
}

/* Takes the answer from its connection, sends, and goes on with the requests behind it. */
static void answer_give(struct hl_answer *answer, struct hl_text *line)
{
	struct connection *connection = answer->connection;

	hl_free(answer);
	if (!connection)
		return;
	connection->awaited = NULL;
	send_line(connection, line);
	if (!connection->serving)
		serve(connection);
}

void hl_answer_result(struct hl_answer *answer, struct hl_slice result)
{
	struct hl_text line;
	struct hl_json json;

	hl_text_init(&line);
	hl_json_init(&json, &line);
	hl_json_object(&json);
	hl_json_put_boolean(&json, "ok", true);
	hl_json_key(&json, "result");
	hl_json_raw(&json, result);
	hl_json_object_end(&json);
	answer_give(answer, &line);
	hl_text_fini(&line);
}

void hl_answer_error(struct hl_answer *answer, const char *why)
{
	struct hl_text line;

	hl_text_init(&line);
	write_error(&line, why);
	answer_give(answer, &line);
	hl_text_fini(&line);
}

/* /run/holdline is made at each start, since /run is empty after a reboot. A failure shows when
 * the socket is bound. */
static void make_directory(const char *path)
{
	const char *end = strrchr(path, '/');
	char *directory;

	if (!end || end == path)
		return;
	directory = hl_slice_copy((struct hl_slice){path, (size_t)(end - path)});
	if (directory)
		mkdir(directory, 0755);
	hl_free(directory);
}

struct hl_control *hl_control_open(struct hl_loop *loop, const char *path,
				   struct hl_modules *modules, struct hl_error *error)
{
	struct hl_control *control = hl_zalloc(sizeof *control);
	struct hl_error why = {""};

	if (!control) {
		hl_error_set(error, -ENOMEM, "control socket: out of memory");
		return NULL;
	}
	control->modules = modules;
	hl_list_init(&control->connections);
	make_directory(path);
	control->listener = hl_stream_listen_unix(loop, path, 0660, accepted, control, &why);
	if (control->listener)
		return control;
	hl_error_set(error, -EIO,
		     "control socket: %s; set switch.control to a path that can be used", why.text);
	hl_free(control);
	return NULL;
}

void hl_control_close(struct hl_control *control)
{
	struct hl_list *node, *next;

	if (!control)
		return;
	hl_stream_listener_free(control->listener);
	hl_list_each(node, next, &control->connections)
		connection_free(hl_list_entry(node, struct connection, node));
	hl_free(control);
}
