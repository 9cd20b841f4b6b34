/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the assembler share; nobody else includes it. */
#ifndef CS_CORE_ASSEMBLER_PRIVATE_H
#define CS_CORE_ASSEMBLER_PRIVATE_H

#include "core/exchange/assembler.h"
#include "core/exchange/tls_exchange.h"

#define HASH_NONFATAL_OOM 1
#include <sys/queue.h>
#include <uthash.h>

#define CS_HELD_MAX       8 /* facts of one connection that wait for a missing one */
#define CS_HELD_TOTAL_MAX 1024
#define CS_PIPELINE_MAX   32   /* requests in flight on one connection */
#define CS_ENDED_SLOTS    1024 /* recently ended connections remembered */
#define CS_RELAY_LOOK_MAX 1024 /* connections looked at for one that is passed on */
#define CS_SPARE_MAX      64   /* freed connections and requests kept for reuse */

/* An HTTP request without its answer. */
struct cs_request {
    TAILQ_ENTRY(cs_request) link;
    uint32_t dropped_after; /* requests sent after this one that could not be kept */
    bool gap;               /* its answer may have been in a gap */
    struct cs_exchange exchange;
};
TAILQ_HEAD(cs_request_list, cs_request);

/* A fact that came before an earlier one. */
struct cs_held {
    TAILQ_ENTRY(cs_held) link;
    struct cs_fact fact;
};
TAILQ_HEAD(cs_held_list, cs_held);

/* What a connection waits for; each has a list ordered by since_ns. */
enum cs_wait {
    CS_WAIT_NOTHING,
    CS_WAIT_CONNECT, /* an answer to its SYN */
    CS_WAIT_ANSWER,  /* the end of a TLS answer */
    CS_WAIT_END,
};

struct cs_tracked {
    struct cs_connection connection; /* its id is the hash key */
    UT_hash_handle hh;
    TAILQ_ENTRY(cs_tracked) recent_link; /* all, least recent fact first */
    TAILQ_ENTRY(cs_tracked) wait_link;
    TAILQ_ENTRY(cs_tracked) held_link; /* those with held facts */
    uint64_t recent_ns;
    uint64_t since_ns; /* of the wait */
    uint64_t held_since_ns;
    uint64_t tunnel_ns; /* first byte of the CONNECT prologue */
    uint32_t next_seq;
    uint32_t next_index;
    uint32_t dropped_next; /* answers to skip: their requests could not be kept */
    uint16_t requests_count;
    uint16_t held_count;
    uint8_t wait; /* enum cs_wait */
    uint8_t loss; /* enum cs_loss, when lossy */
    bool lossy;
    bool connect_reported; /* its failed connect was handed over */
    bool tunnel_pending;   /* a CONNECT prologue without answer */
    bool passed_on;        /* a proxy's connection, which was made, passes it on */
    bool passes_on;        /* it is such a one */
    bool hidden_requests;  /* requests were sent in a gap: an answer may be theirs */
    struct cs_request_list requests;
    struct cs_held_list held;
    struct cs_tls tls;
};
TAILQ_HEAD(cs_tracked_list, cs_tracked);

struct cs_assembler {
    struct cs_assembler_options options;
    struct cs_assembler_stats stats;
    uint64_t now_ns;   /* latest time of any fact or tick */
    uint64_t event_ns; /* of what is being acted on */
    struct cs_tracked *table;
    struct cs_tracked_list recent;
    struct cs_tracked_list waiting[CS_WAIT_END];
    struct cs_tracked_list held;
    uint32_t held_total;
    struct cs_tracked_list spare;
    struct cs_request_list spare_requests;
    uint32_t spare_count;
    uint32_t spare_requests_count;
    struct cs_connection_id ended[CS_ENDED_SLOTS]; /* by hash; an end that is told twice */
};

/* How a connection ended, for what was in flight on it. */
struct cs_ending {
    enum cs_outcome outcome;
    bool seen;    /* false: it was not, and the outcome is unknown */
    bool by_peer; /* the peer ended it */
};

/* assembler.c */
void cs_assembler_wait(struct cs_assembler *assembler, struct cs_tracked *tracked,
                       enum cs_wait wait);
/* Hands over; counts; gives the exchange its index. */
void cs_assembler_emit(struct cs_assembler *assembler, struct cs_tracked *tracked,
                       struct cs_exchange *exchange);
/* The first reason stays. */
void cs_assembler_lossy(struct cs_tracked *tracked, enum cs_loss loss);

/* assembler_table.c */
int cs_assembler_begin(struct cs_assembler *assembler, const struct cs_connection_id *id,
                       const struct cs_fact *connect);
/* The connection leaves the table and the accounts; nothing of it may be in flight. */
void cs_assembler_end(struct cs_assembler *assembler, struct cs_tracked *tracked);
/* A fact of a connection that is not in the table. */
void cs_assembler_orphan(struct cs_assembler *assembler, const struct cs_connection_id *id,
                         const struct cs_fact *fact);

/* assembler_order.c: facts into their order by seq */
void cs_assembler_order(struct cs_assembler *assembler, struct cs_tracked *tracked,
                        const struct cs_fact *fact);
/* Stop waiting for what is missing. The connection may have ended (and gone) after it. */
void cs_assembler_give_up(struct cs_assembler *assembler, struct cs_tracked *tracked);
void cs_assembler_drop_held(struct cs_assembler *assembler, struct cs_tracked *tracked);
/* Act on a fact whose turn it is (assembler.c). False when the connection ended by it. */
bool cs_assembler_apply(struct cs_assembler *assembler, struct cs_tracked *tracked,
                        const struct cs_fact *fact);

/* assembler_relay.c: the connection met a listener, or (exchange not NULL) was answered; so has,
 * and was, what it passes on */
void cs_assembler_onward(struct cs_assembler *assembler, const struct cs_connection *relay,
                         const struct cs_exchange *exchange);

/* assembler_http.c */
void cs_assembler_request(struct cs_assembler *assembler, struct cs_tracked *tracked,
                          const struct cs_fact *fact);
void cs_assembler_response(struct cs_assembler *assembler, struct cs_tracked *tracked,
                           const struct cs_fact *fact);
void cs_assembler_tunnel(struct cs_tracked *tracked, const struct cs_fact *fact);
void cs_assembler_http_gap(struct cs_tracked *tracked, bool egress, bool ingress);
/* Hands over what is in flight. */
void cs_assembler_http_end(struct cs_assembler *assembler, struct cs_tracked *tracked,
                           const struct cs_ending *ending);
void cs_assembler_free_requests(struct cs_request_list *list);

/* assembler_tls.c */
void cs_assembler_client_hello(struct cs_tracked *tracked, const struct cs_fact *fact);
void cs_assembler_server_hello(struct cs_tracked *tracked, const struct cs_fact *fact);
void cs_assembler_tls_record(struct cs_assembler *assembler, struct cs_tracked *tracked,
                             const struct cs_fact *fact);
void cs_assembler_tls_idle(struct cs_assembler *assembler, struct cs_tracked *tracked);
void cs_assembler_tls_end(struct cs_assembler *assembler, struct cs_tracked *tracked,
                          const struct cs_ending *ending);
/* The exchange in flight, if there is one. */
bool cs_assembler_tls_in_flight(const struct cs_tracked *tracked, struct cs_exchange *exchange);

#endif
