/* Any bytes through the parser, and everything a message is asked afterwards. For libFuzzer:
 *	clang -fsanitize=fuzzer,address … t/fuzz/message.c core/sip/message*.c …
 * and for t/unit/message_fuzz.c, which feeds it mutations of good messages. */
#include "message.h"

#include "sip/frame.h"
#include "sip/message.h"
#include "sip/sdp.h"

#include <stdio.h>
#include <stdlib.h>

/* Reads every byte, so that a sanitizer sees a slice that points nowhere. */
static unsigned touch(struct hl_slice slice)
{
	unsigned sum = 0;

	for (size_t i = 0; i < slice.length; i++)
		sum += (unsigned char)slice.data[i];
	return sum;
}

static unsigned touch_text(const char *text)
{
	return touch(hl_slice_of(text));
}

static void fail(const char *what, const char *text)
{
	fprintf(stderr, "%s\n%s\n", what, text);
	abort();
}

static void touch_sdp(struct hl_slice body)
{
	struct hl_sdp_edit edit = {.origin = "- 1 1 IN IP4 192.0.2.1"};
	struct hl_error error;
	struct hl_text out;
	struct hl_sdp sdp;
	char codec[32];

	if (hl_sdp_parse(body, &sdp, NULL))
		return;
	for (unsigned i = 0; i < sdp.media_count; i++) {
		touch(sdp.media[i].formats);
		hl_sdp_codec(&sdp, i, codec);
		edit.media[i].relayed = true;
		edit.media[i].rtp = (struct hl_address){.family = AF_INET6, .port = 4000};
		edit.media[i].rtcp_port = 4002;
	}
	hl_text_init(&out);
	if (hl_sdp_rewrite(&sdp, &edit, &out))
		abort();
	/* What we write must be what we read. */
	if (hl_sdp_parse(hl_slice_of(hl_text_string(&out)), &sdp, &error))
		fail(error.text, hl_text_string(&out));
	hl_text_fini(&out);
}

static void touch_all(const struct hl_message *message)
{
	static const char *const names[] = {"Via", "Contact", "Supported", "x", "Route", "X-Odd"};
	struct hl_contact_field contact;
	struct hl_uri uri;
	struct hl_via via;
	const char *value;
	uint64_t number;

	for (unsigned i = 0; hl_message_via(message, i, &via); i++)
		touch(via.host), touch(via.branch), touch(via.received), touch(via.transport);
	for (unsigned i = 0; !hl_message_contact(message, i, &contact); i++)
		touch(contact.uri), touch(contact.instance);
	for (size_t n = 0; n < HL_COUNT(names); n++) {
		for (unsigned i = 0; (value = hl_message_header(message, names[n], i)); i++)
			touch_text(value);
		hl_message_header_number(message, names[n], &number);
		hl_message_lists(message, names[n], "timer");
	}
	touch_text(hl_message_call_id(message));
	touch_text(hl_message_from_tag(message));
	touch_text(hl_message_to_tag(message));
	touch_text(hl_message_from_display(message));
	touch_text(hl_message_method_text(message));
	touch_text(hl_message_content_type(message));
	if (!hl_message_from_uri(message, &uri))
		touch(uri.user), touch(uri.host), touch(uri.parameters);
	if (!hl_message_to_uri(message, &uri))
		touch(uri.user);
	if (!hl_message_request_uri_parts(message, &uri))
		touch(uri.headers);
	touch_sdp(hl_message_body(message));
}

static bool same_via(const struct hl_message *a, const struct hl_message *b)
{
	struct hl_via mine, theirs;

	return hl_message_via(a, 0, &mine) && hl_message_via(b, 0, &theirs) &&
	       mine.port == theirs.port && mine.rport == theirs.rport &&
	       mine.rport_value == theirs.rport_value && hl_slice_equal(mine.host, theirs.host) &&
	       hl_slice_equal(mine.branch, theirs.branch) &&
	       hl_slice_equal(mine.received, theirs.received);
}

/* What we write of it must be read again, and say the same. */
static void write_again(const struct hl_message *message)
{
	struct hl_message *again;
	struct hl_error error;
	struct hl_text text;

	hl_text_init(&text);
	if (hl_message_write(message, &text))
		abort();
	if (text.length <= HL_MESSAGE_MAX) {
		if (hl_message_parse((struct hl_slice){text.data, text.length}, &again, &error))
			fail(error.text, text.data);
		if (strcmp(hl_message_call_id(again), hl_message_call_id(message)) ||
		    hl_message_cseq(again) != hl_message_cseq(message) || !same_via(again, message))
			fail("read otherwise than written", text.data);
		hl_message_free(again);
	}
	hl_text_fini(&text);
}

/* The same bytes as a stream: each cut must be inside of what there is. */
static void cut_stream(struct hl_slice bytes)
{
	struct hl_slice frame;

	while (bytes.length) {
		enum hl_frame_kind kind = hl_frame_next(bytes, &frame);

		if (kind == HL_FRAME_INCOMPLETE || kind == HL_FRAME_BROKEN ||
		    kind == HL_FRAME_LARGE)
			return;
		if (!frame.length || frame.length > bytes.length || frame.data != bytes.data)
			abort();
		bytes.data += frame.length;
		bytes.length -= frame.length;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hl_address source = {.family = AF_INET, .port = 5060, .bytes = {192, 0, 2, 1}};
	struct hl_slice bytes = {(const char *)data, size};
	struct hl_message *message, *response;
	struct hl_text text;

	hl_text_init(&text);
	hl_message_salvage(bytes, 400, "Bad Request", &source, &text);
	touch_text(hl_text_string(&text));
	hl_text_fini(&text);
	cut_stream(bytes);
	if (hl_message_parse(bytes, &message, NULL))
		return 0;
	touch_all(message);
	if (hl_message_via_received(message, &source))
		abort();
	touch_all(message);
	write_again(message);
	response = hl_message_response(message, 200, NULL, "tag");
	if (!response)
		abort();
	touch_all(response);
	write_again(response);
	hl_message_free(response);
	hl_message_free(message);
	return 0;
}
