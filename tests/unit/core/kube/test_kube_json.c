// SPDX-License-Identifier: Apache-2.0
#include "core/kube/kube_json.h"

#include "base/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define DEPTH 8

/* Scan text in pieces of `piece` bytes. Writes the tokens as one letter each, keys and values
 * with their text. */
static void scan(const char *text, size_t len, size_t piece, uint32_t token_depth, char *out,
                 size_t size, struct cs_json_scan *scan)
{
    static const char letters[] = {
        [CS_JSON_OBJECT] = '{', [CS_JSON_ARRAY] = '[',  [CS_JSON_CLOSE] = ']',
        [CS_JSON_KEY] = 'k',    [CS_JSON_STRING] = 's', [CS_JSON_ATOM] = 'a'};
    size_t at = 0;

    cs_json_scan_init(scan, DEPTH, token_depth);
    out[0] = '\0';
    while (at < len) {
        size_t n = len - at < piece ? len - at : piece, used = 0;
        enum cs_json_token token = cs_json_scan_next(scan, text + at, n, &used);
        size_t done = strlen(out);

        assert_true(used <= n && (used > 0 || token != CS_JSON_MORE));
        at += used;
        if (token == CS_JSON_KEY || token == CS_JSON_STRING || token == CS_JSON_ATOM)
            snprintf(out + done, size - done, "%c(%.*s%s)", letters[token], (int)scan->text_len,
                     scan->text, scan->text_plain ? "" : "~");
        else if (token != CS_JSON_MORE)
            snprintf(out + done, size - done, "%c", letters[token]);
    }
}

#define OK   0u
#define BAD  CS_JSON_BAD_SYNTAX
#define UTF8 CS_JSON_BAD_UTF8
#define DEEP CS_JSON_TOO_DEEP

static const struct {
    const char *text;
    uint32_t faults;
    bool done;
} texts[] = {
    {"{}", OK, true},
    {" [ ] \r\n\t", OK, true},
    {"[1,-1,0,-0,0.5,1e9,1E+9,1.25e-10,12345678901234567890]", OK, true},
    {"[true,false,null]", OK, true},
    {"{\"a\":{\"b\":[{},[],\"\"]},\"a\":1}", OK, true},
    {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uD834\\udd1e\"", OK, true},
    {"\"\xc3\xa9\xe2\x82\xac\xed\x9f\xbf\xee\x80\x80\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"", OK, true},
    {"null", OK, true},
    {"", OK, false},
    {"[", OK, false},
    {"[1", OK, false},
    {"\"a", OK, false},
    {"tru", OK, false},
    {"{\"a\"", OK, false},
    /* grammar */
    {"[1,]", BAD, true},
    {"[,1]", BAD, true},
    {"[1 2]", BAD, true},
    {"{,}", BAD, true},
    {"{\"a\"}", BAD, true},
    {"{\"a\":}", BAD, true},
    {"{\"a\":1,}", BAD, true},
    {"{\"a\" 1}", BAD, true},
    {"{\"a\"::1}", BAD, true},
    {"{a:1}", BAD, true},
    {"{1:1}", BAD, true},
    {"[\"a\":1]", BAD, true},
    {"[1}", BAD, true},
    {"{]", BAD, true},
    {"{}{}", BAD, true},
    {"{},", BAD, true},
    {"{}x", BAD, true},
    {"]", BAD, false},
    {"}", BAD, false},
    /* atoms */
    {"[01]", BAD, true},
    {"[+1]", BAD, true},
    {"[.5]", BAD, true},
    {"[1.]", BAD, true},
    {"[1e]", BAD, true},
    {"[1e+]", BAD, true},
    {"[-]", BAD, true},
    {"[--1]", BAD, true},
    {"[0x10]", BAD, true},
    {"[NaN]", BAD, true},
    {"[truE]", BAD, true},
    {"[nulll]", BAD, true},
    {"[truefalse]", BAD, true},
    {"['a']", BAD, true},
    /* strings */
    {"[\"\n\"]", BAD, true},
    {"[\"\x1f\"]", BAD, true},
    {"[\"\x7f\"]", OK, true},
    {"[\"\\x\"]", BAD, true},
    {"[\"\\u12g4\"]", BAD, true},
    {"[\"\\u12\"]", BAD, true},
    {"[\"\\\n\"]", BAD, true},
    /* UTF-8 */
    {"[\"\x80\"]", UTF8, true},
    {"[\"\xc0\xaf\"]", UTF8, true},
    {"[\"\xc1\xbf\"]", UTF8, true},
    {"[\"\xc3\"]", UTF8, true},
    {"[\"\xc3(\"]", UTF8, true},
    {"[\"\xe0\x9f\xbf\"]", UTF8, true},
    {"[\"\xe2\x82\"]", UTF8, true},
    {"[\"\xed\xa0\x80\"]", UTF8, true},
    {"[\"\xf0\x8f\xbf\xbf\"]", UTF8, true},
    {"[\"\xf4\x90\x80\x80\"]", UTF8, true},
    {"[\"\xf5\x80\x80\x80\"]", UTF8, true},
    {"[\"\xff\"]", UTF8, true},
    {"[\"\xc3\xc3\xa9\"]", UTF8, true},
    {"[\"\\\xc3\xa9\"]", BAD, true},
    {"\xef\xbb\xbf{}", BAD, true}, /* a byte order mark, RFC 8259, 8.1 */
    /* depth */
    {"[[[[[[[[]]]]]]]]", OK, true},
    {"[[[[[[[[[]]]]]]]]]", DEEP, true},
    {"{\"a\":[{\"a\":[{\"a\":[{\"a\":[{}]}]}]}]}", DEEP, true},
};

static void test_grammar(void **state)
{
    (void)state;
    for (size_t i = 0; i < CS_ARRAY_SIZE(texts); i++) {
        for (size_t piece = 1; piece < 20; piece++) {
            struct cs_json_scan s;
            char out[512];

            scan(texts[i].text, strlen(texts[i].text), piece, 2, out, sizeof(out), &s);
            if (s.faults != texts[i].faults || cs_json_scan_done(&s) != texts[i].done)
                fail_msg("'%s' in pieces of %zu: faults %u, done %d", texts[i].text, piece,
                         s.faults, cs_json_scan_done(&s));
        }
    }
}

static const struct {
    const char *text;
    uint32_t depth;
    const char *tokens;
} tokens[] = {
    {"{\"a\":1}", 1, "{k(a)a(1)]"},
    {"{\"a\":1}", 0, "{]"},
    {"{\"a\":{\"b\":[1,\"x\"]},\"c\":null}", 1, "{k(a){]k(c)a(null)]"},
    {"{\"a\":{\"b\":[1,\"x\"]},\"c\":null}", 2, "{k(a){k(b)[]]k(c)a(null)]"},
    {"{\"a\":{\"b\":[1,\"x\"]},\"c\":null}", 9, "{k(a){k(b)[a(1)s(x)]]k(c)a(null)]"},
    {"{\"\\u0061\\n\\/\":\"\\u003c\\u0026\"}", 1, "{k(a\n/)s(<&)]"},
    {"{\"\\u00e9\":\"\\u0000\"}", 1, "{k(~)s(~)]"},
    {"[-1.5e+3,true]", 1, "[a(-1.5e+3)a(true)]"},
    {"[\"\xc3\xa9\"]", 1, "[s(\xc3\xa9)]"},
    /* what is wrong is followed all the same */
    {"{\"a\" 1,{]}x", 3, "{k(a)a(1){]]"},
    {"[1}[2]", 1, "[a(1)][a(2)]"},
};

static void test_tokens(void **state)
{
    (void)state;
    for (size_t i = 0; i < CS_ARRAY_SIZE(tokens); i++) {
        for (size_t piece = 1; piece < 20; piece++) {
            struct cs_json_scan s;
            char out[512];

            scan(tokens[i].text, strlen(tokens[i].text), piece, tokens[i].depth, out, sizeof(out),
                 &s);
            if (strcmp(out, tokens[i].tokens) != 0)
                fail_msg("'%s' in pieces of %zu: '%s'", tokens[i].text, piece, out);
        }
    }
}

/* Every byte at every distance from the run of plain ones before it: the eight-at-a-time path. */
static void test_plain_runs(void **state)
{
    (void)state;
    for (size_t len = 0; len < 20; len++) {
        for (int byte = 1; byte < 256; byte++) {
            char text[64] = "\"", out[128];
            struct cs_json_scan s;
            uint32_t want = byte < 0x20 ? BAD : byte >= 0x80 ? UTF8 : OK;

            if (byte == '"' || byte == '\\')
                continue;
            memset(text + 1, 'x', len);
            text[1 + len] = (char)byte;
            memset(text + 2 + len, 'y', 9);
            text[2 + len + 9] = '"';
            scan(text, strlen(text), 64, 1, out, sizeof(out), &s);
            if (s.faults != want || !cs_json_scan_done(&s))
                fail_msg("byte %#x after %zu: faults %u", (unsigned int)byte, len, s.faults);
            assert_int_equal(s.text_len, len + 10);
            assert_memory_equal(s.text, text + 1, len + 10);
        }
    }
}

static void test_long_text(void **state)
{
    static char text[CS_JSON_TEXT_MAX + 3];
    struct cs_json_scan s;
    size_t used;

    (void)state;
    for (size_t len = CS_JSON_TEXT_MAX; len <= CS_JSON_TEXT_MAX + 1; len++) {
        memset(text, 'x', sizeof(text));
        text[0] = text[len + 1] = '"';
        cs_json_scan_init(&s, DEPTH, 1);
        assert_int_equal(cs_json_scan_next(&s, text, len + 2, &used), CS_JSON_STRING);
        assert_int_equal(used, len + 2);
        assert_int_equal(s.text_len, CS_JSON_TEXT_MAX);
        assert_int_equal(s.text_plain, len == CS_JSON_TEXT_MAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grammar),
        cmocka_unit_test(test_tokens),
        cmocka_unit_test(test_plain_runs),
        cmocka_unit_test(test_long_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
