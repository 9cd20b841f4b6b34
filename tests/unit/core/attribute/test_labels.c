/* SPDX-License-Identifier: Apache-2.0 */
#include "base/util.h"
#include "core/attribute/labels.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define BAD "\xef\xbf\xbd" /* U+FFFD */

static void escaping(void **unused)
{
    static const struct {
        const char *name, *value, *escaped;
    } cases[] = {
        {"plain", "shop", "shop"},
        {"empty", "", "~unknown"},
        {"quote", "a\"b", "a\\\"b"},
        {"backslash", "a\\b", "a\\\\b"},
        {"systemd's own escape", "dev-sda\\x2d1.device", "dev-sda\\\\x2d1.device"},
        {"line feed", "a\nb", "a\\nb"},
        {"injected sample", "a\"} 1\ncredscope_x 2", "a\\\"} 1\\ncredscope_x 2"},
        {"trailing backslash", "a\\", "a\\\\"},
        {"two bytes", "caf\xc3\xa9", "caf\xc3\xa9"},
        {"three bytes", "\xe2\x82\xac", "\xe2\x82\xac"},
        {"four bytes", "\xf0\x9f\x94\x91", "\xf0\x9f\x94\x91"},
        {"carriage return", "a\rb", "a" BAD "b"},
        {"terminal escape", "\x1b[31m", BAD "[31m"},
        {"delete", "\x7f", BAD},
        {"continuation alone", "\x80", BAD},
        {"cut sequence", "a\xe2\x82", "a" BAD BAD},
        {"cut, then text", "\xc3(", BAD "("},
        {"overlong slash", "\xc0\xaf", BAD BAD},
        {"overlong, three bytes", "\xe0\x80\xaf", BAD BAD BAD},
        {"surrogate", "\xed\xa0\x80", BAD BAD BAD},
        {"above U+10FFFF", "\xf4\x90\x80\x80", BAD BAD BAD BAD},
        {"latin1", "\xff\xfe", BAD BAD},
    };

    (void)unused;
    for (size_t i = 0; i < CS_ARRAY_SIZE(cases); i++) {
        struct cs_buffer buffer;

        cs_buffer_init(&buffer, 256);
        cs_label_escape(&buffer, cases[i].value);
        cs_buffer_add(&buffer, "", 1);
        if (strcmp(buffer.data, cases[i].escaped) != 0)
            fail_msg("%s: %s", cases[i].name, buffer.data);
        cs_buffer_free(&buffer);
    }
}

static void pairs_are_joined(void **unused)
{
    struct cs_buffer buffer;

    (void)unused;
    cs_buffer_init(&buffer, 256);
    cs_label_append(&buffer, "a", "1");
    cs_label_append(&buffer, "b", "");
    cs_buffer_add(&buffer, "", 1);
    assert_string_equal(buffer.data, "a=\"1\",b=\"~unknown\"");
    cs_buffer_free(&buffer);
}

static void the_same_text_is_one_label(void **unused)
{
    struct cs_label *first, *second;
    struct cs_labels *labels;
    size_t len;

    (void)unused;
    assert_int_equal(cs_labels_new(&labels), 0);
    assert_null(cs_labels_find(labels, "a=\"1\"", 5));
    first = cs_labels_get_pair(labels, "a", "1");
    second = cs_labels_get(labels, "a=\"1\"", 5);
    assert_ptr_equal(first, second);
    assert_int_equal(cs_labels_count(labels), 1);
    assert_string_equal(cs_label_text(first, &len), "a=\"1\"");
    assert_int_equal(len, 5);
    cs_label_unref(labels, first);
    assert_ptr_equal(cs_labels_find(labels, "a=\"1\"", 5), second);
    cs_label_unref(labels, second);
    assert_int_equal(cs_labels_count(labels), 0);
    assert_int_equal(cs_labels_bytes(labels), 0);
    cs_labels_free(labels);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(escaping),
        cmocka_unit_test(pairs_are_joined),
        cmocka_unit_test(the_same_text_is_one_label),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
