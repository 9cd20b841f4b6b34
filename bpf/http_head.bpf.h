/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* A head is complete: the fact, and how its body is framed (RFC 9112 6.3). */
#ifndef CS_HTTP_HEAD_BPF_H
#define CS_HTTP_HEAD_BPF_H

#include "http_body.bpf.h"

#define CS_PENDING_MAX 64 /* requests of one connection without an answer */

/* Behind a head whose error is not set. */
static __always_inline void cs_frame_request(struct cs_http_dir *h)
{
    __u8 seen = h->seen;

    if (seen & CS_SEEN_CODING) {
        if ((seen & CS_SEEN_LENGTH) || !(seen & CS_SEEN_CHUNKED))
            cs_http_fail(h, CS_GAP_FRAMING);
        else
            cs_chunk_start(h);
        return;
    }
    h->left = h->length;
    h->phase = h->length ? CS_BODY : CS_BOUNDARY;
}

static __always_inline void cs_frame_response(struct cs_http_dir *h)
{
    __u8 seen = h->seen;

    if (seen & CS_SEEN_CODING) {
        if (seen & CS_SEEN_LENGTH)
            cs_http_fail(h, CS_GAP_FRAMING);
        else if (seen & CS_SEEN_CHUNKED)
            cs_chunk_start(h);
        else
            h->phase = CS_BODY_CLOSE;
        return;
    }
    if (!(seen & CS_SEEN_LENGTH)) {
        h->phase = CS_BODY_CLOSE;
        return;
    }
    h->left = h->length;
    h->phase = h->length ? CS_BODY : CS_BOUNDARY;
}

static __always_inline void cs_emit_request(struct cs_socket *s, struct cs_dir *dir)
{
    struct cs_http_dir *h = &dir->http;
    struct cs_fact_request *fact = (struct cs_fact_request *)h->fact;
    __u32 line = h->line_len, agent = h->value_len;

    if (line > CS_REQUEST_LINE_MAX || agent > CS_USER_AGENT_MAX)
        return;
    fact->first_byte_ns = h->first_byte_ns;
    fact->body_length = h->seen & CS_SEEN_CODING ? 0 : h->length;
    fact->head_length = h->head_length;
    fact->flags = h->flags | (h->seen & CS_SEEN_CHUNKED ? CS_REQUEST_CHUNKED : 0);
    fact->line_len = line;
    fact->user_agent_len = agent;
    cs_emit(s, &fact->header, CS_FACT_REQUEST, sizeof(*fact) + cs_bound(line + agent, 511),
            dir->segment.time_ns);
}

static __always_inline void cs_emit_response(struct cs_socket *s, struct cs_dir *dir)
{
    struct cs_http_dir *h = &dir->http;
    struct cs_fact_response *fact = (struct cs_fact_response *)h->fact;
    __u32 server = h->value_len;
    __u16 flags = h->flags;

    if (server > CS_SERVER_MAX)
        return;
    if (h->seen & CS_SEEN_CHUNKED)
        flags |= CS_RESPONSE_CHUNKED;
    if (h->seen & CS_SEEN_LENGTH)
        flags |= CS_RESPONSE_LENGTH;
    if (h->phase == CS_BODY_CLOSE)
        flags |= CS_RESPONSE_CLOSE;
    fact->first_byte_ns = h->first_byte_ns;
    fact->body_length = h->length;
    fact->head_length = h->head_length;
    fact->status = h->status;
    fact->flags = flags;
    fact->server_len = server;
    cs_emit(s, &fact->header, CS_FACT_RESPONSE, sizeof(*fact) + cs_bound(server, 127),
            dir->segment.time_ns);
}

/* The authority stands in the request line behind "CONNECT ", and the fact's fixed part is
 * written over what comes before it. */
static __always_inline void cs_emit_tunnel(struct cs_socket *s, struct cs_dir *dir)
{
    const __u32 method = sizeof("CONNECT ") - 1;
    struct cs_http_dir *h = &dir->http;
    struct cs_fact_tunnel *fact =
        (void *)((__u8 *)h->fact + CS_TEXT_OFFSET + method - sizeof(struct cs_fact_tunnel));
    __u32 end = h->line_len, len;

    if (!(h->flags & CS_REQUEST_LINE_CUT))
        end = h->mark - 1;
    len = end - method;
    if (len > CS_REQUEST_LINE_MAX - method)
        return;
    __builtin_memset(fact->pad, 0, sizeof(fact->pad));
    fact->first_byte_ns = h->first_byte_ns;
    fact->authority_len = len;
    cs_emit(s, &fact->header, CS_FACT_TUNNEL, sizeof(*fact) + cs_bound(len, 255),
            dir->segment.time_ns);
}

static __always_inline bool cs_text_begins(const __u8 *text, const char *want, __u32 len)
{
    __u8 differ = 0;

#pragma clang loop unroll(full)
    for (__u32 i = 0; i < len; i++)
        differ |= text[i] ^ (__u8)want[i];
    return !differ;
}

/* A request through a proxy is ours when it is for a link-local metadata address. */
static __always_inline bool cs_request_local(struct cs_http_dir *h)
{
    const __u8 *text = (const __u8 *)h->fact + CS_TEXT_OFFSET;
    __u32 at = 0;

    for (int i = 0; i < CS_METHOD_MAX; i++) {
        if (text[i] == ' ') {
            at = i + 1;
            break;
        }
    }
    text += at;
    return cs_text_begins(text, "http://169.254.", 15) ||
           cs_text_begins(text, "http://[fd00:ec2:", 17);
}

static __always_inline void cs_mask_set(__u64 *mask, __u32 n, bool on)
{
    __u64 bit = 1ULL << (n % CS_PENDING_MAX);

    *mask = on ? *mask | bit : *mask & ~bit;
}

static __always_inline void cs_request_done(struct cs_socket *s, struct cs_dir *dir)
{
    struct cs_http_dir *h = &dir->http;
    bool connect = h->method == CS_METHOD_CONNECT;
    bool proxy = s->connect.kind == CS_WATCH_PROXY;
    bool quiet = proxy && !connect && !cs_request_local(h);
    __u32 n = s->requests;

    cs_mask_set(&s->head_mask, n, h->method == CS_METHOD_HEAD);
    cs_mask_set(&s->connect_mask, n, connect);
    cs_mask_set(&s->quiet_mask, n, quiet);
    if (proxy && connect)
        cs_emit_tunnel(s, dir);
    else if (!quiet)
        cs_emit_request(s, dir);
    *(volatile __u32 *)&s->requests = n + 1;
    if (h->error)
        h->phase = CS_FAILED;
    else
        cs_frame_request(h);
}

/* A head that answers nothing we saw, or one of too many: whether a body follows depends on what
 * was asked, and which request the next head answers can't be told. */
static __always_inline void cs_response_unasked(struct cs_socket *s, struct cs_dir *dir,
                                                bool interim)
{
    if (!interim && dir->http.phase != CS_FAILED)
        dir->http.phase = CS_BODY_NONE;
    cs_emit_response(s, dir);
}

static __always_inline void cs_response_done(struct cs_socket *s, struct cs_dir *dir)
{
    struct cs_http_dir *h = &dir->http;
    __u32 n = s->answers, pending = *(volatile __u32 *)&s->requests - n;
    bool interim = h->status < 200 && h->status != 101;
    __u64 bit = 1ULL << (n % CS_PENDING_MAX);
    bool known = pending && pending < CS_PENDING_MAX;
    bool connect = known && (s->connect_mask & bit);

    if (h->error)
        h->phase = CS_FAILED;
    else if (interim || h->status == 204 || h->status == 304 || (known && (s->head_mask & bit)))
        h->phase = CS_BOUNDARY;
    else
        cs_frame_response(h);
    if (!known) {
        cs_response_unasked(s, dir, interim);
        return;
    }
    if (!interim)
        s->answers = n + 1;
    if (connect && h->status >= 200 && h->status < 300) {
        if (s->connect.kind == CS_WATCH_PROXY) {
            s->tunnel = 1;
            h->phase = CS_BOUNDARY;
            return;
        }
        h->phase = CS_BODY_NONE;
    } else if (h->status == 101) {
        h->phase = CS_BODY_NONE;
    }
    if (!(s->quiet_mask & bit))
        cs_emit_response(s, dir);
}

/* Ready for the next head: what was kept of this one goes. */
static __always_inline void cs_head_clear(struct cs_http_dir *h)
{
    __builtin_memset(h->fact, 0, sizeof(h->fact));
    h->length = 0;
    h->head_length = 0;
    h->mark = 0;
    h->line_len = 0;
    h->value_len = 0;
    h->status = 0;
    h->flags = 0;
    h->header = 0;
    h->seen = 0;
    h->method = 0;
}

__noinline int cs_http_head(struct __sk_buff *skb, __u32 direction)
{
    struct cs_socket *s = cs_socket_of(skb);
    struct cs_dir *dir;

    if (!s)
        return 0;
    dir = &s->dir[direction & 1];
    if (direction == CS_DIR_EGRESS)
        cs_request_done(s, dir);
    else
        cs_response_done(s, dir);
    cs_head_clear(&dir->http);
    return 0;
}

#endif
