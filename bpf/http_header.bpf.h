/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* One byte of a header line. Only User-Agent and Server are kept. */
#ifndef CS_HTTP_HEADER_BPF_H
#define CS_HTTP_HEADER_BPF_H

#include "http_state.bpf.h"

#define CS_AFTER_TOKEN 0x100 /* in count: white space came behind the number or coding */

static __always_inline bool cs_token_byte(__u8 c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c >= '#' && c <= '\'') || c == '!' || c == '*' || c == '+' || c == '-' || c == '.' ||
           (c >= '^' && c <= '`') || c == '|' || c == '~';
}

/* The name is complete: what is its value to us? */
static __always_inline __u8 cs_name_known(cs_http *h, __u32 direction)
{
    __u64 hash = h->hash;

    if (hash == CS_HASH("content-length"))
        return CS_HEADER_LENGTH;
    if (hash == CS_HASH("transfer-encoding"))
        return CS_HEADER_CODING;
    if (direction == CS_DIR_INGRESS)
        return hash == CS_HASH("server") ? CS_HEADER_TEXT : CS_HEADER_OTHER;
    if (hash == CS_HASH("user-agent"))
        return CS_HEADER_TEXT;
    if (hash == CS_HASH("authorization"))
        h->flags |= CS_REQUEST_AUTHORIZATION;
    else if (hash == CS_HASH("x-aws-ec2-metadata-token"))
        h->flags |= CS_REQUEST_IMDS_TOKEN;
    else if (hash == CS_HASH("x-aws-ec2-metadata-token-ttl-seconds"))
        h->flags |= CS_REQUEST_IMDS_TTL;
    else if (hash == CS_HASH("metadata"))
        h->flags |= CS_REQUEST_METADATA;
    return CS_HEADER_OTHER;
}

static __always_inline void cs_value_start(cs_http *h, __u8 header)
{
    h->hash = CS_HASH_START;
    h->count = 0;
    h->phase = CS_VALUE;
    if (header == CS_HEADER_TEXT) {
        if (h->seen & CS_SEEN_TEXT)
            header = CS_HEADER_OTHER;
        else
            h->mark = 0;
        h->seen |= CS_SEEN_TEXT;
    } else if (header == CS_HEADER_LENGTH) {
        if (h->seen & CS_SEEN_LENGTH) {
            h->seen |= CS_SEEN_LENGTH_TWICE;
            h->left = h->length;
        }
        h->seen |= CS_SEEN_LENGTH;
        h->length = 0;
    } else if (header == CS_HEADER_CODING) {
        h->seen |= CS_SEEN_CODING;
    }
    h->header = header;
}

static __always_inline void cs_byte_name(cs_http *h, __u32 direction, __u8 c)
{
    __u64 hash = h->hash;

    if (c == ':' && h->count) {
        cs_value_start(h, cs_name_known(h, direction));
        return;
    }
    if (!cs_token_byte(c)) {
        cs_http_fail(h, CS_GAP_MALFORMED);
        return;
    }
    if (c >= 'A' && c <= 'Z')
        c |= 0x20;
    h->hash = cs_hash_byte(hash, c);
    h->count = 1;
}

/* There was more than is kept. */
static __always_inline void cs_text_cut(cs_http *h, __u32 direction)
{
    h->flags |= direction == CS_DIR_EGRESS ? CS_REQUEST_USER_AGENT_CUT : CS_RESPONSE_SERVER_CUT;
}

/* Kept behind the request line; mark is the length without trailing white space. */
static __always_inline void cs_value_text(cs_http *h, __u32 direction, __u8 c)
{
    __u32 line = h->line_len, len = h->value_len;
    __u32 max = direction == CS_DIR_EGRESS ? CS_USER_AGENT_MAX : CS_SERVER_MAX;

    if (!len && (c == ' ' || c == '\t'))
        return;
    if (len >= max || len >= CS_USER_AGENT_MAX || line > CS_REQUEST_LINE_MAX) {
        cs_text_cut(h, direction);
        return;
    }
    cs_http_text(h)[line + len] = c;
    h->value_len = len + 1;
    if (c != ' ' && c != '\t')
        h->mark = len + 1;
}

static __always_inline void cs_value_length(cs_http *h, __u8 c)
{
    __u16 count = h->count;

    if (c == ' ' || c == '\t') {
        if (count)
            h->count = count | CS_AFTER_TOKEN;
    } else if (c >= '0' && c <= '9' && count < CS_LENGTH_DIGITS) {
        h->length = h->length * 10 + (c - '0');
        h->count = count + 1;
    } else {
        h->error = CS_GAP_FRAMING;
    }
}

/* The last coding of the list decides (RFC 9112 6.1). */
static __always_inline void cs_value_coding(cs_http *h, __u8 c)
{
    __u16 count = h->count;
    __u64 hash = h->hash;

    if (c == ',') {
        h->hash = CS_HASH_START;
        h->count = 0;
    } else if (c == ' ' || c == '\t') {
        h->count = count | CS_AFTER_TOKEN;
    } else {
        if (c >= 'A' && c <= 'Z')
            c |= 0x20;
        /* White space inside is no coding that we know. */
        h->hash = count > CS_AFTER_TOKEN ? 0 : cs_hash_byte(hash, c);
        h->count = 1 | (count > CS_AFTER_TOKEN ? CS_AFTER_TOKEN : 0);
    }
}

/* The line is over, though a folded one may follow. */
static __always_inline void cs_value_end(cs_http *h)
{
    __u8 header = h->header;

    if (header == CS_HEADER_TEXT) {
        h->value_len = h->mark;
    } else if (header == CS_HEADER_LENGTH) {
        if (!h->count || ((h->seen & CS_SEEN_LENGTH_TWICE) && h->left != h->length))
            h->error = CS_GAP_FRAMING;
    } else if (header == CS_HEADER_CODING) {
        h->seen &= ~CS_SEEN_CHUNKED;
        if (h->hash == CS_HASH("chunked"))
            h->seen |= CS_SEEN_CHUNKED;
    }
}

static __always_inline void cs_byte_value(cs_http *h, __u32 direction, __u8 c)
{
    __u8 header = h->header;

    if (c == '\n') {
        if (header)
            cs_value_end(h);
        h->phase = CS_LINE_START;
        return;
    }
    if (h->phase == CS_VALUE_CR) {
        /* A bare CR could begin another header for a lenient server (RFC 9112 2.2), so nothing
         * behind it is kept, and the body's length is anybody's guess. */
        if (header)
            cs_value_end(h);
        h->error = CS_GAP_FRAMING;
        header = h->header = CS_HEADER_OTHER;
        h->phase = CS_VALUE;
    }
    if (c == '\r')
        h->phase = CS_VALUE_CR;
    else if (!header)
        return;
    else if (header == CS_HEADER_TEXT)
        cs_value_text(h, direction, c);
    else if (header == CS_HEADER_LENGTH)
        cs_value_length(h, c);
    else
        cs_value_coding(h, c);
}

/* obs-fold (RFC 9112 5.2): the value goes on. It may be a header for a lenient server: of what is
 * kept only the first line is. Where it would change the framing, readers disagree on what it
 * says. */
static __always_inline void cs_byte_fold(cs_http *h, __u32 direction)
{
    __u8 header = h->header;

    h->phase = CS_VALUE;
    h->header = CS_HEADER_OTHER;
    if (header == CS_HEADER_TEXT)
        cs_text_cut(h, direction);
    else if (header)
        h->error = CS_GAP_FRAMING;
}

static __always_inline void cs_byte_line_start(cs_http *h, __u32 direction, __u8 c)
{
    if (c == '\n') {
        h->phase = CS_HEAD_DONE;
    } else if (c == '\r') {
        h->phase = CS_HEAD_LF;
    } else if (c == ' ' || c == '\t') {
        cs_byte_fold(h, direction);
    } else {
        h->hash = CS_HASH_START;
        h->count = 0;
        h->phase = CS_NAME;
        cs_byte_name(h, direction, c);
    }
}

#endif
