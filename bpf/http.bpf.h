/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* HTTP/1.x in one direction of a connection: heads, wherever they are cut, at framed boundaries
 * only. Include from packet.bpf.h. */
#ifndef CS_HTTP_BPF_H
#define CS_HTTP_BPF_H

#include "http_head.bpf.h"
#include "http_header.bpf.h"
#include "http_start.bpf.h"

/* Loops are verified round by round, so a segment is worked through by three functions, each
 * verified once: so many bytes a scan, scans a stretch, stretches a segment. */
#define CS_HTTP_CHUNK     32
#define CS_HTTP_SCANS     64
#define CS_HTTP_STRETCHES 128

static __always_inline void cs_byte_boundary(cs_http *h, __u32 direction, __u64 time_ns, __u8 c)
{
    if (c == '\r' || c == '\n')
        return;
    h->first_byte_ns = time_ns;
    h->hash = CS_HASH_START;
    h->count = 0;
    h->head_length = 1;
    if (direction == CS_DIR_EGRESS) {
        h->phase = CS_METHOD;
        cs_byte_method(h, c);
    } else if (c == 'H') {
        h->phase = CS_STATUS_VERSION;
        cs_byte_version(h, c);
    } else {
        cs_http_fail(h, CS_GAP_MALFORMED);
    }
}

static __always_inline void cs_byte_head(cs_http *h, __u32 direction, __u8 c)
{
    __u8 phase = h->phase;

    if (phase == CS_VALUE || phase == CS_VALUE_CR)
        cs_byte_value(h, direction, c);
    else if (phase == CS_NAME)
        cs_byte_name(h, direction, c);
    else if (phase == CS_LINE_START)
        cs_byte_line_start(h, direction, c);
    else if (phase == CS_METHOD)
        cs_byte_method(h, c);
    else if (phase <= CS_TARGET_CUT)
        cs_byte_target(h, c);
    else if (phase <= CS_STATUS_VERSION)
        cs_byte_version(h, c);
    else if (phase == CS_STATUS_CODE)
        cs_byte_status(h, c);
    else if (phase == CS_REASON && c != '\n')
        h->phase = c == '\r' ? CS_START_LF : CS_REASON;
    else if (c != '\n')
        cs_http_fail(h, CS_GAP_MALFORMED);
    else
        h->phase = phase == CS_HEAD_LF ? CS_HEAD_DONE : CS_LINE_START;
}

/* True: this byte ends what the loop can do by itself. */
static __always_inline bool cs_http_byte(cs_http *h, __u32 direction, __u64 time_ns, __u8 c)
{
    __u8 phase = h->phase;
    __u32 length;

    if (phase == CS_BOUNDARY) {
        cs_byte_boundary(h, direction, time_ns, c);
    } else if (phase < CS_HEAD_DONE) {
        length = h->head_length + 1;
        h->head_length = length;
        cs_byte_head(h, direction, c);
        if (length > CS_HEAD_MAX)
            cs_http_fail(h, CS_GAP_HEAD_LIMIT);
    } else {
        cs_byte_body(h, c);
        phase = h->phase;
        return phase == CS_FAILED ||
               ((phase == CS_BODY || phase == CS_CHUNK_DATA) && h->left >= CS_HTTP_CHUNK);
    }
    phase = h->phase;
    return phase == CS_HEAD_DONE || phase == CS_FAILED;
}

/* Scan up to CS_HTTP_CHUNK bytes from dir->window. Returns how many were used. */
__noinline int cs_http_scan(struct __sk_buff *skb, __u32 direction)
{
    struct cs_socket *s = cs_socket_of(skb);
    volatile __u8 *window;
    struct cs_dir *dir;
    __u64 time_ns;
    __u32 len;

    if (!s)
        return 0;
    dir = &s->dir[direction & 1];
    window = dir->window;
    time_ns = dir->segment.time_ns;
    len = dir->segment.len;
    for (__u32 i = 0; i < CS_HTTP_CHUNK; i++) {
        if (i >= len)
            return i;
        if (cs_http_byte(&dir->http, direction, time_ns, window[i]))
            return i + 1;
    }
    return CS_HTTP_CHUNK;
}

static __always_inline bool cs_http_load(struct __sk_buff *skb, struct cs_dir *dir)
{
    __u32 len = dir->segment.len;

    if (len >= CS_HTTP_CHUNK)
        return !bpf_skb_load_bytes(skb, dir->segment.offset, dir->window, CS_HTTP_CHUNK);
    len -= 1;
    asm volatile("" : "+r"(len));
    len &= CS_HTTP_CHUNK - 1;
    return !bpf_skb_load_bytes(skb, dir->segment.offset, dir->window, len + 1);
}

static __always_inline void cs_segment_advance(struct cs_segment *segment, __u32 bytes)
{
    segment->offset += bytes;
    segment->len -= bytes;
}

/* Body bytes without looking at them. */
static __always_inline void cs_http_pass(struct cs_dir *dir)
{
    struct cs_http_dir *h = &dir->http;
    __u32 len = dir->segment.len;

    if (h->phase == CS_BODY_CLOSE) {
        cs_segment_advance(&dir->segment, len);
    } else if (h->phase == CS_BODY || h->phase == CS_CHUNK_DATA) {
        if (h->left < len)
            len = h->left;
        cs_segment_advance(&dir->segment, len);
        cs_body_passed(h, len);
    }
}

/* CS_SCAN_MORE: there is more to do than one call may. */
__noinline int cs_http_stretch(struct __sk_buff *skb, __u32 direction)
{
    struct cs_socket *s = cs_socket_of(skb);
    struct cs_dir *dir;

    if (!s)
        return CS_SCAN_OK;
    dir = &s->dir[direction & 1];
    for (int i = 0; i < CS_HTTP_SCANS; i++) {
        cs_http_pass(dir);
        if (!dir->segment.len || s->tunnel)
            return CS_SCAN_OK;
        if (!cs_http_load(skb, dir)) {
            cs_http_fail(&dir->http, CS_GAP_UNREADABLE);
            return CS_SCAN_OK;
        }
        cs_segment_advance(&dir->segment, cs_http_scan(skb, direction));
        if (dir->http.phase == CS_HEAD_DONE)
            cs_http_head(skb, direction);
        if (dir->http.phase == CS_FAILED)
            return CS_SCAN_OK;
    }
    return CS_SCAN_MORE;
}

/* What was taken back is not to stay behind the text while the rest of the head is awaited. */
__noinline int cs_http_wipe(struct __sk_buff *skb, __u32 direction)
{
    struct cs_socket *s = cs_socket_of(skb);
    cs_http *h;

    if (!s)
        return 0;
    h = &s->dir[direction & 1].http;
    h->stale = 0;
#pragma clang loop unroll(disable)
    for (__u32 i = 0; i < CS_REQUEST_LINE_MAX + CS_USER_AGENT_MAX; i++) {
        /* Read anew each time: what the verifier learns of a kept sum makes each of the turns
         * another state, 500,000 instructions in all. */
        __u32 keep = *(volatile __u16 *)&h->line_len + *(volatile __u16 *)&h->value_len;

        if (i >= keep)
            cs_http_text(h)[i] = 0;
    }
    return 0;
}

__noinline int cs_http_segment(struct __sk_buff *skb, __u32 direction)
{
    struct cs_socket *s = cs_socket_of(skb);
    struct cs_dir *dir;
    int scan = CS_SCAN_MORE;

    if (!s)
        return CS_SCAN_OK;
    dir = &s->dir[direction & 1];
    for (int i = 0; i < CS_HTTP_STRETCHES && scan == CS_SCAN_MORE; i++)
        scan = cs_http_stretch(skb, direction);
    if (scan == CS_SCAN_MORE)
        cs_http_fail(&dir->http, CS_GAP_HEAD_LIMIT);
    if (dir->http.stale)
        cs_http_wipe(skb, direction);
    if (dir->http.phase != CS_FAILED)
        return CS_SCAN_OK;
    cs_emit_gap(s, direction, dir->http.error, 0, dir->segment.time_ns);
    cs_head_clear(&dir->http);
    return CS_SCAN_LOST;
}

#endif
