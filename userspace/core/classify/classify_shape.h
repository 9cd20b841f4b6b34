/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the record lengths of an encrypted request say of the call. A token exchange has a small
 * head, since nothing is signed, and a body that holds a token; a signed call has a large head and
 * mostly a small body. Clients that send head and body in one record hide that. Pure.
 */
#ifndef CS_CORE_CLASSIFY_SHAPE_H
#define CS_CORE_CLASSIFY_SHAPE_H

#include "core/classify/classify.h"

#include <stdint.h>

enum cs_call_shape {
    CS_SHAPE_NONE,   /* no records were seen, or too many to tell */
    CS_SHAPE_SMALL,  /* no room for a token in all of it */
    CS_SHAPE_SIGNED, /* large in all, but its body has no room for a token */
    CS_SHAPE_KNOWN,  /* a token exchange of a client in the table, and nothing else in it */
    CS_SHAPE_LIKE,   /* small head and large body, but of no client in the table */
    CS_SHAPE_BRIEF,  /* as KNOWN or LIKE, with a token so short that the client may have made it */
    CS_SHAPE_ONE,    /* one record of a size that a token exchange can have */
    CS_SHAPE_OTHER,  /* large, but no token exchange that is known of */
};

/* endpoint: CS_ENDPOINT_STS or CS_ENDPOINT_ENTRA. */
enum cs_call_shape cs_call_shape(const struct cs_exchange *exchange, enum cs_endpoint endpoint);

/* The body of a request that has one record to itself, in plain bytes; 0: it has none. */
uint16_t cs_call_body(const struct cs_exchange *exchange);

/* What of a token exchange stays the same from one to the next of a program: all of it; in HTTP/2,
 * where heads shrink, its largest record. */
uint32_t cs_call_size(const struct cs_exchange *exchange);

/* How much the answer was. */
enum cs_answer_size {
    CS_ANSWER_NONE,    /* there was none */
    CS_ANSWER_UNSEEN,  /* part of it was not seen, or there may be several answers */
    CS_ANSWER_SMALL,   /* no credentials: an error, or GetCallerIdentity's */
    CS_ANSWER_BETWEEN, /* can't be told */
    CS_ANSWER_LARGE,   /* has room for credentials */
};

enum cs_answer_size cs_answer_size(const struct cs_exchange *exchange, enum cs_endpoint endpoint);

/* One client's way to make calls, in plain bytes. For the tests, which try each. */
struct cs_shape_row {
    const char *client, *source;
    enum cs_endpoint endpoint;
    bool token; /* exchanges a token; else signed */
    bool one;   /* head and body in one record: `head` is all but the token, no body */
    /* the head without the host's name */
    uint16_t head_min, head_max;
    /* the body; of a token exchange without the token */
    uint16_t body_min, body_max;
    /* as measured: records, with that host's name and a token of that length, in TLS 1.3 */
    uint16_t measured[2], host_length, token_length;
};

/* Row i, or NULL behind the last. */
const struct cs_shape_row *cs_shape_row(size_t i);

#endif
