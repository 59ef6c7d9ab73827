/* TLS for SIP (RFC 3261 §26.3.1, RFC 5922): certificates and keys from files, and the sessions that
 * the loop's streams carry. Connections keep what they began with; whoever begins later gets what
 * was read last. */
#ifndef HL_SIP_TLS_H
#define HL_SIP_TLS_H

#include "base/address.h"
#include "base/error.h"

struct hl_tls;
struct ssl_st; /* OpenSSL's session */

/* Whether a peer's certificate is looked at; in the order of switch.tls.verify's words. A server
 * always shows one, so that towards servers `optional` is as strict as `required`. */
enum hl_tls_verify { HL_TLS_VERIFY_OFF, HL_TLS_VERIFY_OPTIONAL, HL_TLS_VERIFY_REQUIRED };

/* Which file is to blame. */
enum hl_tls_file { HL_TLS_CERTIFICATE, HL_TLS_KEY, HL_TLS_CA };

struct hl_tls_settings {
	const char *files[3]; /* by enum hl_tls_file; "": none; no key: in the certificate's */
	enum hl_tls_verify verify;
};

/* Reads the files. NULL with `error` saying what is wrong with which file. */
HL_EXPORT struct hl_tls *hl_tls_new(const struct hl_tls_settings *settings,
				    enum hl_tls_file *blamed, struct hl_error *error);
HL_EXPORT void hl_tls_free(struct hl_tls *tls);
/* Whether the certificate is over, not yet valid, or about to be over: then `error` says so. */
HL_EXPORT bool hl_tls_dated(const struct hl_tls *tls, struct hl_error *error);

/* A session for an accepted connection; NULL: out of memory. */
struct ssl_st *hl_tls_accepting(const struct hl_tls *tls);
/* A session to a server at `remote`, whose certificate must be for `name` (NULL: its address). */
struct ssl_st *hl_tls_connecting(const struct hl_tls *tls, const char *name,
				 const struct hl_address *remote);
void hl_tls_session_free(struct ssl_st *session);
/* Tells the peer that nothing more comes. */
void hl_tls_end(struct ssl_st *session);
/* Why a session failed, in words; `code` as the loop got it. */
void hl_tls_explain(struct ssl_st *session, unsigned long code, char *text, size_t size);

#endif
