/* The registrar: who may use the switch, and where they are (RFC 3261 §10, §22). */
#ifndef REGISTRAR_H
#define REGISTRAR_H

#include "holdline.h"
#include "suspension.h"

enum {
	REGISTRAR_USER = 255,	 /* bytes of a user part; longer ones exist nowhere */
	REGISTRAR_CONTACTS = 32, /* Contact values one REGISTER may carry */
	REGISTRAR_STRINGS = 2048 /* bytes of Contact, Path, Call-ID, … each that are kept */
};

struct registrar_settings {
	int64_t expire;	    /* s */
	int64_t nat_expire; /* s */
	int64_t min_expire; /* s */
	bool auth;
	int64_t auth_max_retry;		 /* 0: never suspended */
	int64_t auth_suspend;		 /* s */
	int64_t nonce_expire;		 /* s */
	struct hl_strings auth_md5_only; /* globs of User-Agent */
	int64_t max_contacts;
	bool replace;
};

struct registrar {
	struct hl_module *self;			   /* borrowed */
	struct hl_switch *holdline;		   /* borrowed */
	const struct registrar_settings *settings; /* the module's; exchanged on reload */
	struct hl_nonces *nonces;		   /* owned */
	struct suspensions suspensions;
	struct hl_text value; /* header values are put together here */
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

/* Who sent this request: sets `user` (borrowed from the message or the table) and returns HL_NEXT,
 * or answers the request and returns HL_DONE. */
int registrar_identify(struct registrar *registrar, struct hl_transaction *transaction,
		       struct hl_message *message, struct hl_slice *user);
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

#endif
