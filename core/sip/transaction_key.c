/* Keys of transactions: branch, sent-by and method (RFC 3261 §17.2.3), put together in a fixed
 * room; for RFC 2543 requests, a hash of what else tells them apart. */
#include "sip/transaction_key.h"

#include "base/hash.h"

#include <stdio.h>

#define MAGIC_COOKIE HL_SLICE_LITERAL("z9hG4bK")

/* A part longer than this goes into the key cut, with the hash of the whole behind it. */
enum { PART_MAX = 80 };

static size_t put(struct hl_transaction_key *key, size_t used, struct hl_slice part, bool fold)
{
	size_t kept = part.length < PART_MAX ? part.length : PART_MAX;
	char *at = key->text + used;
	if (kept)
		memcpy(at, part.data, kept);
	for (size_t i = 0; fold && i < kept; i++)
		at[i] = (char)(at[i] | (at[i] >= 'A' && at[i] <= 'Z' ? 0x20 : 0));
	used += kept;
	if (kept < part.length)
		used += (size_t)snprintf(key->text + used, HL_TRANSACTION_KEY - used, "#%016llx",
					 (unsigned long long)hl_hash_bytes(part.data, part.length));
	key->text[used++] = '|';
	return used;
}

/* Any form will do that tells ports apart; it begins unlike the key of a client. */
static size_t put_port(struct hl_transaction_key *key, size_t used, unsigned port)
{
	do
		key->text[used++] = (char)('0' + port % 10);
	while (port /= 10);
	key->text[used++] = '|';
	return used;
}

static void finish(struct hl_transaction_key *key, size_t used)
{
	key->text[used] = '\0';
	key->hash = hl_hash_bytes(key->text, used);
}

/* RFC 2543 has no unique branch: everything that tells one request from another is hashed. */
static size_t put_old(struct hl_transaction_key *key, size_t used, const struct hl_message *request,
		      const struct hl_via *via)
{
	const char *uri = hl_message_request_uri(request);
	uint64_t hash = hl_hash_bytes(uri, strlen(uri));
	const char *call_id = hl_message_call_id(request);
	hash = hl_hash_mix(hash, hl_hash_bytes(call_id, strlen(call_id)));
	hash = hl_hash_mix(hash, hl_hash_bytes(via->branch.data, via->branch.length));
	used += (size_t)snprintf(key->text + used, HL_TRANSACTION_KEY - used, "%016llx|%u|",
				 (unsigned long long)hash, hl_message_cseq(request));
	return put(key, used, hl_slice_of(hl_message_from_tag(request)), false);
}

void hl_transaction_key_server(struct hl_transaction_key *key, const struct hl_message *request,
			       enum hl_method method)
{
	struct hl_via via = {0};
	const char *name = method == HL_METHOD_OTHER ? hl_message_method_text(request)
						     : hl_method_text(method);
	size_t used = 0;

	hl_message_via(request, 0, &via);
	used = put_port(key, used, via.port);
	used = put(key, used, via.host, true);
	used = put(key, used, hl_slice_of(name), false);
	if (hl_slice_starts(via.branch, MAGIC_COOKIE) && via.branch.length > MAGIC_COOKIE.length)
		used = put(key, used, via.branch, true);
	else
		used = put_old(key, used, request, &via);
	finish(key, used);
}

void hl_transaction_key_client(struct hl_transaction_key *key, struct hl_slice branch,
			       const char *method)
{
	size_t used = put(key, 0, HL_SLICE_LITERAL("c"), false);
	used = put(key, used, hl_slice_of(method), false);
	finish(key, put(key, used, branch, true));
}
