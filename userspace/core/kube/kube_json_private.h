/* SPDX-License-Identifier: Apache-2.0 */
/* What the two halves of the JSON scanner share: structure and atoms, and strings. */
#ifndef CS_CORE_KUBE_JSON_PRIVATE_H
#define CS_CORE_KUBE_JSON_PRIVATE_H

#include "core/kube/kube_json.h"

#include <string.h>

enum expect {
    EXPECT_VALUE, /* first: the state of a zeroed scanner */
    EXPECT_VALUE_OR_END,
    EXPECT_KEY,
    EXPECT_KEY_OR_END,
    EXPECT_COLON,
    EXPECT_NEXT, /* a comma or the end of the level */
    EXPECT_NOTHING,
};

enum lexer { LEX_NONE, LEX_STRING, LEX_ESCAPE, LEX_HEX, LEX_LITERAL, LEX_NUMBER };

static inline void fault(struct cs_json_scan *scan, enum cs_json_fault what)
{
    scan->faults |= (uint32_t)what;
}

static inline void value_ended(struct cs_json_scan *scan)
{
    scan->expect = scan->depth ? EXPECT_NEXT : EXPECT_NOTHING;
}

static inline void text_add(struct cs_json_scan *scan, const char *bytes, size_t n)
{
    if (!scan->keeping)
        return;
    if (n > CS_JSON_TEXT_MAX - scan->text_len) {
        n = CS_JSON_TEXT_MAX - scan->text_len;
        scan->text_plain = false;
    }
    memcpy(scan->text + scan->text_len, bytes, n);
    scan->text_len += (uint32_t)n;
}

static inline enum cs_json_token at_depth(const struct cs_json_scan *scan, uint32_t depth,
                                          enum cs_json_token token)
{
    return depth <= scan->token_depth ? token : CS_JSON_MORE;
}

/* Scan bytes of a string (LEX_STRING), or one after a backslash (LEX_ESCAPE, LEX_HEX). */
enum cs_json_token cs_json_scan_string(struct cs_json_scan *scan, const char *bytes, size_t n,
                                       size_t *used);
void cs_json_scan_escape(struct cs_json_scan *scan, char c, size_t *used);
void cs_json_scan_hex(struct cs_json_scan *scan, char c, size_t *used);

#endif
