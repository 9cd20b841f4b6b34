// SPDX-License-Identifier: Apache-2.0
#include "core/exchange/tls_exchange.h"

#include "base/util.h"
#include "core/exchange/tls_exchange_lengths.h"

#include <string.h>

#define CONTENT_CCS       20
#define CONTENT_ALERT     21
#define CONTENT_HANDSHAKE 22
#define CONTENT_DATA      23

/* Record lengths of a NewSessionTicket (RFC 8446 4.6.1): 21 bytes and a ticket of an id or an
 * encrypted session, 120 to 250 as Go, OpenSSL and s2n make them. Two of equal size in a row are
 * tickets also when longer (they hold the client's certificate then). */
#define TICKET_MIN            60
#define TICKET_LONE_MAX       330
#define TICKET_RUN_MAX_LENGTH 1100
#define TICKETS_MAX           4

/* How long after the client's Finished a ticket comes: one round trip and what a busy server needs
 * (13 ms were seen). No end-point that is watched answers in TICKET_LONE_MAX bytes. */
#define TICKET_SLACK_NS (30 * CS_NSEC_PER_MSEC)
/* Records closer together than this were sent as one. */
#define FLIGHT_NS CS_NSEC_PER_MSEC
/* A client that closes this soon after a lone record reacts to it. */
#define REACTION_NS (100 * CS_NSEC_PER_MSEC)
/* A client's burst has no pauses longer than this (or a round trip), on a busy machine either. */
#define BURST_PAUSE_NS (25 * CS_NSEC_PER_MSEC)
/* HTTP/2: what a client sends this shortly after something else is sent together with it, though an
 * answer to an earlier request came between: a head and its body are two records. */
#define TOGETHER_NS (2 * CS_NSEC_PER_MSEC)
/* Unasked, a server of HTTP/2 sends settings, tickets and a GOAWAY; even a bare HTTP/1.1 head is
 * longer than the last. */
#define GOAWAY_MAX 120

/* Facts of one moment may carry times of several CPUs' clocks, a little off. */
static uint64_t elapsed(uint64_t from_ns, uint64_t to_ns)
{
    return to_ns > from_ns ? to_ns - from_ns : 0;
}

void cs_tls_init(struct cs_tls *tls)
{
    *tls = (struct cs_tls){.first = true};
}

void cs_tls_client_hello(struct cs_tls *tls, const struct cs_fact_client_hello *hello)
{
    tls->hello = true;
    tls->psk = hello->flags & CS_HELLO_PSK;
    tls->h2_offered = hello->flags & CS_HELLO_ALPN_H2;
}

void cs_tls_server_hello(struct cs_tls *tls, const struct cs_fact_server_hello *hello)
{
    tls->server_hello = true;
    tls->suite = (struct cs_tls_suite){hello->version, hello->cipher};
}

static void burst_add(struct cs_burst *burst, uint16_t length)
{
    if (burst->count < CS_BURST_RECORDS_MAX)
        burst->lengths[burst->count] = length;
    if (burst->count < UINT16_MAX)
        burst->count++;
    burst->bytes += length;
}

static void set_ready(struct cs_tls *tls, uint64_t time_ns)
{
    tls->ready_ns = time_ns;
    if (tls->phase == CS_TLS_HANDSHAKE)
        tls->phase = CS_TLS_IDLE;
}

static bool is_early(const struct cs_tls *tls, uint64_t time_ns)
{
    return elapsed(tls->ready_ns, time_ns) <= tls->rtt_ns * 3 / 2 + TICKET_SLACK_NS;
}

/* How many of the leading server records are tickets or HTTP/2 settings and so no answer. *lone is
 * set when the only record may be either. */
static unsigned int leading(const struct cs_tls *tls, bool *lone)
{
    const struct cs_burst *response = &tls->exchange.response;
    unsigned int count = response->count < CS_TLS_LEAD_MAX ? response->count : CS_TLS_LEAD_MAX;
    const uint16_t *length = response->lengths;
    unsigned int run = 1, skip = 0;

    *lone = false;
    if (!tls->first || count == 0 || cs_tls_suite_is_old(tls->suite))
        return 0;
    while (skip < count && skip < TICKETS_MAX && length[skip] == tls->ticket_length)
        skip++;
    while (run < count && run < TICKETS_MAX && length[run] == length[0])
        run++;
    if (skip == 0 && length[0] >= TICKET_MIN) {
        if (run > 1 && length[0] <= TICKET_RUN_MAX_LENGTH)
            skip = run;
        else if (!tls->ticket_length && length[0] <= TICKET_LONE_MAX &&
                 is_early(tls, tls->lead_ns[0]) &&
                 (count == 1 || elapsed(tls->lead_ns[0], tls->lead_ns[1]) >= FLIGHT_NS))
            skip = 1;
    }
    *lone = skip == 1 && count == 1 && tls->ticket_length == 0;
    if (skip < count && tls->h2_offered && cs_tls_length_is_settings(tls->suite, length[skip], 0))
        skip++;
    return skip;
}

static void answer(struct cs_tls *tls, uint16_t length, uint64_t time_ns)
{
    struct cs_tls_exchange *exchange = &tls->exchange;
    unsigned int skip;
    bool lone;

    if (exchange->response.count < CS_TLS_LEAD_MAX)
        tls->lead_ns[exchange->response.count] = time_ns;
    burst_add(&exchange->response, length);
    exchange->last_ns = time_ns;
    skip = leading(tls, &lone);
    if (exchange->response.count > skip) {
        tls->phase = CS_TLS_ANSWERED;
        exchange->answer_ns = skip < CS_TLS_LEAD_MAX ? tls->lead_ns[skip] : time_ns;
    } else {
        tls->phase = CS_TLS_REQUESTED;
        exchange->answer_ns = 0;
    }
}

/* Whether the last of those records is what HTTP/2 begins with. */
static bool is_settings(const struct cs_tls *tls, unsigned int skip)
{
    return skip > 0 && tls->h2_offered &&
           cs_tls_length_is_settings(tls->suite, tls->exchange.response.lengths[skip - 1], 0);
}

/* The exchange as it is to be handed over, without what is no answer; then nothing is asked. */
static void hand_over(struct cs_tls *tls, unsigned int skip, struct cs_tls_exchange *done)
{
    struct cs_burst *response = &done->response;

    tls->h2 |= is_settings(tls, skip);
    *done = tls->exchange;
    done->multiplexed = tls->h2;
    if (skip > response->count)
        skip = response->count;
    for (unsigned int i = 0; i < skip; i++)
        response->bytes -= response->lengths[i];
    memmove(response->lengths, response->lengths + skip,
            sizeof(response->lengths) - skip * sizeof(response->lengths[0]));
    memset(response->lengths + CS_BURST_RECORDS_MAX - skip, 0, skip * sizeof(response->lengths[0]));
    response->count -= skip;
    tls->phase = CS_TLS_IDLE;
    tls->first = false;
    memset(&tls->exchange, 0, sizeof(tls->exchange));
}

/* Client data while a lone record may have been the answer: a pause says it was. */
static bool lone_was_answer(const struct cs_tls *tls, uint64_t time_ns)
{
    uint64_t pause = tls->rtt_ns > BURST_PAUSE_NS ? tls->rtt_ns : BURST_PAUSE_NS;
    bool lone;

    leading(tls, &lone);
    return lone && elapsed(tls->exchange.last_ns, time_ns) > pause;
}

static void add_request(struct cs_tls *tls, uint16_t length, uint64_t time_ns)
{
    burst_add(&tls->exchange.request, length);
    tls->exchange.last_ns = time_ns;
    tls->request_ns = time_ns;
}

/* Bounded: a busy connection's exchanges must end. */
static bool is_together(const struct cs_tls *tls, uint64_t time_ns)
{
    return tls->phase == CS_TLS_ANSWERED && tls->h2 &&
           tls->exchange.request.count < CS_BURST_RECORDS_MAX &&
           elapsed(tls->request_ns, time_ns) <= TOGETHER_NS;
}

static bool request(struct cs_tls *tls, uint16_t length, uint64_t time_ns,
                    struct cs_tls_exchange *done)
{
    bool handed = false;
    bool lone;

    if (cs_tls_length_is_control(tls->suite, length, false))
        return false;
    if (tls->phase == CS_TLS_IDLE && tls->first && tls->h2_offered && !tls->h2 &&
        cs_tls_length_is_settings(tls->suite, length, CS_TLS_CLIENT_PREFACE)) {
        tls->h2 = true;
        tls->preface_length = length;
        tls->preface_ns = time_ns;
        return false;
    }
    tls->preface_length = 0;
    if (is_together(tls, time_ns)) {
        add_request(tls, length, time_ns);
        return false;
    }
    if (tls->phase == CS_TLS_ANSWERED) {
        hand_over(tls, leading(tls, &lone), done);
        handed = true;
    } else if (tls->phase == CS_TLS_REQUESTED && lone_was_answer(tls, time_ns)) {
        tls->exchange.answer_ns = tls->lead_ns[0];
        hand_over(tls, 0, done);
        handed = true;
    }
    if (tls->phase != CS_TLS_REQUESTED) {
        tls->exchange.start_ns = time_ns;
        tls->phase = CS_TLS_REQUESTED;
    }
    add_request(tls, length, time_ns);
    return handed;
}

/* Application data before the handshake is complete. */
static void handshake_data(struct cs_tls *tls, const struct cs_fact_tls_record *record,
                           struct cs_tls_exchange *done)
{
    uint64_t time_ns = record->header.time_ns;

    if (record->direction == CS_DIR_INGRESS) {
        /* The server's flight; but after one of the client's it is past the handshake, and the
         * client's Finished was in a record with other messages. */
        if (tls->client_flight)
            set_ready(tls, time_ns);
        return;
    }
    if (cs_tls_suite_is_old(tls->suite)) {
        set_ready(tls, time_ns); /* false start (RFC 7918) */
        request(tls, record->length, time_ns, done);
    } else if (cs_tls_length_is_finished(tls->suite, record->length)) {
        set_ready(tls, time_ns);
    } else if (!tls->server_hello && tls->psk) {
        request(tls, record->length, time_ns, done); /* early data */
    } else if (cs_tls_length_is_alert(tls->suite, record->length)) {
        tls->alert = true;
    } else {
        tls->client_flight = true;
    }
}

/* Up to TLS 1.2 the handshake is over when both sides' Finished were seen. */
static void encrypted_handshake(struct cs_tls *tls, const struct cs_fact_tls_record *record)
{
    if (!cs_tls_suite_is_old(tls->suite) || !tls->ccs[record->direction])
        return;
    tls->finished[record->direction] = true;
    if (tls->finished[CS_DIR_EGRESS] && tls->finished[CS_DIR_INGRESS] && !tls->ready_ns)
        set_ready(tls, record->header.time_ns);
}

/* A short HTTP/1.1 request may be as long as a preface: then the server answers it. */
static bool answers_preface(const struct cs_tls *tls, uint16_t length, uint64_t time_ns)
{
    if (!tls->preface_length || length == tls->ticket_length ||
        cs_tls_length_is_settings(tls->suite, length, 0))
        return false;
    if (cs_tls_suite_is_old(tls->suite) || !is_early(tls, time_ns))
        return length > GOAWAY_MAX;
    return length > TICKET_LONE_MAX;
}

static void take_preface_back(struct cs_tls *tls)
{
    tls->h2 = false;
    tls->exchange.start_ns = tls->preface_ns;
    burst_add(&tls->exchange.request, tls->preface_length);
    tls->preface_length = 0;
    tls->phase = CS_TLS_REQUESTED;
}

static bool data(struct cs_tls *tls, const struct cs_fact_tls_record *record,
                 struct cs_tls_exchange *done)
{
    uint64_t time_ns = record->header.time_ns;

    if (!tls->ready_ns) {
        handshake_data(tls, record, done);
        return false;
    }
    if (record->direction == CS_DIR_EGRESS)
        return request(tls, record->length, time_ns, done);
    if (cs_tls_length_is_control(tls->suite, record->length, true))
        return false;
    if (tls->phase == CS_TLS_IDLE && answers_preface(tls, record->length, time_ns))
        take_preface_back(tls);
    if (tls->phase != CS_TLS_IDLE)
        answer(tls, record->length, time_ns);
    else if (tls->first && !(tls->h2 && cs_tls_length_is_settings(tls->suite, record->length, 0)))
        tls->ticket_length = record->length;
    return false;
}

bool cs_tls_record(struct cs_tls *tls, const struct cs_fact_tls_record *record,
                   struct cs_tls_exchange *done)
{
    switch (record->content) {
    case CONTENT_DATA:
        return data(tls, record, done);
    case CONTENT_CCS:
        tls->ccs[record->direction] = true;
        return false;
    case CONTENT_HANDSHAKE:
        encrypted_handshake(tls, record);
        return false;
    case CONTENT_ALERT:
        if (!tls->ready_ns)
            tls->alert = true;
        return false;
    default:
        return false;
    }
}

/* A resumed session gets one ticket: the client that closes then gave up. */
static bool reacts(const struct cs_tls *tls, uint64_t now_ns)
{
    return !tls->psk && elapsed(tls->exchange.last_ns, now_ns) < REACTION_NS;
}

bool cs_tls_take(struct cs_tls *tls, uint64_t now_ns, bool closing, bool by_peer,
                 struct cs_tls_exchange *done)
{
    unsigned int skip;
    bool lone;

    if (tls->phase != CS_TLS_REQUESTED && tls->phase != CS_TLS_ANSWERED)
        return false;
    skip = leading(tls, &lone);
    if (closing && lone && (by_peer || reacts(tls, now_ns))) {
        tls->exchange.answer_ns = tls->lead_ns[0];
        skip = 0;
    }
    hand_over(tls, skip, done);
    return true;
}
