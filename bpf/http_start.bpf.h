/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* One byte of a start line: method and version, status. */
#ifndef CS_HTTP_START_BPF_H
#define CS_HTTP_START_BPF_H

#include "http_target.bpf.h"

static __always_inline bool cs_version_known(__u64 hash)
{
    return hash == CS_HASH("HTTP/1.1") || hash == CS_HASH("HTTP/1.0");
}

static __always_inline void cs_byte_method(cs_http *h, __u8 c)
{
    __u64 hash = h->hash;
    __u16 count = h->count;

    if (c == ' ' && count) {
        h->method = hash == CS_HASH("HEAD")      ? CS_METHOD_HEAD
                    : hash == CS_HASH("CONNECT") ? CS_METHOD_CONNECT
                                                 : CS_METHOD_OTHER;
        cs_line_put(h, c);
        cs_token_start(h, CS_TARGET_START);
        h->previous = 0;
        return;
    }
    if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' || c == '_') ||
        count >= CS_METHOD_MAX) {
        cs_http_fail(h, CS_GAP_MALFORMED);
        return;
    }
    h->hash = cs_hash_byte(hash, c);
    h->count = count + 1;
    cs_line_put(h, c);
}

/* Both start lines: the version is known when a byte that can't belong to it comes. */
static __always_inline void cs_byte_version(cs_http *h, __u8 c)
{
    bool request = h->phase == CS_VERSION;
    bool end = request ? c == '\r' || c == '\n' : c == ' ';
    __u64 hash = h->hash;
    __u16 count = h->count;

    if (end && cs_version_known(hash)) {
        h->count = 0;
        h->phase = !request ? CS_STATUS_CODE : c == '\r' ? CS_START_LF : CS_LINE_START;
        return;
    }
    if (end || count >= CS_VERSION_LEN) {
        cs_http_fail(h, CS_GAP_MALFORMED);
        return;
    }
    h->hash = cs_hash_byte(hash, c);
    h->count = count + 1;
    if (request)
        cs_line_put(h, c);
}

static __always_inline void cs_byte_status(cs_http *h, __u8 c)
{
    __u16 count = h->count, status = h->status;

    if (count < 3 && c >= '0' && c <= '9') {
        h->status = status * 10 + (c - '0');
        h->count = count + 1;
    } else if (count < 3 || status < 100) {
        cs_http_fail(h, CS_GAP_MALFORMED);
    } else if (c == ' ') {
        h->phase = CS_REASON;
    } else if (c == '\r') {
        h->phase = CS_START_LF;
    } else if (c == '\n') {
        h->phase = CS_LINE_START;
    } else {
        cs_http_fail(h, CS_GAP_MALFORMED);
    }
}

#endif
