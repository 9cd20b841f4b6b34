/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * One byte of a start line.
 *
 * The target's secrets are cut as they pass: userinfo, query values whose name isn't allowed,
 * parameters without a value (they could be one), and fragments.
 */
#ifndef CS_HTTP_START_BPF_H
#define CS_HTTP_START_BPF_H

#include "http_state.bpf.h"

static __always_inline void cs_line_put(cs_http *h, __u8 c)
{
    __u32 at = h->line_len;

    if (at >= CS_REQUEST_LINE_MAX) {
        h->flags |= CS_REQUEST_LINE_CUT;
        return;
    }
    cs_http_text(h)[at] = c;
    h->line_len = at + 1;
}

/* Take back what was kept since the mark. */
static __always_inline void cs_line_rewind(cs_http *h)
{
    h->line_len = h->mark;
    h->stale = 1;
    h->flags |= CS_REQUEST_QUERY_CUT;
}

static __always_inline void cs_token_start(cs_http *h, __u8 phase)
{
    h->hash = CS_HASH_START;
    h->count = 0;
    h->mark = h->line_len;
    h->phase = phase;
}

static __always_inline bool cs_version_known(__u64 hash)
{
    return hash == CS_HASH("HTTP/1.1") || hash == CS_HASH("HTTP/1.0");
}

static __always_inline bool cs_query_allowed(__u64 hash)
{
    return hash == CS_HASH("resource") || hash == CS_HASH("client_id") ||
           hash == CS_HASH("object_id") || hash == CS_HASH("principal_id") ||
           hash == CS_HASH("msi_res_id") || hash == CS_HASH("mi_res_id") ||
           hash == CS_HASH("api-version");
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

/* The end of a target, from any of its phases. */
static __always_inline void cs_target_end(cs_http *h)
{
    cs_line_put(h, ' ');
    cs_token_start(h, CS_VERSION);
}

/* Before the path: "http://user:secret@host:80" or "user:secret@host:80". */
static __always_inline void cs_byte_authority(cs_http *h, __u8 c)
{
    __u8 previous = h->previous;

    h->previous = c;
    if (c == '@') {
        cs_line_rewind(h);
        return;
    }
    cs_line_put(h, c);
    if (c == '?') {
        cs_token_start(h, CS_QUERY_NAME);
    } else if (c == '#') {
        h->phase = CS_QUERY_CUT;
    } else if (c == '/') {
        if (h->phase == CS_TARGET_AUTHORITY || !previous)
            h->phase = CS_TARGET_PATH;
        else if (previous == '/')
            cs_token_start(h, CS_TARGET_AUTHORITY);
        else if (previous != ':')
            h->phase = CS_TARGET_PATH;
    }
}

static __always_inline void cs_byte_query_name(cs_http *h, __u8 c)
{
    __u64 hash = h->hash;

    if (c == '&' || c == ';' || c == '#') {
        if (h->count)
            cs_line_rewind(h);
        cs_line_put(h, c);
        cs_token_start(h, c == '#' ? CS_QUERY_CUT : CS_QUERY_NAME);
        return;
    }
    cs_line_put(h, c);
    if (c == '=') {
        h->phase = cs_query_allowed(hash) ? CS_QUERY_KEEP : CS_QUERY_CUT;
        return;
    }
    h->hash = cs_hash_byte(hash, c);
    h->count++;
}

static __always_inline void cs_byte_query_value(cs_http *h, __u8 c)
{
    bool keep = h->phase == CS_QUERY_KEEP;

    if (c == '&' || c == ';') {
        cs_line_put(h, c);
        cs_token_start(h, CS_QUERY_NAME);
    } else if (c == '#') {
        h->phase = CS_QUERY_CUT;
    } else if (keep) {
        cs_line_put(h, c);
    } else {
        h->flags |= CS_REQUEST_QUERY_CUT;
    }
}

static __always_inline void cs_byte_target(cs_http *h, __u8 c)
{
    __u8 phase = h->phase;

    if (c == ' ') {
        if (phase == CS_QUERY_NAME && h->count)
            cs_line_rewind(h);
        cs_target_end(h);
        return;
    }
    if (c < 0x21 || c > 0x7e) {
        cs_http_fail(h, CS_GAP_MALFORMED);
        return;
    }
    switch (phase) {
    case CS_TARGET_START:
    case CS_TARGET_AUTHORITY:
        cs_byte_authority(h, c);
        break;
    case CS_QUERY_NAME:
        cs_byte_query_name(h, c);
        break;
    case CS_QUERY_KEEP:
    case CS_QUERY_CUT:
        cs_byte_query_value(h, c);
        break;
    default:
        cs_line_put(h, c);
        if (c == '?')
            cs_token_start(h, CS_QUERY_NAME);
        else if (c == '#')
            h->phase = CS_QUERY_CUT;
        break;
    }
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
