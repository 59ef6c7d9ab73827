/* One context of OpenSSL for both roles: TLS 1.2 and up, forward secrecy, no renegotiation. */
#include "sip/tls.h"

#include "base/memory.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define CIPHERS                                                                                    \
	"ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20:ECDHE+AES256:ECDHE+AES128:!aNULL"

enum { DAYS_AHEAD = 14 }; /* that a certificate's end is told of before */

struct hl_tls {
	SSL_CTX *context; /* owned; each session keeps it too */
};

/* What OpenSSL complained of, in its words; the queue is empty afterwards. */
static const char *reason(void)
{
	unsigned long code = ERR_peek_error();
	const char *text = ERR_SYSTEM_ERROR(code) ? strerror(ERR_GET_REASON(code))
						  : ERR_reason_error_string(code);
	ERR_clear_error();
	return text ? text : "OpenSSL does not say why";
}

/* Whether a file can be read at all, which OpenSSL says less well; it would wait for a pipe. */
static int check_readable(const char *path, struct hl_error *error)
{
	struct stat status;
	bool pipe = !stat(path, &status) && S_ISFIFO(status.st_mode);
	FILE *file = pipe ? NULL : fopen(path, "re");
	char byte;
	int code = 0;
	if (pipe)
		return hl_error_set(error, -EINVAL, "%s: is a pipe, not a file", path);
	if (!file || (!fread(&byte, 1, 1, file) && ferror(file)))
		code = hl_error_set(error, -errno, "%s: %s", path, strerror(errno));
	if (file)
		fclose(file);
	return code;
}

/* Nobody is there to type a passphrase in. */
static int no_passphrase(char *text, int size, int writing, void *asked)
{
	(void)text, (void)size, (void)writing;
	*(bool *)asked = true;
	return -1;
}

static int load_certificate(SSL_CTX *context, const char *path, struct hl_error *error)
{
	int result = check_readable(path, error);
	if (result < 0)
		return result;
	if (SSL_CTX_use_certificate_chain_file(context, path) == 1)
		return 0;
	if (ERR_GET_REASON(ERR_peek_error()) == PEM_R_NO_START_LINE) {
		ERR_clear_error();
		return hl_error_set(error, -EINVAL, "%s: holds no certificate (PEM)", path);
	}
	return hl_error_set(error, -EINVAL, "%s: no usable certificate: %s", path, reason());
}

static int load_key(SSL_CTX *context, const char *path, const char *certificate,
		    struct hl_error *error)
{
	int result = check_readable(path, error), why;
	bool asked = false;
	if (result < 0)
		return result;
	SSL_CTX_set_default_passwd_cb(context, no_passphrase);
	SSL_CTX_set_default_passwd_cb_userdata(context, &asked);
	result = SSL_CTX_use_PrivateKey_file(context, path, SSL_FILETYPE_PEM);
	SSL_CTX_set_default_passwd_cb_userdata(context, NULL);
	why = ERR_GET_REASON(ERR_peek_error());
	if (result == 1)
		return 0;
	if (asked)
		result = hl_error_set(error, -EINVAL,
				      "%s: is encrypted; a key without passphrase is needed "
				      "(openssl pkey -in OLD -out NEW)",
				      path);
	else if (why == X509_R_KEY_VALUES_MISMATCH || why == X509_R_KEY_TYPE_MISMATCH)
		result = hl_error_set(error, -EINVAL, "%s: is not the key of the certificate in %s",
				      path, certificate);
	else if (why == PEM_R_NO_START_LINE || why == ERR_R_UNSUPPORTED)
		result = hl_error_set(error, -EINVAL, "%s: holds no private key (PEM)%s", path,
				      path == certificate ? "; name its file in switch.tls.key"
							  : "");
	else
		result = hl_error_set(error, -EINVAL, "%s: no usable key: %s", path, reason());
	ERR_clear_error();
	return result;
}

static int load_ca(SSL_CTX *context, const char *path, struct hl_error *error)
{
	STACK_OF(X509_NAME) * names;
	int result = check_readable(path, error);
	if (result < 0)
		return result;
	names = SSL_load_client_CA_file(path);
	if (!names || SSL_CTX_load_verify_file(context, path) != 1) {
		sk_X509_NAME_pop_free(names, X509_NAME_free);
		ERR_clear_error();
		return hl_error_set(error, -EINVAL,
				    "%s: holds no certificates of authorities (PEM)", path);
	}
	SSL_CTX_set_client_CA_list(context, names);
	return 0;
}

static int load_files(SSL_CTX *context, const struct hl_tls_settings *settings,
		      enum hl_tls_file *blamed, struct hl_error *error)
{
	const char *certificate = settings->files[HL_TLS_CERTIFICATE];
	const char *key = settings->files[HL_TLS_KEY], *ca = settings->files[HL_TLS_CA];
	int result = 0;
	if (*certificate) {
		*blamed = HL_TLS_CERTIFICATE;
		result = load_certificate(context, certificate, error);
		if (!result) {
			*blamed = *key ? HL_TLS_KEY : HL_TLS_CERTIFICATE;
			result = load_key(context, *key ? key : certificate, certificate, error);
		}
	}
	if (!result && *ca) {
		*blamed = HL_TLS_CA;
		result = load_ca(context, ca, error);
	}
	return result;
}

static SSL_CTX *context_new(enum hl_tls_verify verify)
{
	static const unsigned char name[] = "holdline";
	static const int modes[] = {
		[HL_TLS_VERIFY_OFF] = SSL_VERIFY_NONE,
		[HL_TLS_VERIFY_OPTIONAL] = SSL_VERIFY_PEER,
		[HL_TLS_VERIFY_REQUIRED] = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
	};
	SSL_CTX *context = SSL_CTX_new(TLS_method());
	if (!context)
		return NULL;
	/* SIP has its own ends of messages: a connection cut short loses nothing unnoticed. */
	SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
					     SSL_OP_CIPHER_SERVER_PREFERENCE |
					     SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
					  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_verify(context, modes[verify], NULL);
	if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
	    SSL_CTX_set_cipher_list(context, CIPHERS) == 1 &&
	    SSL_CTX_set_dh_auto(context, 1) == 1 &&
	    SSL_CTX_set_session_id_context(context, name, sizeof(name) - 1) == 1)
		return context;
	SSL_CTX_free(context);
	return NULL;
}

struct hl_tls *hl_tls_new(const struct hl_tls_settings *settings, enum hl_tls_file *blamed,
			  struct hl_error *error)
{
	struct hl_tls *tls = hl_zalloc(sizeof(*tls));
	*blamed = HL_TLS_CERTIFICATE;
	if (tls)
		tls->context = context_new(settings->verify);
	if (!tls || !tls->context) {
		hl_error_set(error, -ENOMEM, "TLS cannot be set up: %s", reason());
		hl_tls_free(tls);
		return NULL;
	}
	if (load_files(tls->context, settings, blamed, error) < 0) {
		hl_tls_free(tls);
		return NULL;
	}
	return tls;
}

void hl_tls_free(struct hl_tls *tls)
{
	if (!tls)
		return;
	SSL_CTX_free(tls->context);
	hl_free(tls);
}

bool hl_tls_dated(const struct hl_tls *tls, struct hl_error *error)
{
	const X509 *certificate = SSL_CTX_get0_certificate(tls->context);
	time_t soon = time(NULL) + DAYS_AHEAD * 24 * 3600;
	struct tm end;
	char day[16] = "";
	if (!certificate)
		return false;
	if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &end) == 1)
		strftime(day, sizeof(day), "%Y-%m-%d", &end);
	if (X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0)
		hl_error_set(error, 0, "the certificate is not valid yet");
	else if (X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0)
		hl_error_set(error, 0, "the certificate ended on %s", day);
	else if (X509_cmp_time(X509_get0_notAfter(certificate), &soon) < 0)
		hl_error_set(error, 0, "the certificate ends on %s", day);
	else
		return false;
	return true;
}

struct ssl_st *hl_tls_accepting(const struct hl_tls *tls)
{
	return SSL_new(tls->context);
}

struct ssl_st *hl_tls_connecting(const struct hl_tls *tls, const char *name,
				 const struct hl_address *remote)
{
	SSL *session = SSL_new(tls->context);
	char address[HL_ADDRESS_TEXT];
	int good = 0;
	if (!session)
		return NULL;
	if (name)
		good = SSL_set_tlsext_host_name(session, name) == 1 &&
		       SSL_set1_host(session, name) == 1;
	else
		good = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session),
						     hl_address_host(remote, address)) == 1;
	if (good)
		return session;
	ERR_clear_error();
	SSL_free(session);
	return NULL;
}

void hl_tls_session_free(struct ssl_st *session)
{
	SSL_free(session);
}

void hl_tls_end(struct ssl_st *session)
{
	if (SSL_is_init_finished(session))
		SSL_shutdown(session);
	ERR_clear_error();
}

void hl_tls_explain(struct ssl_st *session, unsigned long code, char *text, size_t size)
{
	long verified = SSL_get_verify_result(session);
	const char *why = code ? ERR_reason_error_string(code) : NULL;
	if (verified != X509_V_OK && SSL_get_verify_mode(session) != SSL_VERIFY_NONE)
		why = X509_verify_cert_error_string(verified);
	snprintf(text, size, "TLS: %s", why ? why : "it failed without a reason");
}
