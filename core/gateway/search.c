/* Searches: SRV, then A and AAAA of each target at once; what all of them said is one answer. */
#include "gateway/search.h"

#include "base/memory.h"
#include "base/random.h"
#include "gateway/private.h"

#include <stdio.h>

enum {
	SIP_PORT = 5060,
	SIPS_PORT = 5061,
	SECONDS_MOST = 86400,
};

/* The address lookup of one SRV target, or of the name itself. */
struct question {
	struct hl_search *search;
	struct hl_lookup *lookup; /* NULL: answered */
	struct hl_srv service;
};

struct hl_search {
	struct hl_list node; /* in trunks->searches */
	struct hl_trunks *trunks;
	enum hl_transport_type type;
	char host[HL_NAME_SIZE];
	hl_search_done *done;
	void *arg;
	struct hl_lookup *services; /* the SRV lookup; NULL: none under way */
	struct question questions[HL_SERVERS_MAX];
	size_t asked, answered; /* of questions */
	struct hl_server found[HL_SERVERS_MAX];
	size_t found_count;
	uint32_t seconds; /* how long what was found is good */
	bool failed;	  /* a server refused to answer */
};

void hl_search_cancel(struct hl_search *search)
{
	if (!search)
		return;
	hl_lookup_cancel(search->services);
	for (size_t i = 0; i < search->asked; i++)
		hl_lookup_cancel(search->questions[i].lookup);
	hl_list_remove(&search->node);
	hl_free(search);
}

static void finish(struct hl_search *search, const char *text)
{
	struct hl_search_result result = {search->found, search->found_count, search->seconds,
					  search->failed, text};

	search->done(search->arg, &result);
	hl_search_cancel(search);
}

void hl_searches_fail(struct hl_trunks *trunks)
{
	while (!hl_list_empty(&trunks->searches)) {
		struct hl_search *search =
			hl_list_entry(trunks->searches.next, struct hl_search, node);

		search->failed = true;
		finish(search, "the name servers were changed");
	}
}

static void good_for(struct hl_search *search, uint32_t seconds)
{
	if (seconds < search->seconds)
		search->seconds = seconds;
}

static void found_addresses(void *arg, enum hl_resolver_status status,
			    const struct hl_address *list, size_t count, uint32_t seconds,
			    const char *text)
{
	struct question *question = arg;
	struct hl_search *search = question->search;

	question->lookup = NULL;
	search->answered++;
	search->failed |= status == HL_RESOLVER_FAILED;
	if (status == HL_RESOLVER_OK)
		good_for(search, seconds);
	for (size_t i = 0; i < count && search->found_count < HL_SERVERS_MAX; i++) {
		struct hl_server *server = &search->found[search->found_count++];

		*server = (struct hl_server){list[i], question->service.priority,
					     question->service.weight};
		server->address.port = question->service.port;
	}
	if (search->answered == search->asked)
		finish(search, text);
}

/* Which families our listeners speak. */
static void note_family(void *arg, const char *text)
{
	bool *families = arg;

	families[strchr(text, '[') != NULL] = true;
}

/* False when nothing could be asked. */
static bool ask(struct hl_search *search, const struct hl_srv *services, size_t count)
{
	bool families[2] = {false, false};

	hl_transport_each_listener(search->trunks->parts.transport, note_family, families);
	search->asked = count < HL_SERVERS_MAX ? count : HL_SERVERS_MAX;
	search->answered = 0;
	for (size_t i = 0; i < search->asked; i++) {
		struct question *question = &search->questions[i];

		*question = (struct question){.search = search, .service = services[i]};
		question->lookup = hl_resolver_find(
			search->trunks->resolver, question->service.target,
			families[0] || !families[1], families[1], found_addresses, question);
		if (!question->lookup)
			search->answered++;
	}
	return search->answered < search->asked;
}

static bool ask_host(struct hl_search *search, uint16_t port)
{
	struct hl_srv own = {.port = port};

	snprintf(own.target, sizeof(own.target), "%s", search->host);
	return ask(search, &own, 1);
}

static void found_services(void *arg, enum hl_resolver_status status, const struct hl_srv *list,
			   size_t count, uint32_t seconds, const char *text)
{
	struct hl_search *search = arg;
	bool asked = true;

	search->services = NULL;
	if (status == HL_RESOLVER_NONE) {
		asked = ask_host(search, search->type == HL_TRANSPORT_TLS ? SIPS_PORT : SIP_PORT);
	} else if (status == HL_RESOLVER_FAILED) {
		search->failed = true;
		finish(search, text);
	} else {
		good_for(search, seconds);
		asked = ask(search, list, count);
	}
	if (asked)
		return;
	search->failed = true;
	finish(search, "out of memory");
}

static bool ask_services(struct hl_search *search)
{
	static const char *const services[] = {[HL_TRANSPORT_UDP] = "_sip._udp",
					       [HL_TRANSPORT_TCP] = "_sip._tcp",
					       [HL_TRANSPORT_TLS] = "_sips._tcp"};
	char name[HL_NAME_SIZE + 16];

	snprintf(name, sizeof(name), "%s.%s", services[search->type], search->host);
	search->services =
		hl_resolver_find_services(search->trunks->resolver, name, found_services, search);
	return search->services != NULL;
}

struct hl_search *hl_search_start(struct hl_trunks *trunks, enum hl_transport_type type,
				  const char *host, uint16_t port, hl_search_done *done, void *arg)
{
	struct hl_search *search = hl_zalloc(sizeof(*search));

	if (!search)
		return NULL;
	search->trunks = trunks;
	search->type = type;
	search->done = done;
	search->arg = arg;
	search->seconds = SECONDS_MOST;
	snprintf(search->host, sizeof(search->host), "%s", host);
	hl_list_append(&trunks->searches, &search->node);
	if (port ? ask_host(search, port) : ask_services(search))
		return search;
	hl_search_cancel(search);
	return NULL;
}

/* Moves one of servers[from..count) to `from`: of the lowest priority, drawn by weight. */
static void draw(struct hl_server *servers, size_t from, size_t count)
{
	uint16_t priority = UINT16_MAX;
	uint64_t total = 0, ticket;
	size_t chosen = from;

	for (size_t i = from; i < count; i++)
		if (servers[i].priority < priority)
			priority = servers[i].priority;
	for (size_t i = from; i < count; i++)
		if (servers[i].priority == priority)
			total += servers[i].weight + 1u;
	ticket = hl_random_below(total ? total : 1);
	for (size_t i = from; i < count; i++) {
		if (servers[i].priority != priority)
			continue;
		chosen = i;
		if (ticket < servers[i].weight + 1u)
			break;
		ticket -= servers[i].weight + 1u;
	}
	struct hl_server server = servers[chosen];
	memmove(&servers[from + 1], &servers[from], (chosen - from) * sizeof(*servers));
	servers[from] = server;
}

void hl_servers_order(struct hl_server *servers, size_t count)
{
	for (size_t i = 0; i + 1 < count; i++)
		draw(servers, i, count);
}
