/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * One byte of a request's target.
 *
 * The target's secrets are cut as they pass, and with them what only might be one. Kept are host,
 * path and the query parameters whose name is allowed. Cut are userinfo; all other parameters,
 * names included, since "?SECRET==" is a name; and everything from the first ';', '&' or '#'
 * of a path, a second '?', or an escape that a lenient reader takes for one of these.
 */
#ifndef CS_HTTP_TARGET_BPF_H
#define CS_HTTP_TARGET_BPF_H

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

static __always_inline bool cs_query_allowed(__u64 hash)
{
    return hash == CS_HASH("resource") || hash == CS_HASH("client_id") ||
           hash == CS_HASH("object_id") || hash == CS_HASH("principal_id") ||
           hash == CS_HASH("msi_res_id") || hash == CS_HASH("mi_res_id") ||
           hash == CS_HASH("api-version");
}

/* The end of a target, from any of its phases. */
static __always_inline void cs_target_end(cs_http *h)
{
    cs_line_put(h, ' ');
    cs_token_start(h, CS_VERSION);
}

/*
 * What follows takes a byte and returns what is to be put into the line for it: the byte, another
 * in its place, or CS_NOTHING.
 */
#define CS_NOTHING 0

/* From here on the target may hold a secret. */
static __always_inline __u8 cs_target_stop(cs_http *h)
{
    h->flags |= CS_REQUEST_QUERY_CUT;
    h->phase = CS_TARGET_CUT;
    return CS_NOTHING;
}

/* … and did so since the mark. */
static __always_inline __u8 cs_target_cut(cs_http *h)
{
    cs_line_rewind(h);
    h->phase = CS_TARGET_CUT;
    return CS_NOTHING;
}

static __always_inline __u8 cs_escape_start(cs_http *h)
{
    h->mark = h->line_len;
    h->phase = CS_TARGET_ESCAPE;
    return '%';
}

/* Behind separator c; the first that is kept has '?' before it. */
static __always_inline __u8 cs_query_start(cs_http *h, __u8 c)
{
    cs_token_start(h, CS_QUERY_NAME);
    return h->seen & CS_SEEN_QUERY ? c : '?';
}

/* A parameter without '='. */
static __always_inline void cs_query_drop(cs_http *h)
{
    if (h->count)
        cs_line_rewind(h);
    else
        h->line_len = h->mark;
}

/* Sets of characters as bits, so that the verifier has no branch for each. */
#define CS_BITS(from, to)          ((~0ULL >> (63 - ((to) - (from)))) << ((from)&63))
#define CS_BIT(c)                  (1ULL << ((c)&63))
#define CS_DIGITS                  CS_BITS('0', '9')
#define CS_HEX_LETTERS             (CS_BITS('A', 'F') | CS_BITS('a', 'f'))
#define CS_IN_SET(c, below, above) ((((c)&64 ? (above) : (below)) >> ((c)&63)) & 1)

enum { CS_AUTHORITY_DOUBT = 1, CS_AUTHORITY_PORT = 2 }; /* in count */

/* What is no host and port: bytes of a query, or a port that is none. '@' may still come. */
static __always_inline void cs_authority_judge(cs_http *h, __u8 c)
{
    __u64 odd = CS_BIT('%') | CS_BIT('=') | CS_BIT('&') | CS_BIT(';');
    __u16 count = h->count;

    if (count & CS_AUTHORITY_PORT)
        odd = ~(CS_DIGITS | CS_BIT(':') | CS_BIT('.'));
    if (CS_IN_SET(c, odd,
                  count & CS_AUTHORITY_PORT ? ~(CS_HEX_LETTERS | CS_BIT('[') | CS_BIT(']')) : 0))
        count |= CS_AUTHORITY_DOUBT;
    if (c == ':')
        count |= CS_AUTHORITY_PORT;
    h->count = count;
}

/* Before the path: "http://user:secret@host:80" or "user:secret@host:80". */
static __always_inline __u8 cs_byte_authority(cs_http *h, __u8 c)
{
    __u8 previous = h->previous;

    h->previous = c;
    if (c == '@') {
        cs_line_rewind(h);
        h->count = 0;
        return CS_NOTHING;
    }
    if (c != '/' && c != '?' && c != '#') {
        cs_authority_judge(h, c);
        return c;
    }
    if (h->count & CS_AUTHORITY_DOUBT)
        return cs_target_cut(h);
    if (c == '?')
        return cs_query_start(h, c);
    if (c == '#')
        return cs_target_stop(h);
    if (h->phase == CS_TARGET_AUTHORITY || !previous) {
        h->phase = CS_TARGET_PATH;
    } else if (previous == '/') {
        cs_line_put(h, c); /* before what userinfo goes back to */
        cs_token_start(h, CS_TARGET_AUTHORITY);
        return CS_NOTHING;
    } else if (previous != ':') {
        h->phase = CS_TARGET_PATH;
    }
    return c;
}

static __always_inline __u8 cs_byte_path(cs_http *h, __u8 c)
{
    if (c == '?')
        return cs_query_start(h, c);
    if (c == ';' || c == '&' || c == '#')
        return cs_target_stop(h);
    return c == '%' ? cs_escape_start(h) : c;
}

/* ASCII, other than what cuts when it stands there by itself: "%3F" is a '?' to some. */
static __always_inline __u8 cs_byte_escape(cs_http *h, __u8 c)
{
    __u64 digits = CS_DIGITS, letters = CS_HEX_LETTERS;
    bool low = h->phase == CS_TARGET_ESCAPE_LOW;
    __u8 high = h->previous;

    if (!low) {
        digits = CS_BITS('2', '7');
        letters = 0;
    } else if (high == '2') {
        digits &= ~(CS_BIT('3') | CS_BIT('5') | CS_BIT('6'));
    } else if (high == '3') {
        letters &= ~(CS_BIT('b') | CS_BIT('B') | CS_BIT('f') | CS_BIT('F'));
    }
    if (!CS_IN_SET(c, digits, letters))
        return cs_target_cut(h);
    h->previous = c;
    h->phase = !low                      ? CS_TARGET_ESCAPE_LOW
               : h->seen & CS_SEEN_QUERY ? CS_QUERY_KEEP
                                         : CS_TARGET_PATH;
    return c;
}

static __always_inline __u8 cs_byte_query_name(cs_http *h, __u8 c)
{
    __u64 hash = h->hash;
    __u16 count = h->count;

    if (c == '&' || c == ';' || c == '#') {
        cs_query_drop(h);
        return c == '#' ? cs_target_stop(h) : cs_query_start(h, c);
    }
    if (c == '=' && cs_query_allowed(hash)) {
        h->seen |= CS_SEEN_QUERY;
        h->phase = CS_QUERY_KEEP;
        return c;
    }
    if (c == '=' || count >= CS_QUERY_NAME_MAX) {
        cs_line_rewind(h);
        h->phase = CS_QUERY_CUT;
        return CS_NOTHING;
    }
    h->hash = cs_hash_byte(hash, c);
    h->count = count + 1;
    return c;
}

static __always_inline __u8 cs_byte_query_value(cs_http *h, __u8 c)
{
    bool keep = h->phase == CS_QUERY_KEEP;

    if (c == '&' || c == ';')
        return cs_query_start(h, c);
    if (c == '#' || (keep && c == '?'))
        return cs_target_stop(h);
    if (!keep)
        return CS_NOTHING;
    return c == '%' ? cs_escape_start(h) : c;
}

/* A target ends within something of which it isn't known what it is. */
static __always_inline void cs_target_unfinished(cs_http *h)
{
    __u8 phase = h->phase;

    if (phase == CS_QUERY_NAME)
        cs_query_drop(h);
    else if (phase == CS_TARGET_ESCAPE || phase == CS_TARGET_ESCAPE_LOW ||
             (phase <= CS_TARGET_AUTHORITY && (h->count & CS_AUTHORITY_DOUBT)))
        cs_line_rewind(h);
}

static __always_inline void cs_byte_target(cs_http *h, __u8 c)
{
    __u8 phase = h->phase;

    if (c == ' ') {
        cs_target_unfinished(h);
        cs_target_end(h);
        return;
    }
    if (c < 0x21 || c > 0x7e) {
        cs_http_fail(h, CS_GAP_MALFORMED);
        return;
    }
    if (phase == CS_TARGET_START || phase == CS_TARGET_AUTHORITY)
        c = cs_byte_authority(h, c);
    else if (phase == CS_TARGET_PATH)
        c = cs_byte_path(h, c);
    else if (phase == CS_TARGET_ESCAPE || phase == CS_TARGET_ESCAPE_LOW)
        c = cs_byte_escape(h, c);
    else if (phase == CS_QUERY_NAME)
        c = cs_byte_query_name(h, c);
    else if (phase != CS_TARGET_CUT)
        c = cs_byte_query_value(h, c);
    else
        c = CS_NOTHING;
    if (c)
        cs_line_put(h, c);
}

#endif
