/* Registering phones, with and without digest (RFC 3261 section 10, RFC 7616). */
#include "enrol.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "md5.h"
#include "sip.h"

#define ENROL_WINDOW 500
#define ENROL_FILL_RATE 4000
#define ENROL_PATIENCE (2 * BENCH_SECOND)
#define ENROL_T1 (500 * BENCH_MILLISECOND)
#define ENROL_CNONCE "0a4f113b"

void bench_enrol_init(struct bench_enrol *enrol, struct bench_wire *wire, unsigned count)
{
	*enrol = (struct bench_enrol){.wire = wire, .users = count, .expires = 3600, .stride = 1};
	if (count < 1 || count > BENCH_PHONES_MAX)
		bench_die("%u phones: 1 to %d are possible", count, BENCH_PHONES_MAX);
	enrol->phones = calloc(count, sizeof(*enrol->phones));
	if (!enrol->phones)
		bench_die("out of memory");
}

void bench_enrol_fini(struct bench_enrol *enrol)
{
	free(enrol->phones);
	free(enrol->latency.us);
}

static void enrol_md5(char hex[BENCH_MD5_HEX], const struct sip_text *text)
{
	bench_md5(text->data, text->length, hex);
}

static void enrol_credentials(struct sip_text *text, const struct bench_enrol *enrol,
			      unsigned phone, struct sip_part challenge)
{
	char ha1[BENCH_MD5_HEX], ha2[BENCH_MD5_HEX], response[BENCH_MD5_HEX];
	struct sip_part realm, nonce, opaque;
	char user[16], uri[64];
	struct sip_text work = {.length = 0};

	if (!sip_parameter(challenge, "realm", &realm) ||
	    !sip_parameter(challenge, "nonce", &nonce))
		bench_die("a challenge without realm or nonce: %.*s", (int)challenge.length,
			  challenge.at);
	snprintf(user, sizeof(user), "u%u", phone % enrol->users);
	snprintf(uri, sizeof(uri), "sip:%s", sip_hostport(enrol->wire->server));
	sip_add(&work, "%s:%.*s:%s", user, (int)realm.length, realm.at, enrol->password);
	enrol_md5(ha1, &work);
	work.length = 0;
	sip_add(&work, "REGISTER:%s", uri);
	enrol_md5(ha2, &work);
	work.length = 0;
	sip_add(&work, "%s:%.*s:00000001:%s:auth:%s", ha1, (int)nonce.length, nonce.at,
		ENROL_CNONCE, ha2);
	enrol_md5(response, &work);
	sip_add(text,
		"Authorization: Digest username=\"%s\", realm=\"%.*s\", nonce=\"%.*s\", uri=\"%s\", "
		"response=\"%s\", algorithm=MD5, qop=auth, nc=00000001, cnonce=\"%s\"",
		user, (int)realm.length, realm.at, (int)nonce.length, nonce.at, uri, response,
		ENROL_CNONCE);
	if (sip_parameter(challenge, "opaque", &opaque))
		sip_add(text, ", opaque=\"%.*s\"", (int)opaque.length, opaque.at);
	sip_add(text, "\r\n");
}

/* The address a phone believes in: its own, or a private one behind a NAT. */
static const char *enrol_host(const struct bench_enrol *enrol, unsigned phone)
{
	struct sockaddr_in address = bench_wire_phone(enrol->wire, phone);

	if (enrol->natted) {
		address.sin_addr.s_addr = htonl(0x0A000000u + phone);
		address.sin_port = htons(5060);
	}
	return sip_hostport(address);
}

static void enrol_send(struct bench_enrol *enrol, unsigned phone, const struct sip_part *challenge)
{
	const char *server = sip_hostport(enrol->wire->server), *host = enrol_host(enrol, phone);
	unsigned user = phone % enrol->users;
	struct sip_text text = {.length = 0};

	sip_add(&text,
		"REGISTER sip:%s SIP/2.0\r\n"
		"Via: SIP/2.0/UDP %s;branch=%s;rport\r\n"
		"Max-Forwards: 70\r\n"
		"From: <sip:u%u@%s>;tag=f%u\r\n"
		"To: <sip:u%u@%s>\r\n"
		"Call-ID: r%u-%s\r\n"
		"CSeq: %u REGISTER\r\n"
		"Contact: <sip:u%u@%s>\r\n"
		"Expires: %u\r\n"
		"User-Agent: bench phone 1.0\r\n",
		server, host, sip_branch(), user, server, phone, user, server, phone, sip_run(),
		++enrol->phones[phone].cseq, user, host, enrol->expires);
	if (challenge)
		enrol_credentials(&text, enrol, phone, *challenge);
	sip_end(&text, "");
	bench_wire_send(enrol->wire, phone, NULL, text.data, text.length);
}

/* The challenge a phone that knows only MD5 takes. */
static bool enrol_challenge(const char *message, struct sip_part *challenge)
{
	struct sip_part algorithm;

	while (sip_header(&message, "WWW-Authenticate", challenge)) {
		if (!sip_parameter(*challenge, "algorithm", &algorithm) || sip_is(algorithm, "MD5"))
			return true;
	}
	return false;
}

static void enrol_receive(void *arg, const struct bench_datagram *datagram)
{
	struct bench_enrol *enrol = arg;
	struct enrol_phone *phone = &enrol->phones[datagram->phone];
	struct sip_part challenge;
	struct sip_kind kind;

	if (!sip_kind(datagram->data, &kind) || kind.status < 200 || !phone->sent ||
	    !sip_is(kind.method, "REGISTER") || kind.cseq != phone->cseq)
		return;
	if (kind.status == 401 && enrol->password && !phone->challenged &&
	    enrol_challenge(datagram->data, &challenge)) {
		phone->challenged = true;
		enrol_send(enrol, datagram->phone, &challenge);
		return;
	}
	if (kind.status == 200) {
		enrol->answered++;
		bench_latency_add(&enrol->latency, datagram->at - phone->sent);
	} else if (enrol->refused++ == 0) {
		fprintf(stderr, "bench: a REGISTER was answered %.*s\n",
			(int)strcspn(datagram->data, "\r\n"), datagram->data);
	}
	phone->sent = 0;
	enrol->waiting--;
}

static void enrol_forget(struct bench_enrol *enrol, unsigned phone)
{
	if (!enrol->phones[phone].sent)
		return;
	enrol->phones[phone].sent = 0;
	enrol->waiting--;
	enrol->lost++;
}

static void enrol_start(struct bench_enrol *enrol, unsigned phone)
{
	enrol_forget(enrol, phone);
	enrol->phones[phone].sent = bench_clock();
	enrol->phones[phone].challenged = false;
	enrol->waiting++;
	enrol->sent++;
	enrol_send(enrol, phone, NULL);
}

/* Whether the phone that is next can send: a phone has one REGISTER on its way, for its T1 at
 * least. */
static bool enrol_ready(const struct bench_enrol *enrol, unsigned phone, uint64_t now)
{
	return enrol->waiting < ENROL_WINDOW &&
	       (!enrol->phones[phone].sent || now >= enrol->phones[phone].sent + ENROL_T1);
}

void bench_enrol_run(struct bench_enrol *enrol, unsigned first, unsigned count, uint64_t operations,
		     double rate)
{
	uint64_t done = 0, now, due, last;
	struct bench_pace pace;
	unsigned i, next = first;

	bench_pace_start(&pace, rate);
	for (last = now = pace.start; now - last < ENROL_PATIENCE; now = bench_clock()) {
		due = bench_pace_due(&pace, now);
		for (; done < operations && done < due && enrol_ready(enrol, next, now); last = now) {
			enrol_start(enrol, next);
			next = first + (unsigned)(++done * enrol->stride % count);
		}
		if (done == operations && !enrol->waiting)
			break;
		due = done < operations && enrol_ready(enrol, next, now)
			      ? bench_pace_wait(&pace, done, now)
			      : 10 * BENCH_MILLISECOND;
		bench_wire_drain(enrol->wire, due, enrol_receive, enrol);
	}
	for (i = first; i < first + count; i++)
		enrol_forget(enrol, i);
}

void bench_enrol_all(struct bench_enrol *enrol, unsigned count)
{
	bench_enrol_run(enrol, 0, count, count, ENROL_FILL_RATE);
	if (enrol->answered != count)
		bench_die("only %llu of %u phones could register",
			  (unsigned long long)enrol->answered, count);
	free(enrol->latency.us);
	enrol->latency = (struct bench_latency){0};
	enrol->sent = enrol->answered = 0;
}
