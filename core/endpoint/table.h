/* The endpoint room's own: the table, and what a contact is made of behind its public face. */
#ifndef HL_ENDPOINT_TABLE_H
#define HL_ENDPOINT_TABLE_H

#include "base/pool.h"
#include "endpoint/endpoint.h"

#include <stdalign.h>
#include <stddef.h>

struct hl_endpoints {
	struct hl_pool pool;	    /* of endpoints and contacts */
	struct hl_hash by_user;	    /* struct hl_endpoint */
	struct hl_hash by_flow;	    /* struct hl_contact: of those with one flow, the latest */
	struct hl_hash agents;	    /* struct hl_agent by text */
	struct hl_handles handles;  /* of contacts */
	struct hl_deadlines expiry; /* of contacts */
	size_t space;		    /* bytes of plugin space in each contact */
	size_t contact_count;
	uint32_t at_listener[HL_LISTENERS_MAX]; /* contacts by the UDP listener they came by */
	char *realm; /* owned */
	hl_endpoints_event *event;
	void *arg; /* borrowed */
};

/* A User-Agent string that all contacts of such devices share. */
struct hl_agent {
	struct hl_hash_node node;
	uint32_t references;
	char text[];
};

/* A contact in one allocation: this, the plugins' space, and room for its strings. They stand one
 * behind the other, `uri` first; once they have outgrown the room they are an allocation of their
 * own, which `uri` leads to. Behind the others stands what the Via says, if that made the verdict.
 */
struct hl_contact_block {
	struct hl_contact contact; /* first: the pointers are the same */
	struct hl_list same_flow;  /* ring of the contacts with this flow */
	uint32_t told;		   /* of the one in by_flow: the last HEARD, ms of hl_clock_now */
	uint16_t room;		   /* bytes behind the space */
	bool leads;		   /* it is the one in by_flow */
	alignas(max_align_t) char space[];
};

static inline struct hl_contact_block *hl_contact_block(struct hl_contact *contact)
{
	return (struct hl_contact_block *)(void *)contact;
}

/* The shared string for a User-Agent value (cut to a sane length), with one reference more. NULL
 * when memory is out. */
const char *hl_agent_ref(struct hl_endpoints *table, const char *text);
void hl_agent_unref(struct hl_endpoints *table, const char *text);

/* Puts a contact under its flow, and takes it away. */
void hl_flow_join(struct hl_endpoints *table, struct hl_contact *contact);
void hl_flow_leave(struct hl_endpoints *table, struct hl_contact *contact);

/* A contact with the binding's strings, in no list yet; NULL when memory is out. */
struct hl_contact *hl_contact_new(struct hl_endpoints *table, const struct hl_binding *binding);
void hl_contact_free(struct hl_endpoints *table, struct hl_contact *contact);
/* Gets the memory that the binding's strings need beside the contact's room: NULL when they fit. 0
 * or -ENOMEM. */
int hl_contact_text(struct hl_contact *contact, const struct hl_binding *binding, char **text);
/* Takes over the binding's strings, into `text` or the room. Cannot fail. */
void hl_contact_rename(const struct hl_endpoints *table, struct hl_contact *contact,
		       const struct hl_binding *binding, char *text);
/* Bytes of an endpoint, by the length of its user part. */
static inline size_t hl_endpoint_size(size_t length)
{
	return offsetof(struct hl_endpoint, user) + length + 1;
}
/* Takes an endpoint without contacts out of the table. */
void hl_endpoint_free(struct hl_endpoints *table, struct hl_endpoint *endpoint);

#endif
