/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes exchanges of facts: keeps the state of every open watched connection, matches requests
 * with answers, and hands each exchange over exactly once, when its fate is known:
 *   HTTP      at the response head, or when the connection ended without one;
 *   TLS       at the next client burst, the end, or options.tls_idle_ns after the answer's last
 *             record;
 *   connect   failures at once (exchange index 0).
 * What is in flight can be walked at any time. No clock: time comes with facts and ticks, in
 * CLOCK_MONOTONIC nanoseconds. Memory is bounded by the options; nothing is allocated per fact
 * once the peak number of connections has been seen. Not for use by several threads.
 */
#ifndef CS_CORE_ASSEMBLER_H
#define CS_CORE_ASSEMBLER_H

#include "core/exchange/exchange.h"
#include "core/facts/fact.h"

#include <stdint.h>

/* Called synchronously from feed and tick; must not call into the assembler. exchange and its
 * connection are valid during the call only. */
typedef void (*cs_exchange_fn)(const struct cs_exchange *exchange, void *user);

/* 0 in a number means its default. */
struct cs_assembler_options {
    uint32_t connections_max; /* 8192: open connections tracked */
    uint32_t requests_max;    /* 4096: requests in flight, all connections together */
    uint64_t syn_timeout_ns;  /* 150 s: a connect of which nothing more is heard is unreachable
                                 (Linux gives up after 127 s with tcp_syn_retries = 6) */
    uint64_t expiry_ns;       /* 1 h: a connection without facts has ended unseen */
    uint64_t tls_idle_ns;     /* 500 ms: an answer without more records is complete */
    uint64_t reorder_ns;      /* 250 ms: how long a missing fact is waited for */
    cs_exchange_fn sink;      /* required */
    void *user;
};

/* Why a connection was not wholly observed; its first reason counts. */
enum cs_loss {
    CS_LOSS_FACTS,         /* a jump in seq: facts were dropped */
    CS_LOSS_GAP,           /* the sensor saw a hole or traffic it can't parse */
    CS_LOSS_UNMATCHED,     /* an answer to no request that was seen */
    CS_LOSS_REQUESTS_FULL, /* more requests in flight than may be kept */
    CS_LOSS_TABLE_FULL,    /* more connections than may be kept */
    CS_LOSS_EXPIRED,       /* no fact for expiry_ns: its CLOSE was lost */
    CS_LOSS_UNKNOWN,       /* a CLOSE of a connection whose CONNECT was never seen */
    CS_LOSS_END,
};

const char *cs_loss_name(enum cs_loss loss);

/* The accounting identity: connections == observed + sum of lost + open, always. */
struct cs_assembler_stats {
    uint64_t connections; /* heard of: CONNECT, or a CLOSE without one */
    uint64_t observed;    /* ended, all of it seen */
    uint64_t lost[CS_LOSS_END];
    uint64_t open;

    uint64_t exchanges;            /* handed over */
    uint64_t exchanges_unobserved; /* of these, with observed == false */
    uint64_t facts;                /* of sockets, fed */
    uint64_t facts_duplicate;      /* ignored: seq already seen */
    uint64_t facts_reordered;      /* arrived after a later one, put in order */
    uint64_t facts_missing;        /* never arrived, by seq */
    uint64_t facts_orphaned;       /* of connections that are not in the table */
    uint64_t responses_unmatched;
    uint64_t requests_in_flight; /* gauge */
};

struct cs_assembler;

/* NULL and errno ENOMEM, or EINVAL (no sink). */
struct cs_assembler *cs_assembler_new(const struct cs_assembler_options *options);

/* Frees; hands nothing over. NULL is fine. */
void cs_assembler_free(struct cs_assembler *assembler);

/* Facts that belong to no socket are ignored. 0, or -ENOMEM (the fact's connection is counted as
 * CS_LOSS_TABLE_FULL, or the fact as missing). */
int cs_assembler_feed(struct cs_assembler *assembler, const struct cs_fact *fact);

/* Let time pass: hands over what is due at now_ns. Cheap when nothing is. */
void cs_assembler_tick(struct cs_assembler *assembler, uint64_t now_ns);

/* When the next tick has something to do; UINT64_MAX: never. */
uint64_t cs_assembler_deadline(const struct cs_assembler *assembler);

/* Every request that waits for its answer and every connect that waits for its own: outcome is
 * CS_OUTCOME_UNOBSERVED, answer_ns and end_ns are 0; not observed: the answer may have been in a
 * gap. In no order. None that pass on another. */
void cs_assembler_each_in_flight(const struct cs_assembler *assembler, cs_exchange_fn fn,
                                 void *user);

/* The open connection of that id, or NULL; valid until the next call. */
const struct cs_connection *cs_assembler_connection(const struct cs_assembler *assembler,
                                                    uint64_t cookie, uint32_t generation);

/* TLS calls that are not handed over yet, on open connections to one server's name. */
struct cs_calls_under_way {
    uint32_t earlier; /* begun in [from_ns, to_ns) */
    uint32_t later;   /* begun since, or their connection is still being made */
};

/* Those of a process, but for the connection with id except. Walks all connections. */
void cs_assembler_calls(const struct cs_assembler *assembler, uint32_t tgid,
                        const char *server_name, uint64_t from_ns, uint64_t to_ns,
                        struct cs_connection_id except, struct cs_calls_under_way *calls);

/* Whether, by what is known of the callers, `relay` may pass on what is asked on `asked`. */
typedef bool (*cs_relay_fn)(const struct cs_connection *asked, const struct cs_connection *relay,
                            void *user);

/* What is known of the proxy's connection besides; a set. */
enum cs_relay_how {
    CS_RELAY_USUAL = 0,
    CS_RELAY_APART = 1 << 0,  /* its owner answers some requests itself */
    CS_RELAY_FAILED = 1 << 1, /* it has just failed: that fact is to be fed next */
};

/* Of a connection that a proxy may have made: look for the open one whose bytes it passes on.
 * That one goes to the same end-point, began earlier, and waits for the answer to what it sent
 * (in TLS, to its hello), or has sent nothing yet; and `may` says yes. Found: relay_of is set here,
 * and, once this one is made or has failed, interception is told there as it is met here, also
 * later; not so of one that is apart, whose owner asks anew for what it does not know. True if
 * relay_of is set. To be asked when the connection begins, is made, sends something, or fails;
 * walks the connections that moved last. */
bool cs_assembler_relay(struct cs_assembler *assembler, uint64_t cookie, uint32_t generation,
                        enum cs_relay_how how, cs_relay_fn may, void *user);

const struct cs_assembler_stats *cs_assembler_stats(const struct cs_assembler *assembler);

#endif
