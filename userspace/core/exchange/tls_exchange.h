/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds exchanges in the sequence of TLS record lengths of one connection, none of which can be
 * read (RFC 8446, RFC 5246):
 *   - the handshake's end: in TLS 1.3 the client's Finished, known by its length (53 or 69 bytes,
 *     by the cipher's hash); in 1.2 both change-cipher-specs and the handshake records after them;
 *   - a request: a burst of the client's application data up to the server's answer;
 *   - its answer: the server's application data up to the next burst, less session tickets that
 *     come without being asked for and HTTP/2 control frames (≤ 17 bytes).
 * Pure state machine; times are nanoseconds of one clock.
 */
#ifndef CS_CORE_TLS_EXCHANGE_H
#define CS_CORE_TLS_EXCHANGE_H

#include "core/exchange/exchange.h"
#include "core/exchange/tls_exchange_lengths.h"
#include "core/facts/fact.h"

#include <stdbool.h>
#include <stdint.h>

#define CS_TLS_LEAD_MAX 6 /* server records of the first answer that may turn out to be tickets */

/* One burst and its answer. */
struct cs_tls_exchange {
    uint64_t start_ns;  /* first request record */
    uint64_t answer_ns; /* first record of the answer, 0 none */
    uint64_t last_ns;   /* last record of either */
    bool multiplexed;
    struct cs_burst request;
    struct cs_burst response;
};

enum cs_tls_phase {
    CS_TLS_HANDSHAKE,
    CS_TLS_IDLE,      /* nothing is asked, or all was handed over */
    CS_TLS_REQUESTED, /* a burst has no answer yet */
    CS_TLS_ANSWERED,  /* … has one, perhaps not all of it */
};

struct cs_tls {
    uint8_t phase; /* enum cs_tls_phase */
    bool hello;    /* the client's hello was seen */
    bool psk;      /* … offers resumption, so that early data may follow */
    bool h2_offered;
    bool h2;            /* an HTTP/2 preface was recognised */
    bool server_hello;  /* the final one */
    bool alert;         /* an alert during the handshake */
    bool ccs[2];        /* change-cipher-spec seen, by direction */
    bool finished[2];   /* TLS 1.2: the encrypted Finished after it, by direction */
    bool first;         /* no exchange was complete before the one in progress */
    bool client_flight; /* TLS 1.3: handshake records of the client that are no Finished */
    struct cs_tls_suite suite;
    uint16_t ticket_length;  /* of a record the server sent unasked; 0 none */
    uint16_t preface_length; /* of what was taken for an HTTP/2 preface, until a request
                                follows it; 0 none */
    uint64_t preface_ns;
    uint64_t request_ns;               /* of the exchange's last request record */
    uint64_t rtt_ns;                   /* of the TCP handshake; 0 unknown */
    uint64_t ready_ns;                 /* handshake complete; 0 not yet */
    uint64_t lead_ns[CS_TLS_LEAD_MAX]; /* times of the answer's first records */
    struct cs_tls_exchange exchange;   /* in progress; response has the leading tickets too */
};

void cs_tls_init(struct cs_tls *tls);
void cs_tls_client_hello(struct cs_tls *tls, const struct cs_fact_client_hello *hello);
void cs_tls_server_hello(struct cs_tls *tls, const struct cs_fact_server_hello *hello);

/* One record, in order. True when it begins another burst: *done then is the exchange before. */
bool cs_tls_record(struct cs_tls *tls, const struct cs_fact_tls_record *record,
                   struct cs_tls_exchange *done);

/* The exchange in progress is over: *done and true, or false when there is none. closing: because
 * the connection ends; by_peer: the peer ended it. A lone record that could be a ticket was the
 * answer when the peer closes, or the client does at once. */
bool cs_tls_take(struct cs_tls *tls, uint64_t now_ns, bool closing, bool by_peer,
                 struct cs_tls_exchange *done);

#endif
