/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"
#include "base/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Around every border of Unicode 15, table 3-7. */
static void sequences_are_told_by_their_borders(void **unused)
{
    static const struct {
        const char *text;
        size_t length;
    } cases[] = {
        {"", 1},
        {"a", 1},
        {"\x7f", 1},
        {"\x80", 0},
        {"\xbf\xbf", 0},
        {"\xc0\xaf", 0},
        {"\xc1\xbf", 0},
        {"\xc2\x80", 2},
        {"\xc2\x7f", 0},
        {"\xc2", 0},
        {"\xdf\xbf", 2},
        {"\xdf\xc0", 0},
        {"\xe0\x9f\xbf", 0},
        {"\xe0\xa0\x80", 3},
        {"\xe0\xa0", 0},
        {"\xe1\x80\x80", 3},
        {"\xe1\x80\x7f", 0},
        {"\xec\xbf\xbf", 3},
        {"\xed\x9f\xbf", 3},
        {"\xed\xa0\x80", 0},
        {"\xee\x80\x80", 3},
        {"\xef\xbf\xbf", 3},
        {"\xf0\x8f\xbf\xbf", 0},
        {"\xf0\x90\x80\x80", 4},
        {"\xf1\x80\x80\x80", 4},
        {"\xf1\x80\x80", 0},
        {"\xf3\xbf\xbf\xbf", 4},
        {"\xf4\x8f\xbf\xbf", 4},
        {"\xf4\x90\x80\x80", 0},
        {"\xf5\x80\x80\x80", 0},
        {"\xff", 0},
    };

    (void)unused;
    for (size_t i = 0; i < CS_ARRAY_SIZE(cases); i++) {
        if (cs_utf8_length(cases[i].text) != cases[i].length)
            fail_msg("case %zu: %zu", i, cs_utf8_length(cases[i].text));
        assert_int_equal(cs_utf8_valid(cases[i].text), cases[i].length > 0);
    }
}

static void a_text_is_valid_as_a_whole(void **unused)
{
    (void)unused;
    assert_true(cs_utf8_valid("caf\xc3\xa9 \xf0\x9f\x98\x80 done"));
    assert_false(cs_utf8_valid("caf\xc3\xa9 \xf0\x9f\x98"));
    assert_false(cs_utf8_valid("caf\xe9 au lait"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sequences_are_told_by_their_borders),
        cmocka_unit_test(a_text_is_valid_as_a_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
