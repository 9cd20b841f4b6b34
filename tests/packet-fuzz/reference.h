/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The oracle: what two ordered byte streams say, read by whole heads and records with the streams
 * at hand, sharing no code with the sensor. Sources: RFC 9112 for HTTP/1.1 framing, RFC 8446 and
 * RFC 5246 for TLS, include/credscope/abi.h for what a fact holds and what is cut.
 *
 * Traffic is in one of three classes, and a stream's facts are divided by the first offset of each:
 *   clean      exactly these facts, no gap;
 *   doubtful   readers may differ (bare LF, folded lines, …): these facts, or a gap instead of
 *              them and of all that follow;
 *   malformed  no fact at all any more, and a gap once the malformed bytes have been seen.
 */
#ifndef PF_REFERENCE_H
#define PF_REFERENCE_H

#include "dialogue.h"

#include <credscope/abi.h>

#define PF_FACTS_MAX 4096

/* One expected fact. Fields that a type has not got are 0. */
struct pf_fact {
    uint16_t type;    /* enum cs_fact_type */
    uint8_t loose;    /* text, or a record's handshake type, is not compared: no rule says it */
    uint8_t optional; /* may be absent without a gap */
    uint32_t end;     /* stream offset behind the byte that completes it */
    uint32_t step;    /* of the script, in which that byte arrived */
    uint64_t length;  /* body_length, hello_length or the record's */
    uint32_t head_length;
    uint16_t flags, flags_mask; /* flags outside the mask are not compared */
    uint16_t code;              /* status; record: content; server hello: version */
    uint16_t cipher;            /* server hello; record: handshake type */
    uint16_t text_len, text2_len;
    uint8_t text[CS_REQUEST_LINE_MAX];
    uint8_t text2[CS_USER_AGENT_MAX];
};

struct pf_reading {
    uint32_t count;
    uint32_t sure; /* facts before the first doubtful or malformed byte */
    bool clean;    /* neither was found */
    bool gap;      /* malformed bytes were seen to their line's end: a gap must be there */
    struct pf_fact facts[PF_FACTS_MAX];
};

/*
 * Both directions of what was played, by enum cs_direction. Responses are read as the answers of
 * the first `counted` requests: where a doubtful request ends the other direction for the sensor,
 * it knows of no more than those before it.
 */
void pf_read_http(const struct pf_played *played, bool tidy, uint32_t counted,
                  struct pf_reading reading[2]);

enum pf_watch {
    PF_UNWATCHED, /* no name, or another's: not one fact */
    PF_WATCHED,
    PF_PERHAPS, /* the hello is not well-formed: nothing, or facts that don't contradict it */
};

enum pf_watch pf_read_tls(const struct pf_played *played, struct pf_reading reading[2]);

/* For the readers: start afresh; end what is sure; append in order of the offset behind. */
void pf_reading_reset(struct pf_reading *reading);
void pf_reading_doubt(struct pf_reading *reading);
struct pf_fact *pf_reading_add(struct pf_reading *reading, const struct pf_fact *fact);

/* The step in which a stream had grown to offset; after[] as in struct pf_played. */
uint32_t pf_step_of(const uint32_t *after, uint32_t steps, uint32_t offset);

#endif
