/* TLS: which file is to blame, and two transports that talk over it. The certificate is made on the
 * spot by openssl(1). */
#include "sip/tls.h"

#include "base/clock.h"
#include "base/text.h"
#include "loop/timer.h"
#include "sip/transport.h"

#include "tap.h"
#include "wire.h"

#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

enum { LARGE = 60000 };

#define HEADER "MESSAGE sip:a SIP/2.0\r\nl: 60000\r\n\r\n"

static char folder[] = "/tmp/holdline-unit-tls-XXXXXX";
static struct hl_loop *loop;

/* One end: what it was told. */
struct end {
	struct hl_transport *transport;
	struct hl_flow flow; /* of the last event */
	unsigned received, disconnected;
	size_t bytes;
};
static struct end client, server;

static void received(void *arg, const struct hl_flow *flow, struct hl_slice bytes)
{
	struct end *end = arg;

	end->received++;
	end->bytes += bytes.length;
	end->flow = *flow;
}

static void disconnected(void *arg, const struct hl_flow *flow)
{
	struct end *end = arg;

	end->disconnected++;
	end->flow = *flow;
}

static const struct hl_transport_events events = {.received = received,
						  .disconnected = disconnected};

static const char *path(const char *name)
{
	static char paths[4][64];
	static unsigned next;
	char *text = paths[next++ % 4];

	snprintf(text, sizeof(paths[0]), "%s/%s", folder, name);
	return text;
}

static bool make_certificate(const char *name, const char *days)
{
	char command[512];

	snprintf(command, sizeof(command),
		 "cd %s && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
		 "-keyout %s.key -out %s.pem -days %s -subj /CN=unit "
		 "-addext subjectAltName=IP:127.0.0.1,DNS:unit.example >/dev/null 2>&1",
		 folder, name, name, days);
	return system(command) == 0;
}

static struct hl_tls *make(const char *certificate, const char *key, const char *ca,
			   enum hl_tls_verify verify, enum hl_tls_file *blamed,
			   struct hl_error *error)
{
	struct hl_tls_settings settings = {{certificate, key, ca}, verify};

	return hl_tls_new(&settings, blamed, error);
}

static void check_files(void)
{
	const char *good = path("good.pem"), *key = path("good.key");
	const struct {
		const char *certificate, *key, *ca, *says;
		enum hl_tls_file blamed;
	} bad[] = {
		{"/nonexistent.pem", "", "", "No such file", HL_TLS_CERTIFICATE},
		{key, key, "", "holds no certificate", HL_TLS_CERTIFICATE},
		{good, "", "", "name its file in switch.tls.key", HL_TLS_CERTIFICATE},
		{good, good, "", "holds no private key", HL_TLS_KEY},
		{good, path("other.key"), "", "is not the key of", HL_TLS_KEY},
		{good, key, key, "holds no certificates of authorities", HL_TLS_CA},
	};
	enum hl_tls_file blamed = HL_TLS_CERTIFICATE;
	struct hl_error error = {""};
	struct hl_tls *tls = make("", "", "", HL_TLS_VERIFY_OFF, &blamed, &error);

	ok(tls && !hl_tls_dated(tls, &error), "no certificate at all will do for calling out");
	hl_tls_free(tls);
	for (size_t i = 0; i < HL_COUNT(bad); i++) {
		tls = make(bad[i].certificate, bad[i].key, bad[i].ca, HL_TLS_VERIFY_OFF, &blamed,
			   &error);
		ok(!tls && blamed == bad[i].blamed && strstr(error.text, bad[i].says),
		   "refused: %s", error.text);
		hl_tls_free(tls);
	}
	tls = make(path("other.pem"), path("other.key"), "", HL_TLS_VERIFY_OFF, &blamed, &error);
	ok(tls && hl_tls_dated(tls, &error) && strstr(error.text, "ends on"), "%s", error.text);
	hl_tls_free(tls);
}

static void open_end(struct end *end, const char *certificate, enum hl_tls_verify verify)
{
	enum hl_tls_file blamed;
	bool listens = *certificate;

	end->transport = hl_transport_new(loop, &events, end);
	hl_transport_secure(end->transport,
			    make(certificate, listens ? path("good.key") : "",
				 verify ? path("good.pem") : "", verify, &blamed, NULL));
	if (listens && hl_transport_listen(end->transport, "tls:127.0.0.1:0", NULL))
		exit(1);
}

static void take_address(void *arg, const char *text)
{
	hl_address_parse_port(hl_slice_of(strchr(text, ':') + 1), arg);
}

static void check_talk(const struct hl_address *there, const char *host)
{
	static char large[sizeof(HEADER) - 1 + LARGE];
	struct hl_slice message = {large, sizeof(large)};
	unsigned before = server.received;
	struct hl_flow flow;

	server.bytes = 0;
	memset(large, 'x', sizeof(large));
	memcpy(large, HEADER, sizeof(HEADER) - 1);
	is_int(hl_transport_flow_to_host(client.transport, HL_TRANSPORT_TLS, host, there, &flow), 0,
	       "a connection to %s", host ? host : "an address");
	is_int(hl_transport_post(client.transport, &flow, message), 0,
	       "is written to before it stands");
	ok(wait_for(loop, &server.received, before + 1) && server.bytes == sizeof(large),
	   "what was written arrives in one piece, of several records");
	before = client.received;
	is_int(hl_transport_post(server.transport, &server.flow, message), 0, "and back");
	ok(wait_for(loop, &client.received, before + 1), "by the same way");
	before = client.received;
	hl_transport_post(client.transport, &flow, HL_SLICE_LITERAL("\r\n\r\n"));
	ok(wait_for(loop, &client.received, before + 1), "a ping is answered");
	before = server.disconnected;
	hl_transport_close(client.transport, &flow, "done");
	ok(wait_for(loop, &server.disconnected, before + 1), "its end is told");
}

static void check_refused(const struct hl_address *there)
{
	unsigned before = client.disconnected, there_before = server.disconnected;
	struct hl_flow flow;

	hl_transport_flow_to_host(client.transport, HL_TRANSPORT_TLS, "another.example", there,
				  &flow);
	ok(wait_for(loop, &client.disconnected, before + 1), "a certificate for another name is refused");
	ok(wait_for(loop, &server.disconnected, there_before + 1), "which its owner hears of");
}

/* Somebody who connects and says nothing, or nothing of TLS. */
static void check_silence(const struct hl_address *there)
{
	struct sockaddr_storage name;
	socklen_t length = hl_address_to_sockaddr(there, &name);
	unsigned before = server.disconnected;

	for (int i = 0; i < 2; i++) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

		if (connect(fd, (struct sockaddr *)&name, length))
			exit(1);
		for (int turn = 0; turn < 20; turn++) {
			hl_loop_turn(loop);
			poll(NULL, 0, 1);
		}
		if (i) {
			if (send(fd, "OPTIONS sip:a SIP/2.0\r\n\r\n", 25, MSG_NOSIGNAL) != 25)
				exit(1);
		} else {
			is_int(server.disconnected, before, "a silent one is waited for");
			hl_clock_set_rate(100);
			poll(NULL, 0, 150);
		}
		ok(wait_for(loop, &server.disconnected, before + (unsigned)i + 1),
		   i ? "who does not speak TLS is refused" : "for ten seconds");
		hl_clock_set_rate(1);
		close(fd);
	}
}

int main(void)
{
	struct hl_address there = {.family = 0};

	if (!mkdtemp(folder) || !make_certificate("good", "30") ||
	    !make_certificate("other", "3")) {
		printf("1..0 # SKIP openssl(1) makes no certificate\n");
		return 0;
	}
	loop = hl_loop_new(NULL);
	check_files();
	open_end(&server, path("good.pem"), HL_TLS_VERIFY_OFF);
	open_end(&client, "", HL_TLS_VERIFY_REQUIRED);
	hl_transport_each_listener(server.transport, take_address, &there);
	check_talk(&there, NULL);
	check_talk(&there, "unit.example");
	check_refused(&there);
	check_silence(&there);
	hl_transport_free(client.transport);
	hl_transport_free(server.transport);
	hl_loop_free(loop);
	for (unsigned i = 0; i < 4; i++)
		unlink(path(i == 0   ? "good.pem"
			    : i == 1 ? "good.key"
			    : i == 2 ? "other.pem"
				     : "other.key"));
	rmdir(folder);
	return done_testing();
}
