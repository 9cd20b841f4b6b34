/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An incremental JSON scanner (RFC 8259) for streams of any size in fixed memory: it checks the
 * grammar and UTF-8, follows nesting, and hands out the few tokens near the top, whose text it
 * keeps. It allocates nothing, and where the bytes are cut into pieces changes no result.
 *
 * A fault never stops it: every byte has a defined meaning, so that brackets and strings go on
 * being followed and a caller can skip one bad element of a list and use the next.
 */
#ifndef CS_CORE_KUBE_JSON_H
#define CS_CORE_KUBE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CS_JSON_TEXT_MAX    2048u /* bytes kept of a key or value */
#define CS_JSON_TYPED_DEPTH 128u  /* levels whose kind of bracket is remembered */

enum cs_json_token {
    CS_JSON_MORE, /* the bytes are used up */
    CS_JSON_OBJECT,
    CS_JSON_ARRAY,
    CS_JSON_CLOSE,
    CS_JSON_KEY,
    CS_JSON_STRING,
    CS_JSON_ATOM, /* number, true, false, null */
};

enum cs_json_fault {
    CS_JSON_BAD_SYNTAX = 1 << 0,
    CS_JSON_BAD_UTF8 = 1 << 1,
    CS_JSON_TOO_DEEP = 1 << 2,
};

struct cs_json_scan {
    /* Set by init. */
    uint32_t depth_max; /* at most CS_JSON_TYPED_DEPTH; deeper is a fault, and still followed */
    uint32_t token_depth;

    uint32_t depth;  /* open brackets */
    uint32_t faults; /* enum cs_json_fault, ored; the caller clears them */

    /* Of the last KEY, STRING (between its quotes, escapes decoded) or ATOM token. */
    char text[CS_JSON_TEXT_MAX];
    uint32_t text_len;
    bool text_plain; /* text is all of it: not cut, and no escape that isn't ASCII or is NUL */

    /* Private. */
    uint64_t objects[CS_JSON_TYPED_DEPTH / 64];
    uint8_t expect;
    uint8_t lexer;
    uint8_t number;
    uint8_t hex_left;
    uint16_t hex;
    uint8_t utf8_left, utf8_low, utf8_high;
    bool is_key;
    bool keeping;
    const char *literal;
};

/* Tokens are handed out while at most token_depth brackets are open: a KEY or value in one of
 * them, OBJECT and ARRAY that stand in one of them, CLOSE that ends at such a depth. */
void cs_json_scan_init(struct cs_json_scan *scan, uint32_t depth_max, uint32_t token_depth);

/* Scan until the next token or the end of the bytes; *used says how many were scanned, the
 * token's last one included (an ATOM ends before the byte that ends it). scan->depth is the one
 * after the token. Call again with the rest; n may be 0. */
enum cs_json_token cs_json_scan_next(struct cs_json_scan *scan, const char *bytes, size_t n,
                                     size_t *used);

/* One whole object, array, string or literal was scanned, and nothing but white space after it
 * unless faults say so. */
bool cs_json_scan_done(const struct cs_json_scan *scan);

/* The last token's text is exactly this. */
bool cs_json_text_is(const struct cs_json_scan *scan, const char *text);

#endif
