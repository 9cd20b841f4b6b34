// SPDX-License-Identifier: Apache-2.0
#include "core/kube/kube_list.h"

#include "base/util.h"
#include "core/kube/kube_line.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define POD_MAX 40u

/* What came out: pods with their text, one behind the other. */
static void note(void *data, const struct cs_kube_event *event)
{
    char *out = data;
    size_t len = strlen(out);

    snprintf(out + len, 1024 - len, "%.*s|", (int)event->pod.len, event->pod.data);
}

static const struct {
    const char *name, *text;
    int error;
    const char *pods;
    const char *version, *proceed;
    uint64_t skipped[CS_KUBE_SKIP_END];
} cases[] = {
    {"metadata first",
     "{\"kind\":\"PodList\",\"metadata\":{\"resourceVersion\":\"7\",\"continue\":\"c\"},"
     "\"items\":[{\"a\":1},{\"b\":\"}]\"}]}",
     0,
     "{\"a\":1}|{\"b\":\"}]\"}|",
     "7",
     "c",
     {0}},
    {"metadata last",
     "{\"items\":[{}],\"metadata\":{\"resourceVersion\":\"8\"}}",
     0,
     "{}|",
     "8",
     "",
     {0}},
    {"indented",
     "{\n  \"items\": [\n    {\n    },\n    { }\n  ]\n}\n",
     0,
     "{\n    }|{ }|",
     "",
     "",
     {0}},
    {"no pods", "{\"items\":[]}", 0, "", "", "", {0}},
    {"null items", "{\"items\":null,\"metadata\":{}}", 0, "", "", "", {0}},
    {"null metadata", "{\"metadata\":null,\"items\":[{}]}", 0, "{}|", "", "", {0}},
    {"empty continue", "{\"metadata\":{\"continue\":\"\"},\"items\":[]}", 0, "", "", "", {0}},
    {"escaped",
     "{\"metadata\":{\"continue\":\"a\\u0026b\"},\"it\\u0065ms\":[{}]}",
     0,
     "{}|",
     "",
     "a&b",
     {0}},
    {"other levels",
     "{\"x\":{\"items\":[{}],\"resourceVersion\":\"1\"},\"items\":[{\"items\":[{}],\"metadata\":"
     "{}}],\"metadata\":{\"m\":{\"resourceVersion\":\"2\"},\"resourceVersion\":\"3\"}}",
     0,
     "{\"items\":[{}],\"metadata\":{}}|",
     "3",
     "",
     {0}},
    {"twice",
     "{\"items\":[{}],\"items\":[{\"a\":1}],\"metadata\":{\"resourceVersion\":\"1\","
     "\"resourceVersion\":\"2\"}}",
     0,
     "{}|{\"a\":1}|",
     "2",
     "",
     {0}},
    {"wrong types skipped",
     "{\"items\":[1,\"a\",null,[{}],{}],\"metadata\":{\"continue\":1}}",
     0,
     "{}|",
     "",
     "",
     {[CS_KUBE_SKIP_MALFORMED] = 4}},
    {"malformed skipped",
     "{\"items\":[{\"a\"},{\"a\":1,},{\"a\":[1}],{}]}",
     0,
     "{}|",
     "",
     "",
     {[CS_KUBE_SKIP_MALFORMED] = 3}},
    {"bracket lost",
     "{\"items\":[{\"a\":[1},{}]}",
     -EPROTO,
     "",
     "",
     "",
     {[CS_KUBE_SKIP_MALFORMED] = 1}},
    {"UTF-8 skipped",
     "{\"items\":[{\"a\":\"\xff\"},{}]}",
     0,
     "{}|",
     "",
     "",
     {[CS_KUBE_SKIP_BAD_UTF8] = 1}},
    {"largest",
     "{\"items\":[{\"a\":\"1234567890123456789012345678901\" }]}",
     0,
     "{\"a\":\"1234567890123456789012345678901\" }|",
     "",
     "",
     {0}},
    {"too large skipped",
     "{\"items\":[{\"a\":\"12345678901234567890123456789012\" },{}]}",
     0,
     "{}|",
     "",
     "",
     {[CS_KUBE_SKIP_TOO_LARGE] = 1}},
    {"no items", "{\"metadata\":{}}", -EPROTO, "", "", "", {0}},
    {"items no array", "{\"items\":{}}", -EPROTO, "", "", "", {0}},
    {"items a string", "{\"items\":\"null\"}", -EPROTO, "", "", "", {0}},
    {"array", "[]", -EPROTO, "", "", "", {0}},
    {"scalar", "null", -EPROTO, "", "", "", {0}},
    {"empty", "", -EPROTO, "", "", "", {0}},
    {"cut in a pod",
     "{\"items\":[{},{\"a\":",
     -EPROTO,
     "{}|",
     "",
     "",
     {[CS_KUBE_SKIP_TRUNCATED] = 1}},
    {"cut behind the items", "{\"items\":[{}]", -EPROTO, "{}|", "", "", {0}},
    {"garbage between pods", "{\"items\":[{} x {}]}", -EPROTO, "{}|", "", "", {0}},
    {"no comma", "{\"items\":[{}{}]}", -EPROTO, "{}|", "", "", {0}},
    {"garbage behind", "{\"items\":[{}]}x", -EPROTO, "{}|", "", "", {0}},
    {"two lists", "{\"items\":[{}]}{\"items\":[{}]}", -EPROTO, "{}|", "", "", {0}},
};

static void test_lists(void **state)
{
    (void)state;
    for (size_t i = 0; i < CS_ARRAY_SIZE(cases); i++) {
        for (size_t piece = 1; piece < 200; piece = piece * 2 + 1) {
            char out[1024] = "";
            struct cs_kube_report report = {.on_event = note, .event_data = out};
            size_t len = strlen(cases[i].text);
            struct cs_kube_list list;
            int error;

            cs_kube_list_init(&list, &report, POD_MAX);
            for (size_t at = 0; at < len; at += piece)
                cs_kube_list_feed(&list, cases[i].text + at, len - at < piece ? len - at : piece);
            error = cs_kube_list_finish(&list);
            if (error != cases[i].error || strcmp(out, cases[i].pods) != 0)
                fail_msg("%s in pieces of %zu: %d '%s'", cases[i].name, piece, error, out);
            if (error == 0 && (strcmp(list.resource_version, cases[i].version) != 0 ||
                               strcmp(list.continue_token, cases[i].proceed) != 0))
                fail_msg("%s in pieces of %zu: version '%s', continue '%s'", cases[i].name, piece,
                         list.resource_version, list.continue_token);
            if (memcmp(report.stats.skipped, cases[i].skipped, sizeof(cases[i].skipped)) != 0)
                fail_msg("%s in pieces of %zu: skips", cases[i].name, piece);
            cs_kube_list_free(&list);
        }
    }
}

static const struct {
    const char *text;
    int error;
    enum cs_kube_type type;
    const char *object, *version;
    uint32_t code;
} events[] = {
    {"{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"resourceVersion\":\"9\"}}}", 0,
     CS_KUBE_TYPE_ADDED, "{\"metadata\":{\"resourceVersion\":\"9\"}}", "9", 0},
    {"{\"object\":{ } , \"type\":\"DELETED\"}\r", 0, CS_KUBE_TYPE_DELETED, "{ }", "", 0},
    {"{\"type\":\"MODIFIED\",\"object\":{\"spec\":{\"resourceVersion\":\"1\"},\"metadata\":{\"m\":"
     "{\"resourceVersion\":\"2\"}},\"code\":\"410\"}}",
     0, CS_KUBE_TYPE_MODIFIED, NULL, "", 0},
    {"{\"type\":\"ERROR\",\"object\":{\"code\":410}}", 0, CS_KUBE_TYPE_ERROR, "{\"code\":410}", "",
     410},
    {"{\"type\":\"ERROR\",\"object\":{\"code\":4.1e2}}", 0, CS_KUBE_TYPE_ERROR, NULL, "", 0},
    {"{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"12\"},\"spec\":"
     "{\"containers\":null}}}",
     0, CS_KUBE_TYPE_BOOKMARK, NULL, "12", 0},
    {"{\"type\":\"added\",\"object\":{}}", 0, CS_KUBE_TYPE_UNKNOWN, "{}", "", 0},
    {"{\"type\":\"ADDED\",\"x\":{\"type\":1},\"object\":{\"object\":{},\"type\":\"ERROR\"}}", 0,
     CS_KUBE_TYPE_ADDED, "{\"object\":{},\"type\":\"ERROR\"}", "", 0},
    {"{\"type\":\"ADDED\",\"object\":[]}", -EBADMSG, 0, NULL, "", 0},
    {"{\"type\":\"ADDED\",\"object\":\"{}\"}", -EBADMSG, 0, NULL, "", 0},
    {"{\"type\":null,\"object\":{}}", -EBADMSG, 0, NULL, "", 0},
    {"{\"type\":{},\"object\":{}}", -EBADMSG, 0, NULL, "", 0},
    {"{\"object\":{}}", -EBADMSG, 0, NULL, "", 0},
    {"{\"type\":\"ADDED\"}", -EBADMSG, 0, NULL, "", 0},
    {"{\"type\":\"ADDED\",\"object\":{}", -EBADMSG, 0, NULL, "", 0},
    {"{\"type\":\"ADDED\",\"object\":{}}{}", -EBADMSG, 0, NULL, "", 0},
    {"[{\"type\":\"ADDED\",\"object\":{}}]", -EBADMSG, 0, NULL, "", 0},
    {"[\"type\",\"object\"]", -EBADMSG, 0, NULL, "", 0},
};

static void test_events(void **state)
{
    (void)state;
    for (size_t i = 0; i < CS_ARRAY_SIZE(events); i++) {
        struct cs_slice line = {events[i].text, strlen(events[i].text)};
        struct cs_kube_line event;
        enum cs_kube_skip why;
        int error = cs_kube_line_parse(line, &event, &why);

        if (error != events[i].error)
            fail_msg("'%s': %d", events[i].text, error);
        if (error < 0)
            continue;
        if (event.type != events[i].type || event.code != events[i].code ||
            strcmp(event.resource_version, events[i].version) != 0)
            fail_msg("'%s': type %d, version '%s', code %u", events[i].text, event.type,
                     event.resource_version, event.code);
        if (events[i].object &&
            (event.object.len != strlen(events[i].object) ||
             memcmp(event.object.data, events[i].object, event.object.len) != 0))
            fail_msg("'%s': object '%.*s'", events[i].text, (int)event.object.len,
                     event.object.data);
    }
}

static void test_lines(void **state)
{
    static const char text[] = "one\n\n0123456789\n01234567890\n01234567890123\nlast\npart";

    (void)state;
    for (size_t piece = 1; piece < sizeof(text); piece++) {
        char out[256] = "";
        struct cs_kube_lines lines;

        cs_kube_lines_init(&lines, 10);
        for (size_t at = 0; at < sizeof(text) - 1;) {
            size_t n = sizeof(text) - 1 - at < piece ? sizeof(text) - 1 - at : piece, used;
            struct cs_slice line;
            size_t len = strlen(out);

            switch (cs_kube_lines_next(&lines, text + at, n, &used, &line)) {
            case CS_KUBE_LINES_LINE:
                snprintf(out + len, sizeof(out) - len, "%.*s|", (int)line.len, line.data);
                break;
            case CS_KUBE_LINES_TOO_LONG:
                snprintf(out + len, sizeof(out) - len, "!|");
                break;
            case CS_KUBE_LINES_MORE:
                assert_int_equal(used, n);
                break;
            }
            at += used;
        }
        if (strcmp(out, "one||0123456789|!|!|last|") != 0)
            fail_msg("in pieces of %zu: '%s'", piece, out);
        assert_true(cs_kube_lines_finish(&lines));
        assert_false(cs_kube_lines_finish(&lines));
        cs_kube_lines_free(&lines);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_events),
        cmocka_unit_test(test_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
