/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* The phases of HTTP/1.x framing (RFC 9112) and what is noted on the way. */
#ifndef CS_HTTP_STATE_BPF_H
#define CS_HTTP_STATE_BPF_H

#include "emit.bpf.h"
#include "http_hash.bpf.h"

#define CS_HEAD_MAX       65536 /* bytes of a head that are read */
#define CS_METHOD_MAX     15
#define CS_LENGTH_DIGITS  15 /* of a Content-Length: under 2^50 */
#define CS_CHUNK_DIGITS   12 /* of a chunk's size: under 2^48 */
#define CS_VERSION_LEN    8  /* HTTP/1.1 */
#define CS_QUERY_NAME_MAX 12 /* of a parameter that may be kept: principal_id */

enum cs_http_phase {
    CS_BOUNDARY = 0, /* before a head; CR and LF are skipped (RFC 9112 2.2) */
    CS_METHOD,
    CS_TARGET_START, /* scheme or authority of a target that may turn out to have userinfo */
    CS_TARGET_AUTHORITY,
    CS_TARGET_PATH,
    CS_TARGET_ESCAPE, /* % seen, in the path or a kept value */
    CS_TARGET_ESCAPE_LOW,
    CS_QUERY_NAME,
    CS_QUERY_KEEP,
    CS_QUERY_CUT,
    CS_TARGET_CUT, /* nothing more of the target is kept */
    CS_VERSION,
    CS_STATUS_VERSION,
    CS_STATUS_CODE,
    CS_REASON,
    CS_START_LF, /* CR of the start line seen */
    CS_LINE_START,
    CS_NAME,
    CS_VALUE,
    CS_VALUE_CR,
    CS_HEAD_LF, /* CR of the blank line seen */
    CS_HEAD_DONE,
    CS_BODY,       /* left bytes */
    CS_BODY_CLOSE, /* to the end of the connection */
    CS_BODY_NONE,  /* length unknowable: any byte here is a gap */
    CS_CHUNK_SIZE,
    CS_CHUNK_EXTENSION,
    CS_CHUNK_DATA, /* left bytes */
    CS_CHUNK_END,
    CS_CHUNK_END_LF,
    CS_TRAILER_START,
    CS_TRAILER,
    CS_TRAILER_LF,
    CS_FAILED, /* http.error says why */
};

enum cs_http_header {
    CS_HEADER_OTHER = 0,
    CS_HEADER_TEXT, /* User-Agent or Server */
    CS_HEADER_LENGTH,
    CS_HEADER_CODING,
};

enum cs_http_seen {
    CS_SEEN_TEXT = 1 << 0,
    CS_SEEN_LENGTH = 1 << 1,
    CS_SEEN_LENGTH_TWICE = 1 << 2, /* the first value is in left */
    CS_SEEN_CODING = 1 << 3,
    CS_SEEN_CHUNKED = 1 << 4, /* … and chunked is the last coding */
    CS_SEEN_QUERY = 1 << 5,   /* a parameter is kept */
};

enum cs_http_method {
    CS_METHOD_OTHER = 0,
    CS_METHOD_HEAD,
    CS_METHOD_CONNECT,
};

/* Loads and stores stay where they are written: nothing lives in a register from one byte to the
 * next, so the verifier meets the same state at every byte. */
typedef volatile struct cs_http_dir cs_http;

_Static_assert(sizeof(struct cs_fact_request) == sizeof(struct cs_fact_response),
               "text starts at the same place");

#define CS_TEXT_OFFSET sizeof(struct cs_fact_request)

static __always_inline volatile __u8 *cs_http_text(cs_http *h)
{
    return (volatile __u8 *)h->fact + CS_TEXT_OFFSET;
}

static __always_inline void cs_http_fail(cs_http *h, __u8 reason)
{
    h->error = reason;
    h->phase = CS_FAILED;
}

#endif
