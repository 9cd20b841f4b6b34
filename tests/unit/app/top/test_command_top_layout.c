/* SPDX-License-Identifier: Apache-2.0 */
/* What `top` draws: at every width, with every name, and nothing that moves the cursor. */
#include "app/top/command_top_layout.h"

#include "app/top/command_top_terminal.h"
#include "app/top/command_top_text.h"
#include "base/util.h"
#include "top_samples.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define SECOND CS_NSEC_PER_SEC

static const struct top_use uses[] = {
    {"payments", "checkout-api", "irsa", "retiring", 10, 2, 1, "0.3"},
    {"shop", "a-workload-with-a-long-name", "azure-workload-identity-proxy", "retiring", 123456, 0,
     0, "80"},
    {"shop", "legacy", "imdsv1", "node", 20, 0, 0, "null"},
    {"shop", "search", "eks-pod-identity", "current", 20, 0, 0, "0.0099"},
};

static void fill(struct cs_top_model *model, const struct top_use *of, size_t n)
{
    struct top_use later[8];
    const char *text = top_document("a", of, n);

    memcpy(later, of, n * sizeof(*of));
    assert_int_equal(cs_top_model_update(model, text, strlen(text), SECOND), 0);
    later[0].total += 2;
    later[0].failures += 1;
    text = top_document("a", later, n);
    assert_int_equal(cs_top_model_update(model, text, strlen(text), 61 * SECOND), 0);
    cs_top_model_sort(model, CS_TOP_BY_NAME);
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

/* The widest of the lines, our own escape codes taken out. */
static size_t widest(const char *text)
{
    size_t most = 0;

    while (*text) {
        char line[4096];
        size_t len = 0;

        for (; *text && *text != '\n'; text++) {
            if (*text == '\033') {
                assert_int_equal(text[1], '[');
                text += 2 + strspn(text + 2, "0123456789;?");
                assert_non_null(strchr("mHJK", *text));
                continue;
            }
            assert_true((unsigned char)*text >= 0x20 && *text != 0x7f);
            line[len++] = *text;
        }
        line[len] = '\0';
        most = cs_top_text_width(line) > most ? cs_top_text_width(line) : most;
        text += *text == '\n';
    }
    return most;
}

static void assert_text(const char *text, const char *wanted)
{
    if (!strstr(text, wanted))
        fail_msg("no \"%s\" in\n%s", wanted, text);
}

static void draws_at_80_columns(void **state)
{
    _cleanup_top_model_ struct cs_top_model model = {0};
    struct cs_top_view view = {
        .width = 80, .height = 24, .live = true, .sort = CS_TOP_BY_NAME, .interval = 2};
    _cleanup_free_ char *text = NULL;

    (void)state;
    fill(&model, uses, 4);
    text = drawn(&model, &view);
    assert_string_equal(
        text,
        "\033[H"
        "\033[Kcredscope top  node-1  06:30:00 UTC  watched for 1h  every 2 s\n"
        "\033[K5 workloads  2.0 requests/min (1.0 failed)  1 waiting  12 findings, 4 critical\n"
        "\033[K   WORKLOAD               MECHANISM        REQ/MIN FAILED   P50   P99 WAIT  PODS\n"
        "\033[KR! payments/checkout-api  irsa                 2.0      3  12ms 300ms    1   1/3\n"
        "\033[KR  shop/a-wor\xe2\x80\xa6"
        "a-long-name azure-w\xe2\x80\xa6ty-proxy       0      0"
        "  12ms   80s    0   1/3\n"
        "\033[KN  shop/legacy            imdsv1                 0      0  12ms     -    0   1/3\n"
        "\033[K   shop/search            eks-pod-identity       0      0  12ms 9.9ms    0   1/3\n"
        "\033[KR retiring (2)  N node's identity (1)  ! fails (1)\n"
        "\033[Jsort: r rate  f failures  p p99  i in flight  n name  e explain findings  q quit");
    assert_int_equal(widest(text), 80);
}

static void uses_the_width_it_has(void **state)
{
    _cleanup_top_model_ struct cs_top_model model = {0};
    struct cs_top_view view = {.width = 160, .height = 24, .live = true, .interval = 0.5};
    _cleanup_free_ char *text = NULL;

    (void)state;
    fill(&model, uses, 4);
    text = drawn(&model, &view);
    assert_text(text, "shop/a-workload-with-a-long-name ");
    assert_text(text, " azure-workload-identity-proxy ");
    assert_text(text, "REQ/MIN TOTAL FAILED MOSTLY ");
    assert_text(text, "    0  123k      0 ");
    assert_text(text, "throttled");
    assert_text(text, " OK AGO ");
    assert_text(text, "    30s ");
    assert_text(text, " OLDEST ");
    assert_text(text, "   1.5s ");
    assert_text(text, "  1/3 retiring-mechanism +1\n");
    assert_text(text, "  1/3 throttled            \n"); /* the only one for imdsv1 */
    assert_text(text, "every 0.5 s");
    assert_null(strstr(text, "FAIL AGO")); /* none is known */
    assert_true(widest(text) > 140);
    free(text);
    view.width = 100;
    text = drawn(&model, &view);
    assert_text(text, " FINDING         \n");
    assert_text(text, "  1/3 retirin\xe2\x80\xa6"
                      "anism +1\n");
}

/* What there is no room for goes whole. */
static void keeps_what_matters_when_narrow(void **state)
{
    _cleanup_top_model_ struct cs_top_model model = {0};
    struct cs_top_view view = {.width = 60, .height = 24, .live = true, .interval = 2};
    _cleanup_free_ char *text = NULL;

    (void)state;
    fill(&model, uses, 4);
    text = drawn(&model, &view);
    assert_text(text, "\033[Kcredscope top  node-1  06:30:00 UTC  watched for 1h\n");
    assert_text(text, "\033[K5 workloads  12 findings, 4 critical\n");
    assert_text(text, "\033[Je explain findings  q quit");
}

static void fits_every_width_and_height(void **state)
{
    _cleanup_top_model_ struct cs_top_model model = {0};

    (void)state;
    fill(&model, uses, 4);
    for (size_t width = 1; width <= 300; width++) {
        struct cs_top_view view = {
            .width = width, .height = 6 + width % 20, .live = true, .colour = width % 2};
        _cleanup_free_ char *text = drawn(&model, &view);
        size_t lines = 1;

        if (widest(text) > width)
            fail_msg("%zu columns at %zu:\n%s", widest(text), width, text);
        for (const char *c = text; *c; c++)
            lines += *c == '\n';
        assert_true(lines <= view.height);
    }
}

static void once_is_plain(void **state)
{
    _cleanup_top_model_ struct cs_top_model model = {0};
    struct cs_top_view view = {.width = 0};
    _cleanup_free_ char *text = NULL;

    (void)state;
    fill(&model, uses, 4);
    text = drawn(&model, &view);
    assert_null(strchr(text, '\033'));
    assert_text(text, "since its start 1h ago\n");
    assert_text(
        text,
        "5 workloads  1 quiet  123508 requests (3 failed)  1 waiting  12 findings, 4 critical\n");
    assert_text(text, "`credscope top --findings` explains what is open\n");
    assert_text(text, "R! payments/checkout-api            irsa                             12");
    assert_null(strstr(text, "REQ/MIN"));
    assert_text(text, "! has failed (1)\n");
    free(text);
    view.colour = true;
    text = drawn(&model, &view);
    assert_text(text, "\033[33mirsa "); /* the class's colour */
    assert_text(text, "\033[35mimdsv1 ");
}

static void names_cannot_move_the_cursor(void **state)
{
    /* As JSON: an escape sequence, C1 controls, a line feed, right-to-left override, wide ones. */
    static const struct top_use hostile[] = {
        {"\\u001b[2J\\u001b]0;x\\u0007", "a\\u009b31mb\\u0085", "irsa", "retiring", 9, 0, 0, "1"},
        {"x\\ny\\tz\\r", "\\u202ecod\\u200b\\u0301", "\\u007f\\b", "node", 9, 0, 0, "1"},
        {"\\u6f22\\u5b57\\u6f22\\u5b57\\u6f22\\u5b57\\u6f22\\u5b57\\u6f22\\u5b57\\u6f22\\u5b57",
         "\\u6f22\\u5b57\\u6f22\\u5b57", "irsa", "retiring", 9, 0, 0, "1"},
    };
    _cleanup_top_model_ struct cs_top_model model = {0};

    (void)state;
    fill(&model, hostile, 3);
    for (size_t width = 20; width < 120; width++) {
        struct cs_top_view view = {.width = width, .height = 24, .live = true};
        _cleanup_free_ char *text = drawn(&model, &view);

        /* It looks at every byte. */
        assert_true(widest(text) <= width);
        assert_null(strstr(text, "\033[2J"));
        assert_null(strstr(text, "\xc2\x9b"));
        assert_null(strstr(text, "\xe2\x80\xae"));
    }
}

static void scrolls(void **state)
{
    _cleanup_top_model_ struct cs_top_model model = {0};
    struct cs_top_view view = {.width = 80, .height = 7, .live = true, .scroll = 1};
    _cleanup_free_ char *text = NULL;

    (void)state;
    fill(&model, uses, 4);
    assert_int_equal(cs_top_page(&view), 2);
    text = drawn(&model, &view);
    assert_null(strstr(text, "checkout-api"));
    assert_text(text, "shop/legacy");
    assert_text(text, "1 above, 1 below");
    free(text);
    view.scroll = SIZE_MAX;
    text = drawn(&model, &view);
    assert_int_equal(view.scroll, 2);
    assert_text(text, "2 above, 0 below");
    free(text);
    view.height = 24;
    text = drawn(&model, &view);
    assert_int_equal(view.scroll, 0);
}

static void says_what_is_wrong(void **state)
{
    _cleanup_top_model_ struct cs_top_model model = {0};
    struct cs_top_view view = {.width = 80, .height = 24, .live = true, .trouble = "no answer"};
    _cleanup_free_ char *text = NULL;

    (void)state;
    text = drawn(&model, &view);
    assert_text(text, "\033[Kno answer\n");
    assert_text(text, "no requests so far");
    free(text);
    fill(&model, uses, 4);
    model.omitted = 7;
    view.trouble = NULL;
    text = drawn(&model, &view);
    assert_text(text, "7 NOT SHOWN");
}

static void numbers_are_short(void **state)
{
    static const struct {
        void (*format)(double n, char to[CS_TOP_NUMBER_MAX]);
        double n;
        const char *text;
    } cases[] = {
        {cs_top_text_count, -1, "-"},          {cs_top_text_count, 0, "0"},
        {cs_top_text_count, 99999, "99999"},   {cs_top_text_count, 100000, "100k"},
        {cs_top_text_count, 999600, "1.0M"},   {cs_top_text_count, 12.3e6, "12.3M"},
        {cs_top_text_count, 123e6, "123M"},    {cs_top_text_rate, 0, "0"},
        {cs_top_text_rate, 0.04, "0.0"},       {cs_top_text_rate, 9.9, "9.9"},
        {cs_top_text_rate, 9.96, "10"},        {cs_top_text_rate, -1, "-"},
        {cs_top_text_duration, -1, "-"},       {cs_top_text_duration, 0.0004, "0.4ms"},
        {cs_top_text_duration, 0.012, "12ms"}, {cs_top_text_duration, 0.9994, "999ms"},
        {cs_top_text_duration, 1.26, "1.3s"},  {cs_top_text_duration, 80, "80s"},
        {cs_top_text_duration, 999.6, "16m"},  {cs_top_text_age, 59.9, "59s"},
        {cs_top_text_age, 60, "1m"},           {cs_top_text_age, 47 * 3600, "47h"},
        {cs_top_text_age, 49 * 3600, "2d"},    {cs_top_text_age, 1e12, "-"},
    };

    (void)state;
    for (size_t i = 0; i < CS_ARRAY_SIZE(cases); i++) {
        char text[CS_TOP_NUMBER_MAX];

        cases[i].format(cases[i].n, text);
        if (strcmp(text, cases[i].text) != 0)
            fail_msg("%g: %s, not %s", cases[i].n, text, cases[i].text);
    }
}

static void decodes_keys(void **state)
{
    static const struct {
        const char *bytes;
        int keys[4];
        size_t count;
    } cases[] = {
        {"q", {'q'}, 1},
        {"rf", {'r', 'f'}, 2},
        {"\033[A", {CS_KEY_UP}, 1},
        {"\033OB\033[6~", {CS_KEY_DOWN, CS_KEY_PAGE_DOWN}, 2},
        {"\033[3~", {CS_KEY_NONE}, 1}, /* unknown: not '3', not '~' */
        {"\033q", {CS_KEY_NONE}, 1},   /* Alt-q is not q */
        {"\033", {CS_KEY_NONE}, 1},
        {"abcdefg", {'a', 'b', 'c', 'd'}, 4},
    };

    (void)state;
    for (size_t i = 0; i < CS_ARRAY_SIZE(cases); i++) {
        int keys[4] = {0};

        assert_int_equal(cs_terminal_decode(cases[i].bytes, strlen(cases[i].bytes), keys, 4),
                         cases[i].count);
        assert_memory_equal(keys, cases[i].keys, sizeof(keys));
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
        cmocka_unit_test(draws_at_80_columns),
        cmocka_unit_test(uses_the_width_it_has),
        cmocka_unit_test(keeps_what_matters_when_narrow),
        cmocka_unit_test(fits_every_width_and_height),
        cmocka_unit_test(once_is_plain),
        cmocka_unit_test(names_cannot_move_the_cursor),
        cmocka_unit_test(scrolls),
        cmocka_unit_test(says_what_is_wrong),
        cmocka_unit_test(numbers_are_short),
        cmocka_unit_test(decodes_keys),
    };

    return cmocka_run_group_tests(tests, utf8, NULL);
}
