/* The registrar: who may use the switch, and where they are (RFC 3261 §10, §22). */
#ifndef REGISTRAR_H
#define REGISTRAR_H

#include "holdline.h"
#include "suspension.h"

enum {
	REGISTRAR_USER = 255,	    /* bytes of a user part; longer ones exist nowhere */
	REGISTRAR_NONCES = 1 << 18, /* used nonces remembered: 19 MB */
	REGISTRAR_STRINGS = 2048    /* bytes of Contact, Path, Call-ID, … each that are kept */
};

struct registrar_settings {
	int64_t expire;	       /* s */
	int64_t nat_expire;    /* s */
	int64_t min_expire;    /* s */
	int64_t expire_jitter; /* % */
	bool auth;
	int64_t auth_max_retry;		   /* 0: never suspended */
	int64_t auth_suspend;		   /* s */
	int64_t nonce_expire;		   /* s */
	struct hl_strings auth_algorithms; /* names, the first offered first */
	struct hl_strings auth_md5_only;   /* globs of User-Agent */
	bool reply_unauthorized;
	int64_t max_contacts;
	bool replace;
};

struct registrar {
	struct hl_module *self;			   /* borrowed */
	struct hl_switch *holdline;		   /* borrowed */
	const struct registrar_settings *settings; /* the module's; exchanged on reload */
	enum hl_digest_algorithm offers[HL_DIGEST_ALGORITHMS]; /* of auth_algorithms */
	unsigned offer_count;
	struct hl_nonces *nonces; /* owned */
	struct suspensions suspensions;
	struct hl_text value;	   /* header values are put together here */
	char plain[HL_USER_PLAIN]; /* a From user without its escapes, for the turn */
	struct hl_log_limit rejected;
};

/* The slice as a string in `buffer`, cut to its size. */
static inline const char *registrar_text(char *buffer, size_t size, struct hl_slice s)
{
	size_t length = s.length < size ? s.length : size - 1;

	if (length)
		memcpy(buffer, s.data, length);
	buffer[length] = '\0';
	return buffer;
}

/* Who sent this request, which says it is from `claimed`: sets `user` (borrowed from the message or
 * the table) and returns HL_NEXT, or answers the request and returns HL_DONE. */
int registrar_identify(struct registrar *registrar, struct hl_transaction *transaction,
		       struct hl_message *message, struct hl_slice claimed, struct hl_slice *user);
/* Whether there is such a user: configured, or known to the policy. */
bool registrar_knows(struct registrar *registrar, struct hl_slice user);
/* Serves a REGISTER. HL_DONE. */
int registrar_register(struct registrar *registrar, struct hl_transaction *transaction,
		       struct hl_message *message);
/* Answers with `code` (phrase NULL: the usual one) and logs why in words. HL_DONE. */
int registrar_reject(struct registrar *registrar, struct hl_transaction *transaction,
		     struct hl_slice user, int code, const char *phrase, const char *reason);
/* The same with one more header. */
int registrar_reject_with(struct registrar *registrar, struct hl_transaction *transaction,
			  struct hl_slice user, int code, const char *header, const char *value,
			  const char *reason);
/* Who is not known gets this, or with `reply_unauthorized: off` nothing at all. HL_DONE. */
int registrar_reject_stranger(struct registrar *registrar, struct hl_transaction *transaction,
			      struct hl_slice user, int code, const char *reason);
/* Answers nothing, and logs why in words. HL_DONE. */
int registrar_ignore(struct registrar *registrar, struct hl_transaction *transaction,
		     struct hl_slice user, const char *reason);

#endif
