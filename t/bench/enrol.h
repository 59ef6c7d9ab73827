/* Phones that register: the load of `register`, and how every other generator gets its phones. */
#ifndef BENCH_ENROL_H
#define BENCH_ENROL_H

#include <stdbool.h>
#include <stdint.h>

#include "bench.h"
#include "wire.h"

struct enrol_phone {
	uint64_t sent; /* ns; 0: no answer is awaited */
	uint32_t cseq;
	bool challenged; /* credentials were sent in this operation */
};

struct bench_enrol {
	struct bench_wire *wire;
	const char *password; /* for digest, not owned; NULL: registers without credentials */
	unsigned users;	      /* phone i registers for user u(i % users) */
	unsigned expires;     /* s */
	unsigned stride;      /* from one phone to the next */
	bool natted;	      /* Contact and Via say a private address */
	struct enrol_phone *phones;
	unsigned waiting; /* operations without an answer yet */
	uint64_t sent;
	uint64_t answered;
	uint64_t refused;
	uint64_t lost;
	struct bench_latency latency;
};

/* `count` phones on that wire; the caller then sets what differs from the defaults. */
void bench_enrol_init(struct bench_enrol *enrol, struct bench_wire *wire, unsigned count);
void bench_enrol_fini(struct bench_enrol *enrol);

/* Register phones first…first+count-1 in turn, `operations` altogether, `rate` a second (with at
 * most 500 unanswered), and wait for the answers; what is not answered within 2 s is lost. */
void bench_enrol_run(struct bench_enrol *enrol, unsigned first, unsigned count, uint64_t operations,
		     double rate);

/* Register every phone once, and die unless all succeed. */
void bench_enrol_all(struct bench_enrol *enrol, unsigned count);

#endif
