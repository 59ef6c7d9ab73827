/* Holdline's plugin interface: all that a plugin sees, in reading order. A plugin includes this
 * header and no other of the switch. `doc/plugins.md` has a tutorial. */
#ifndef HOLDLINE_H
#define HOLDLINE_H

#include "base/address.h" /* addresses and networks */
#include "base/clock.h"	  /* the only source of time */
#include "base/error.h"	  /* text for people about what failed */
#include "base/function.h" /* functions that policy scripts may call */
#include "base/hash.h"	  /* the hash table */
#include "base/json.h"	  /* the JSON writer */
#include "base/list.h"	  /* the list */
#include "base/log.h"	  /* the log */
#include "base/memory.h"  /* allocation */
#include "base/random.h"  /* tokens */

#include "loop/deadline.h" /* expiries by the million */
#include "loop/loop.h"	   /* descriptors, workers */
#include "loop/timer.h"	   /* timers */
#include "loop/udp.h"	   /* datagram sockets */

#include "sip/digest.h"	     /* authentication */
#include "sip/message.h"     /* SIP messages */
#include "sip/sdp.h"	     /* SDP bodies */
#include "sip/transaction.h" /* transactions */
#include "sip/transport.h"   /* flows */

#include "call/leg.h"	       /* calls and legs */
#include "endpoint/contact.h"  /* registered devices */
#include "endpoint/endpoint.h" /* and their table */
#include "plugin/plugin.h"     /* the plugin itself: parameters, stages, commands */
#include "switch.h"	       /* the switch's parts and the policy's decisions */

#endif
