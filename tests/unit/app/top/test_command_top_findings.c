/* SPDX-License-Identifier: Apache-2.0 */
/* The open findings as `top` shows them: order, explanations wrapped at any width, scrolling. */
#include "app/top/command_top_layout.h"

#include "app/top/command_top_text.h"
#include "base/util.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FINDING(name, severity, expected, text)                                           \
    "{\"finding\":\"" name "\",\"severity\":\"" severity "\",\"expected\":" expected      \
    ",\"containers\":2,\"since\":\"2026-11-21T06:25:00.000Z\",\"mechanisms\":[\"irsa\"]," \
    "\"explanation\":\"" text "\"}"
#define WORKLOAD(name, findings)                                                       \
    "{\"namespace\":\"shop\",\"service_account\":\"payer\",\"workload_kind\":\"Job\"," \
    "\"workload\":\"" name "\",\"pods\":1,\"findings\":[" findings "],\"mechanisms\":[]}"
#define DOCUMENT(workloads)                                                        \
    "{\"schema\":1,\"node\":\"node-1\",\"run_id\":\"a\",\"observed_seconds\":600," \
    "\"time\":\"2026-11-21T06:30:00.500Z\",\"workloads\":[" workloads "],\"omitted\":0}"

#define RETIRING FINDING("retiring-mechanism", "warning", "false", "Got it through irsa. Move it.")
#define GLOBAL   FINDING("global-sts-endpoint", "info", "false", "Uses one region.")
#define FAILING  FINDING("refresh-failing", "critical", "false", "It can not renew its credentials.")
#define EXPECTED FINDING("undeclared-node-identity", "warning", "true", "As it should.")

#define WEB WORKLOAD("web", RETIRING "," GLOBAL)
#define API WORKLOAD("api", FAILING "," RETIRING)
#define CNI WORKLOAD("cni", EXPECTED)

static const char FINDINGS[] = DOCUMENT(WEB "," API "," CNI);

static void take(struct cs_top_model *model, const char *text)
{
    assert_int_equal(cs_top_model_update(model, text, strlen(text), CS_NSEC_PER_SEC), 0);
    cs_top_model_sort(model, CS_TOP_BY_RATE);
}

/* NUL-terminated; free it. */
static char *drawn(const struct cs_top_model *model, struct cs_top_view *view)
{
    struct cs_buffer buffer;

    cs_buffer_init(&buffer, 1 << 20);
    cs_top_draw(model, view, &buffer);
    cs_buffer_add(&buffer, "", 1);
    assert_int_equal(buffer.error, 0);
    return buffer.data;
}

static void lists_the_worst_first(void **state)
{
    _cleanup_top_model_ struct cs_top_model model = {0};
    struct cs_top_view view = {.findings = true};
    _cleanup_free_ char *text = NULL;

    (void)state;
    take(&model, FINDINGS);
    text = drawn(&model, &view);
    assert_string_equal(
        text,
        "credscope top  node-1  06:30:00 UTC  since its start 10m ago\n"
        "3 workloads  3 quiet  0 requests (0 failed)  0 waiting  4 findings, 1 critical\n"
        "critical  refresh-failing  shop/api  for 5m  2 containers  service account payer\n"
        "          It can not renew its credentials.\n"
        "warning   retiring-mechanism  shop/api  for 5m  2 containers  service account payer\n"
        "          Got it through irsa. Move it.\n"
        "warning   retiring-mechanism  shop/web  for 5m  2 containers  service account payer\n"
        "          Got it through irsa. Move it.\n"
        "info      global-sts-endpoint  shop/web  for 5m  2 containers  service account payer\n"
        "          Uses one region.\n"
        "1 as expected, not shown\n");
    take(&model, DOCUMENT(WORKLOAD("web", "")));
    free(text);
    text = drawn(&model, &view);
    assert_non_null(strstr(text, "0 waiting\nnothing is open\n"));
    assert_null(strstr(text, "not shown"));
}

static void wraps_and_scrolls(void **state)
{
    _cleanup_top_model_ struct cs_top_model model = {0};
    struct cs_top_view view = {
        .width = 32, .height = 9, .live = true, .findings = true, .scroll = 1};
    _cleanup_free_ char *text = NULL;

    (void)state;
    take(&model, FINDINGS);
    text = drawn(&model, &view);
    assert_string_equal(text, "\033[H\033[Kcredscope top  node-1\n"
                              "\033[K3 workloads\n"
                              "\033[KOPEN FINDINGS, worst first: why,\n"
                              "\033[K  It can not renew its\n"
                              "\033[K  credentials.\n"
                              "\033[Kwarning   retiring-mechanism  sh\n"
                              "\033[K  Got it through irsa. Move it.\n"
                              "\033[K1 above, 4 below: up, down\n"
                              "\033[Je back to the table  q quit");
    view.scroll = SIZE_MAX;
    free(text);
    text = drawn(&model, &view);
    assert_int_equal(view.scroll, 5);
    assert_non_null(strstr(text, "  Uses one region.\n\033[K5 above, 0 below"));
    view.colour = true;
    view.scroll = 0;
    free(text);
    text = drawn(&model, &view);
    assert_non_null(strstr(text, "\033[31mcritical  refresh-failing"));
    assert_non_null(strstr(text, "\033[33mwarning   retiring"));
}

static void wraps_text(void **state)
{
    static const struct {
        const char *text;
        size_t width;
        const char *lines; /* each with | at its end */
    } cases[] = {
        {"", 5, ""},
        {"one two three", 7, "one two|three|"},
        {"one two three", 8, "one two|three|"},
        {"one two three", 13, "one two three|"},
        {"one  two", 4, "one|two|"},
        {"arn:aws:iam::1:role/x", 8, "arn:aws:|iam::1:r|ole/x|"},
        {"a arn:aws:iam", 8, "a|arn:aws:|iam|"},
        {"\xe6\xbc\xa2\xe5\xad\x97 x", 3, "\xe6\xbc\xa2|\xe5\xad\x97|x|"},
        {"\xe6\xbc\xa2\xe5\xad\x97", 1, "\xe6\xbc\xa2|\xe5\xad\x97|"},
    };

    (void)state;
    for (size_t i = 0; i < CS_ARRAY_SIZE(cases); i++) {
        const char *rest = cases[i].text;
        char lines[128] = "";

        while (*rest) {
            size_t len;
            const char *line = cs_top_text_wrap(&rest, cases[i].width, &len);

            assert_true(len > 0);
            strncat(lines, line, len);
            strcat(lines, "|");
        }
        assert_string_equal(lines, cases[i].lines);
    }
}

static int utf8(void **state)
{
    (void)state;
    return setlocale(LC_CTYPE, "C.UTF-8") ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_the_worst_first),
        cmocka_unit_test(wraps_and_scrolls),
        cmocka_unit_test(wraps_text),
    };

    return cmocka_run_group_tests(tests, utf8, NULL);
}
