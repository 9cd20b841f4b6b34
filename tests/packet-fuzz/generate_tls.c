// SPDX-License-Identifier: Apache-2.0
#include "compare.h"
#include "generate.h"

#include <string.h>

#define S PF_SECRET "x2m9"

static const char *const names[] = {
    "sts.amazonaws.com",
    "sts.us-east-1.amazonaws.com",
    "STS.eu-west-1.AmazonAWS.com",
    "sts-fips.us-gov-west-1.amazonaws.com",
    "sts.cn-north-1.amazonaws.com.cn",
    "eks-auth.us-east-1.api.aws",
    "vpce-0a1b.sts.us-east-1.vpce.amazonaws.com",
    "login.microsoftonline.com",
    "weu.login.microsoft.com",
    "login.partner.microsoftonline.cn",
    "evilsts.amazonaws.com",
    "sts.amazonaws.com.example.org",
    "s3.amazonaws.com",
    "example.com",
    "amazonaws.com",
    "sts.example.amazonaws.co",
    "notlogin.microsoftonline.com",
    "a",
};

static const uint8_t retry_random[32] = {
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c};

/* What both ends settle on. */
struct session {
    struct pf_random *r;
    uint8_t id[32];
    uint8_t id_len;
    bool tls13, retry;
    uint32_t records; /* so many that no segment holds more than the sensor reads of one */
};

static void put(struct pf_stream *s, uint32_t value, uint32_t bytes)
{
    while (bytes--) {
        uint8_t byte = (uint8_t)(value >> (8 * bytes));

        pf_append(s, &byte, 1);
    }
}

static void fill(struct pf_stream *s, struct pf_random *r, uint32_t len)
{
    while (len) {
        uint32_t n = len < 10 ? len : 10;

        if (pf_percent(r, 20))
            pf_append(s, S, n);
        else
            put(s, (uint32_t)pf_next(r), n < 4 ? n : (n = 4));
        len -= n;
    }
}

/* Reserve a length field; close() writes how much came behind it. */
static uint32_t open_length(struct pf_stream *s, uint32_t bytes)
{
    put(s, 0, bytes);
    return s->len;
}

static void close_length(struct pf_stream *s, uint32_t start, uint32_t bytes)
{
    uint32_t len = s->len - start;

    for (uint32_t i = 0; i < bytes; i++)
        s->data[start - bytes + i] = (uint8_t)(len >> (8 * (bytes - 1 - i)));
}

static void server_name(struct pf_stream *s, struct pf_random *r)
{
    const char *name = PF_PICK(r, names);
    uint32_t ext = open_length(s, 2), list = open_length(s, 2);

    put(s, 0, 1);
    put(s, (uint32_t)strlen(name), 2);
    pf_append(s, name, strlen(name));
    close_length(s, list, 2);
    close_length(s, ext, 2);
}

static void alpn(struct pf_stream *s, struct pf_random *r)
{
    static const char *const protocols[] = {"h2", "http/1.1", "http/1.0", S, "h2c", "h"};
    uint32_t ext = open_length(s, 2), list = open_length(s, 2);

    for (uint32_t n = pf_between(r, 1, 4); n; n--) {
        const char *protocol = PF_PICK(r, protocols);

        put(s, (uint32_t)strlen(protocol), 1);
        pf_append(s, protocol, strlen(protocol));
    }
    close_length(s, list, 2);
    close_length(s, ext, 2);
}

static void versions(struct pf_stream *s, struct pf_random *r, bool tls13)
{
    uint32_t ext = open_length(s, 2), list = open_length(s, 1);

    if (pf_percent(r, 30))
        put(s, 0x7a7a, 2); /* GREASE, RFC 8701 */
    if (tls13)
        put(s, 0x0304, 2);
    put(s, 0x0303, 2);
    close_length(s, list, 1);
    close_length(s, ext, 2);
}

static void client_extension(struct pf_stream *s, struct session *t, uint32_t type)
{
    uint32_t ext;

    put(s, type, 2);
    if (type == 0) {
        server_name(s, t->r);
    } else if (type == 16) {
        alpn(s, t->r);
    } else if (type == 43) {
        versions(s, t->r, t->tls13);
    } else {
        /* 51 with a post-quantum share is what makes hellos long */
        ext = open_length(s, 2);
        fill(s, t->r, type == 51 && pf_percent(t->r, 40) ? 1216 : pf_below(t->r, 90));
        close_length(s, ext, 2);
    }
}

static void client_hello(struct pf_stream *s, struct session *t)
{
    static const uint16_t others[] = {10, 11, 13, 18,     21,     23,    35,
                                      41, 45, 51, 0x0a0a, 0x4469, 0xff01};
    uint32_t types[48], n = 0, body, list;

    put(s, 1, 1);
    body = open_length(s, 3);
    put(s, 0x0303, 2);
    fill(s, t->r, 32);
    put(s, t->id_len, 1);
    pf_append(s, t->id, t->id_len);
    list = open_length(s, 2);
    fill(s, t->r, 2 * pf_between(t->r, 1, 40));
    close_length(s, list, 2);
    put(s, 0x0100, 2);
    if (pf_percent(t->r, 97))
        types[n++] = 0;
    if (pf_percent(t->r, 70))
        types[n++] = 16;
    if (t->tls13 || pf_percent(t->r, 30))
        types[n++] = 43;
    for (uint32_t i = pf_below(t->r, pf_percent(t->r, 90) ? 12 : 35); i; i--)
        types[n++] = PF_PICK(t->r, others);
    for (uint32_t i = n; i > 1; i--) {
        uint32_t j = pf_below(t->r, i), swap = types[i - 1];

        types[i - 1] = types[j];
        types[j] = swap;
    }
    list = open_length(s, 2);
    for (uint32_t i = 0; i < n; i++)
        client_extension(s, t, types[i]);
    close_length(s, list, 2);
    close_length(s, body, 3);
}

static void server_hello(struct pf_stream *s, struct session *t, bool retry)
{
    uint32_t body, list, ext;

    put(s, 2, 1);
    body = open_length(s, 3);
    put(s, 0x0303, 2);
    if (retry)
        pf_append(s, retry_random, sizeof(retry_random));
    else
        fill(s, t->r, 32);
    put(s, t->id_len, 1);
    pf_append(s, t->id, t->id_len);
    put(s, t->tls13 ? 0x1301 : 0xc02f, 2);
    put(s, 0, 1);
    if (t->tls13 || pf_percent(t->r, 80)) {
        list = open_length(s, 2);
        for (uint32_t i = pf_below(t->r, 4); i; i--) {
            put(s, i == 2 ? 41 : 51 + i, 2);
            ext = open_length(s, 2);
            fill(s, t->r, pf_below(t->r, 1200));
            close_length(s, ext, 2);
        }
        if (t->tls13) {
            put(s, 43, 2);
            put(s, 2, 2);
            put(s, 0x0304, 2);
        }
        close_length(s, list, 2);
    }
    close_length(s, body, 3);
}

/* The bytes that were appended since start become records of one content, of any sizes. */
static void wrap(struct pf_stream *s, struct session *t, uint32_t content, uint32_t start)
{
    static uint8_t payload[PF_STREAM_MAX];
    uint32_t len = s->len - start, at = 0;
    bool small = pf_percent(t->r, 20);

    memcpy(payload, s->data + start, len);
    s->len = start;
    do {
        uint32_t n = len - at;

        if (n && (small || pf_percent(t->r, 10)) && t->records < 150)
            n = small ? pf_between(t->r, n / 8 + 1, n) : pf_between(t->r, 1, n);
        n = n > 16384 ? 16384 : n;
        put(s, content, 1);
        put(s, 0x0303, 2);
        put(s, n, 2);
        pf_append(s, payload + at, n);
        at += n;
        t->records++;
    } while (at < len);
}

static void opaque(struct pf_stream *s, struct session *t, uint32_t content, uint32_t len)
{
    uint32_t start = s->len;

    fill(s, t->r, len);
    wrap(s, t, content, start);
}

static void message(struct pf_stream *s, struct session *t, uint32_t type, uint32_t len)
{
    uint32_t body;

    put(s, type, 1);
    body = open_length(s, 3);
    fill(s, t->r, len);
    close_length(s, body, 3);
}

static void turn(const struct pf_case *c, struct pf_turns *turns)
{
    turns->at[turns->count].egress = c->egress.len;
    turns->at[turns->count++].ingress = c->ingress.len;
}

static void flight12(struct pf_case *c, struct session *t, struct pf_turns *turns)
{
    struct pf_stream *in = &c->ingress, *out = &c->egress;
    uint32_t start = in->len;

    server_hello(in, t, false);
    if (pf_percent(t->r, 50)) {
        wrap(in, t, 22, start);
        start = in->len;
    }
    message(in, t, 11, pf_below(t->r, 4000));
    message(in, t, 14, 0);
    wrap(in, t, 22, start);
    turn(c, turns);
    start = out->len;
    message(out, t, 16, 66);
    wrap(out, t, 22, start);
    opaque(out, t, 20, 1);
    opaque(out, t, 22, 40);
    opaque(in, t, 20, 1);
    opaque(in, t, 22, 40);
    turn(c, turns);
}

static void flight13(struct pf_case *c, struct session *t, struct pf_turns *turns)
{
    struct pf_stream *in = &c->ingress, *out = &c->egress;
    uint32_t start = in->len;

    if (t->retry) {
        server_hello(in, t, true);
        wrap(in, t, 22, start);
        opaque(in, t, 20, 1);
        turn(c, turns);
        opaque(out, t, 20, 1);
        start = out->len;
        client_hello(out, t);
        wrap(out, t, 22, start);
        turn(c, turns);
        start = in->len;
    }
    server_hello(in, t, false);
    wrap(in, t, 22, start);
    if (!t->retry && pf_percent(t->r, 80))
        opaque(in, t, 20, 1);
    opaque(in, t, 23, pf_between(t->r, 60, 3000));
    turn(c, turns);
    if (!t->retry && pf_percent(t->r, 80))
        opaque(out, t, 20, 1);
    opaque(out, t, 23, pf_percent(t->r, 50) ? 53 : 69);
    turn(c, turns);
}

void pf_generate_tls(struct pf_case *c, struct pf_random *r, struct pf_turns *turns)
{
    struct session t = {.r = r, .tls13 = pf_percent(r, 60), .retry = pf_percent(r, 15)};
    uint32_t start = 0;

    t.id_len = pf_percent(r, 70) ? 32 : 0;
    for (int i = 0; i < t.id_len; i++)
        t.id[i] = i < 10 ? (uint8_t)S[i] : (uint8_t)pf_next(r);
    client_hello(&c->egress, &t);
    wrap(&c->egress, &t, 22, start);
    turn(c, turns);
    if (pf_percent(r, 5)) { /* refused with an alert */
        opaque(&c->ingress, &t, 21, 2);
        turn(c, turns);
        return;
    }
    if (t.tls13)
        flight13(c, &t, turns);
    else
        flight12(c, &t, turns);
    for (uint32_t n = pf_below(r, 5); n; n--) {
        opaque(&c->egress, &t, 23, pf_between(r, 20, 3000));
        turn(c, turns);
        opaque(&c->ingress, &t, 23, pf_between(r, 20, pf_percent(r, 90) ? 3000 : 20000));
        turn(c, turns);
    }
    opaque(&c->egress, &t, t.tls13 ? 23 : 21, t.tls13 ? 19 : 2);
    turn(c, turns);
}
