/* DNS through c-ares: its sockets are watched by the loop, its time-outs are real time. c-ares may
 * call back from within the question, so every answer is handed on in a turn of its own. */
#include "loop/resolver.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "loop/timer.h"

#include <ares.h>
#include <arpa/nameser.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>

enum {
	TIMEOUT_MS = 2000, /* of the first question to a server; c-ares lengthens it */
	TRIES = 2,
	ADDRESSES_MAX = 16,
	SERVICES_MAX = 16,
	SOCKETS_MAX = 16,
	IDLE_MS = 1000, /* between looks at the time-outs, while lookups are under way */
};

struct socket_watch {
	int fd; /* −1: free */
	struct hl_watch *watch;
	struct hl_resolver *resolver;
};

struct hl_resolver {
	struct hl_loop *loop; /* borrowed */
	ares_channel channel;
	struct socket_watch sockets[SOCKETS_MAX];
	struct hl_timer timer;	/* c-ares looks at its time-outs */
	struct hl_timer handed; /* what is in `answered` is handed on */
	struct hl_list asked;	/* struct hl_lookup, waiting for c-ares */
	struct hl_list answered;
};

struct hl_lookup {
	struct hl_list node;
	struct hl_resolver *resolver; /* NULL: it is gone, or the lookup was cancelled */
	hl_resolver_addresses *addresses_done;
	hl_resolver_services *services_done;
	void *arg; /* the asker's */
	enum hl_resolver_status status;
	const char *text; /* static */
	uint32_t seconds;
	size_t count;
	union {
		struct hl_address addresses[ADDRESSES_MAX];
		struct hl_srv services[SERVICES_MAX];
	};
};

static void look_at_time(struct hl_resolver *resolver)
{
	struct timeval most = {IDLE_MS / 1000, IDLE_MS % 1000 * 1000}, left, *next;

	if (hl_list_empty(&resolver->asked)) {
		hl_timer_stop(resolver->loop, &resolver->timer);
		return;
	}
	next = ares_timeout(resolver->channel, &most, &left);
	hl_timer_start(resolver->loop, &resolver->timer,
		       ((uint64_t)next->tv_sec * 1000 + (uint64_t)next->tv_usec / 1000 + 1) *
			       hl_clock_rate());
}

static void time_passed(void *arg)
{
	struct hl_resolver *resolver = arg;

	ares_process_fd(resolver->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	look_at_time(resolver);
}

static void socket_ready(void *arg, unsigned events)
{
	struct socket_watch *socket = arg;
	struct hl_resolver *resolver = socket->resolver;
	int fd = socket->fd;

	ares_process_fd(resolver->channel, events & HL_READABLE ? fd : ARES_SOCKET_BAD,
			events & HL_WRITABLE ? fd : ARES_SOCKET_BAD);
	look_at_time(resolver);
}

/* c-ares says which of its sockets it wants to read or write. */
static void socket_changed(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct hl_resolver *resolver = arg;
	struct socket_watch *free_one = NULL, *socket = NULL;
	unsigned events = (readable ? HL_READABLE : 0u) | (writable ? HL_WRITABLE : 0u);

	for (size_t i = 0; i < SOCKETS_MAX; i++) {
		if (resolver->sockets[i].fd == fd)
			socket = &resolver->sockets[i];
		else if (resolver->sockets[i].fd < 0)
			free_one = &resolver->sockets[i];
	}
	if (socket && events) {
		hl_watch_set(socket->watch, events);
	} else if (socket) {
		hl_watch_free(socket->watch);
		socket->fd = -1;
	} else if (events && free_one) {
		free_one->watch = hl_watch_new(resolver->loop, "resolver", fd, events, socket_ready,
					       free_one);
		free_one->fd = free_one->watch ? fd : -1;
	}
	/* Without a watch the question runs into its time-out. */
}

static void hand_on(void *arg)
{
	struct hl_resolver *resolver = arg;

	while (!hl_list_empty(&resolver->answered)) {
		struct hl_lookup *lookup =
			hl_list_entry(resolver->answered.next, struct hl_lookup, node);

		hl_list_remove(&lookup->node);
		if (lookup->resolver && lookup->addresses_done)
			lookup->addresses_done(lookup->arg, lookup->status, lookup->addresses,
					       lookup->count, lookup->seconds, lookup->text);
		else if (lookup->resolver)
			lookup->services_done(lookup->arg, lookup->status, lookup->services,
					      lookup->count, lookup->seconds, lookup->text);
		hl_free(lookup);
	}
}

/* c-ares is done with the lookup. What was cancelled, or whose resolver is going, ends here. */
static void settle(struct hl_lookup *lookup, int status)
{
	struct hl_resolver *resolver = lookup->resolver;

	hl_list_remove(&lookup->node);
	if (!resolver) {
		hl_free(lookup);
		return;
	}
	lookup->status =
		status == ARES_SUCCESS && lookup->count ? HL_RESOLVER_OK
		: status == ARES_SUCCESS || status == ARES_ENOTFOUND || status == ARES_ENODATA
			? HL_RESOLVER_NONE
			: HL_RESOLVER_FAILED;
	lookup->text = lookup->status == HL_RESOLVER_OK	    ? ""
		       : lookup->status == HL_RESOLVER_NONE ? "there is no such name in DNS"
							    : ares_strerror(status);
	hl_list_append(&resolver->answered, &lookup->node);
	hl_timer_start(resolver->loop, &resolver->handed, 0);
}

static void good_for(struct hl_lookup *lookup, uint32_t seconds)
{
	if (!lookup->count || seconds < lookup->seconds)
		lookup->seconds = seconds;
}

static void found_addresses(void *arg, int status, int timeouts, struct ares_addrinfo *info)
{
	struct hl_lookup *lookup = arg;

	(void)timeouts;
	for (struct ares_addrinfo_node *node = info ? info->nodes : NULL; node;
	     node = node->ai_next) {
		if (lookup->count == ADDRESSES_MAX)
			break;
		good_for(lookup, node->ai_ttl < 0 ? 0 : (uint32_t)node->ai_ttl);
		hl_address_from_sockaddr(&lookup->addresses[lookup->count++], node->ai_addr);
	}
	if (info)
		ares_freeaddrinfo(info);
	settle(lookup, status);
}

/* One record of an answer, if it is an SRV record (RFC 2782). */
static void take_service(struct hl_lookup *lookup, ns_msg *message, const ns_rr *record)
{
	const unsigned char *data = ns_rr_rdata(*record);
	struct hl_srv *service = &lookup->services[lookup->count];

	if (ns_rr_type(*record) != ns_t_srv || ns_rr_rdlen(*record) < 7 ||
	    lookup->count == SERVICES_MAX)
		return;
	service->priority = (uint16_t)(data[0] << 8 | data[1]);
	service->weight = (uint16_t)(data[2] << 8 | data[3]);
	service->port = (uint16_t)(data[4] << 8 | data[5]);
	if (ns_name_uncompress(ns_msg_base(*message), ns_msg_end(*message), data + 6,
			       service->target, sizeof(service->target)) < 0)
		return;
	/* The root as target: the service is decidedly not there. */
	if (!*service->target || !strcmp(service->target, "."))
		return;
	good_for(lookup, ns_rr_ttl(*record));
	lookup->count++;
}

static void found_services(void *arg, int status, int timeouts, unsigned char *bytes, int length)
{
	struct hl_lookup *lookup = arg;
	ns_msg message;
	ns_rr record;

	(void)timeouts;
	if (status == ARES_SUCCESS && ns_initparse(bytes, length, &message) < 0)
		status = ARES_EBADRESP;
	for (int i = 0; status == ARES_SUCCESS && i < ns_msg_count(message, ns_s_an); i++)
		if (ns_parserr(&message, ns_s_an, i, &record) == 0)
			take_service(lookup, &message, &record);
	settle(lookup, status);
}

static int open_channel(struct hl_resolver *resolver, ares_channel *channel)
{
	struct ares_options options = {.timeout = TIMEOUT_MS,
				       .tries = TRIES,
				       .sock_state_cb = socket_changed,
				       .sock_state_cb_data = resolver};

	return ares_init_options(channel, &options,
				 ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB);
}

struct hl_resolver *hl_resolver_new(struct hl_loop *loop, struct hl_error *error)
{
	struct hl_resolver *resolver = hl_zalloc(sizeof(*resolver));
	int status;

	if (!resolver) {
		hl_error_set(error, -ENOMEM, "no memory for the resolver");
		return NULL;
	}
	resolver->loop = loop;
	hl_list_init(&resolver->asked);
	hl_list_init(&resolver->answered);
	hl_timer_init(&resolver->timer, time_passed, resolver);
	hl_timer_init(&resolver->handed, hand_on, resolver);
	for (size_t i = 0; i < SOCKETS_MAX; i++)
		resolver->sockets[i] = (struct socket_watch){-1, NULL, resolver};
	status = ares_library_init(ARES_LIB_INIT_ALL);
	if (status == ARES_SUCCESS)
		status = open_channel(resolver, &resolver->channel);
	if (status == ARES_SUCCESS)
		return resolver;
	hl_error_set(error, -EINVAL, "cannot make a DNS resolver: %s (see /etc/resolv.conf)",
		     ares_strerror(status));
	hl_free(resolver);
	return NULL;
}

/* Nobody hears of the lookups that are under way. */
static void forget_all(struct hl_resolver *resolver)
{
	struct hl_list *node, *next;

	hl_list_each(node, next, &resolver->asked) hl_list_entry(node, struct hl_lookup, node)
		->resolver = NULL;
	ares_cancel(resolver->channel);
	hl_list_each(node, next, &resolver->answered)
	{
		hl_list_remove(node);
		hl_free(hl_list_entry(node, struct hl_lookup, node));
	}
}

void hl_resolver_free(struct hl_resolver *resolver)
{
	if (!resolver)
		return;
	forget_all(resolver);
	ares_destroy(resolver->channel);
	hl_timer_stop(resolver->loop, &resolver->timer);
	hl_timer_stop(resolver->loop, &resolver->handed);
	ares_library_cleanup();
	hl_free(resolver);
}

int hl_resolver_use(struct hl_resolver *resolver, char *const *servers, size_t count)
{
	struct hl_text list;
	ares_channel fresh;
	int status = open_channel(resolver, &fresh);

	if (status != ARES_SUCCESS)
		return -ENOMEM;
	hl_text_init(&list);
	for (size_t i = 0; i < count; i++)
		hl_text_printf(&list, "%s%s", i ? "," : "", servers[i]);
	if (list.failed)
		status = ARES_ENOMEM;
	else if (count)
		status = ares_set_servers_ports_csv(fresh, hl_text_string(&list));
	hl_text_fini(&list);
	if (status != ARES_SUCCESS) {
		ares_destroy(fresh);
		return status == ARES_ENOMEM ? -ENOMEM : -EINVAL;
	}
	forget_all(resolver);
	ares_destroy(resolver->channel);
	resolver->channel = fresh;
	return 0;
}

static struct hl_lookup *new_lookup(struct hl_resolver *resolver, void *arg)
{
	struct hl_lookup *lookup = hl_zalloc(sizeof(*lookup));

	if (!lookup)
		return NULL;
	lookup->resolver = resolver;
	lookup->arg = arg;
	hl_list_append(&resolver->asked, &lookup->node);
	return lookup;
}

struct hl_lookup *hl_resolver_find(struct hl_resolver *resolver, const char *name, bool ipv4,
				   bool ipv6, hl_resolver_addresses *done, void *arg)
{
	struct hl_lookup *lookup = new_lookup(resolver, arg);
	struct ares_addrinfo_hints hints = {.ai_family = ipv4 && ipv6 ? AF_UNSPEC
							 : ipv6	      ? AF_INET6
								      : AF_INET,
					    .ai_socktype = SOCK_DGRAM,
					    .ai_flags = ARES_AI_NOSORT};

	if (!lookup)
		return NULL;
	lookup->addresses_done = done;
	ares_getaddrinfo(resolver->channel, name, NULL, &hints, found_addresses, lookup);
	look_at_time(resolver);
	return lookup;
}

struct hl_lookup *hl_resolver_find_services(struct hl_resolver *resolver, const char *name,
					    hl_resolver_services *done, void *arg)
{
	struct hl_lookup *lookup = new_lookup(resolver, arg);

	if (!lookup)
		return NULL;
	lookup->services_done = done;
	ares_query(resolver->channel, name, ns_c_in, ns_t_srv, found_services, lookup);
	look_at_time(resolver);
	return lookup;
}

void hl_lookup_cancel(struct hl_lookup *lookup)
{
	if (lookup)
		lookup->resolver = NULL;
}
