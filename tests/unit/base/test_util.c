/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "base/util.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void numbers(void **unused)
{
    static const struct {
        const char *text;
        int error;
        uint64_t value;
    } cases[] = {
        {"0", -ERANGE, 0},
        {"1", 0, 1},
        {"100", 0, 100},
        {"101", -ERANGE, 0},
        {"18446744073709551616", -ERANGE, 0},
        {"", -EINVAL, 0},
        {"-1", -EINVAL, 0},
        {" 1", -EINVAL, 0},
        {"1x", -EINVAL, 0},
        {"0x1", -EINVAL, 0},
    };

    (void)unused;
    for (size_t i = 0; i < CS_ARRAY_SIZE(cases); i++) {
        uint64_t value = 7;

        assert_int_equal(cs_parse_u64(cases[i].text, 1, 100, &value), cases[i].error);
        assert_int_equal(value, cases[i].error ? 7 : cases[i].value);
    }
}

static void copies_are_cut_and_say_so(void **unused)
{
    char to[4];

    (void)unused;
    assert_true(cs_text_copy(to, sizeof(to), "abc", 3));
    assert_string_equal(to, "abc");
    assert_false(cs_text_copy(to, sizeof(to), "abcd", 4));
    assert_string_equal(to, "abc");
    assert_true(cs_text_copy(to, sizeof(to), "", 0));
    assert_string_equal(to, "");
}

/* What a log call writes to stderr. */
static void capture(char *to, size_t size, enum cs_log_format format, enum cs_log_level level,
                    const char *message)
{
    int ends[2], saved = dup(STDERR_FILENO);
    ssize_t n;

    assert_int_equal(pipe(ends), 0);
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    cs_log_setup(CS_LOG_INFO, format);
    cs_log(level, "%s", message);
    dup2(saved, STDERR_FILENO);
    close(saved);
    n = read(ends[0], to, size - 1);
    close(ends[0]);
    to[n > 0 ? n : 0] = '\0';
    cs_log_setup(CS_LOG_INFO, CS_LOG_TEXT);
}

static void log_lines(void **unused)
{
    char line[4096];

    (void)unused;
    capture(line, sizeof(line), CS_LOG_TEXT, CS_LOG_INFO, "ready");
    assert_string_equal(line, "credscope: ready\n");
    capture(line, sizeof(line), CS_LOG_TEXT, CS_LOG_ERROR, "a\nb\x1b[31m");
    assert_string_equal(line, "credscope: error: a b?[31m\n");
    capture(line, sizeof(line), CS_LOG_TEXT, CS_LOG_DEBUG, "below the level");
    assert_string_equal(line, "");
    capture(line, sizeof(line), CS_LOG_JSON, CS_LOG_WARNING, "say \"no\"\\");
    assert_non_null(strstr(line, "\"level\":\"warning\",\"message\":\"say \\\"no\\\"\\\\\"}\n"));
    assert_int_equal(cs_log_level_parse("debug"), CS_LOG_DEBUG);
    assert_int_equal(cs_log_level_parse("loud"), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers),
        cmocka_unit_test(copies_are_cut_and_say_so),
        cmocka_unit_test(log_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
