// SPDX-License-Identifier: Apache-2.0
#include "generate.h"

#include <string.h>

#define TLS_PERCENT     35
#define MUTATED_PERCENT 40

static const char *const http_words[] = {
    "\r\n",
    "\n",
    "\r",
    " ",
    ":",
    "\r\n\r\n",
    "\t",
    "HTTP/1.1 ",
    "Content-Length: 5\r\n",
    "Content-Length: 99999999999999999\r\n",
    "Content-Length: -1\r\n",
    "Content-Length : 3\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Transfer-Encoding: gzip\r\n",
    "0\r\n\r\n",
    "ffffffffffffff",
    "GET /latest/meta-data/ HTTP/1.1\r\n\r\n",
    "HTTP/1.1 200 OK\r\nServer: EC2ws\r\n\r\n",
    "User-Agent: x\r\n",
    "Server: x\r\n",
    "?",
    "&",
    ";",
    "=",
    "#",
    "@",
    "//",
    "http://a:b@c/",
    "%",
};

static void replace(struct pf_stream *s, uint32_t at, uint32_t gone, const void *with, uint32_t len)
{
    static uint8_t rest[PF_STREAM_MAX];
    uint32_t tail = s->len - at - gone;

    memcpy(rest, s->data + at + gone, tail);
    s->len = at;
    pf_append(s, with, len);
    pf_append(s, rest, tail);
}

static void mutate_once(struct pf_stream *s, struct pf_random *r, bool tls)
{
    uint32_t at = pf_below(r, s->len), rest = s->len - at, n;
    uint8_t copy[64], byte = (uint8_t)pf_next(r);
    const char *word = PF_PICK(r, http_words);

    /* Early bytes decide more than late ones. */
    if (tls && pf_percent(r, 60) && at > 300)
        at %= 300, rest = s->len - at;
    n = 1 + pf_below(r, rest < 40 ? rest : 40);
    switch (pf_below(r, 7)) {
    case 0:
        s->data[at] ^= (uint8_t)(1u << pf_below(r, 8));
        break;
    case 1:
        s->data[at] = pf_percent(r, 30) ? 0 : byte;
        break;
    case 2:
        replace(s, at, n, "", 0);
        break;
    case 3:
        memcpy(copy, s->data + at, n);
        replace(s, pf_below(r, s->len), 0, copy, n);
        break;
    case 4:
        replace(s, at, 0, &byte, 1);
        break;
    case 5:
        if (pf_percent(r, 20))
            s->len = at;
        break;
    default:
        if (!tls)
            replace(s, at, pf_percent(r, 50) ? n % 3 : 0, word, (uint32_t)strlen(word));
        break;
    }
}

void pf_mutate(struct pf_stream *stream, struct pf_random *r, bool tls)
{
    for (uint32_t n = 1 + pf_below(r, 3); n && stream->len; n--)
        mutate_once(stream, r, tls);
}

void pf_generate(struct pf_case *c, uint64_t seed)
{
    static const uint8_t plain[] = {PF_AGENT4, PF_AGENT6, PF_AGENT4_IN_6, PF_IMDS4};
    static const uint16_t sizes[] = {1460, 1460, 1400, 536, 88};
    struct pf_random r = {seed};
    static struct pf_turns turns;

    pf_case_reset(c, seed);
    c->tls = pf_percent(&r, TLS_PERCENT);
    c->target = c->tls ? (uint8_t)(PF_TLS4 + pf_below(&r, 2)) : PF_PICK(&r, plain);
    c->mss = PF_PICK(&r, sizes);
    c->fast_open = pf_percent(&r, 15);
    c->tidy = !pf_percent(&r, MUTATED_PERCENT);
    turns.count = 0;
    if (c->tls)
        pf_generate_tls(c, &r, &turns);
    else
        pf_generate_http(c, &r, &turns);
    if (!c->tidy && pf_percent(&r, 60))
        pf_mutate(&c->egress, &r, c->tls);
    else if (!c->tidy)
        pf_mutate(&c->ingress, &r, c->tls);
    pf_schedule(c, &r, &turns);
}
