/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/util.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void assert_holds(const struct cs_buffer *buffer, const char *text)
{
    assert_int_equal(buffer->len, strlen(text));
    assert_memory_equal(buffer->data, text, buffer->len);
}

static void numbers_are_exact(void **unused)
{
    static const struct {
        uint64_t value;
        const char *integer, *seconds;
    } cases[] = {
        {0, "0", "0"},
        {1, "1", "0.000000001"},
        {500000000, "500000000", "0.5"},
        {1000000000, "1000000000", "1"},
        {1000000010, "1000000010", "1.00000001"},
        {1763690000123000000, "1763690000123000000", "1763690000.123"},
        {UINT64_MAX, "18446744073709551615", "18446744073.709551615"},
    };

    (void)unused;
    for (size_t i = 0; i < CS_ARRAY_SIZE(cases); i++) {
        struct cs_buffer buffer;

        cs_buffer_init(&buffer, 100);
        cs_buffer_add_u64(&buffer, cases[i].value);
        assert_holds(&buffer, cases[i].integer);
        buffer.len = 0;
        cs_buffer_add_seconds(&buffer, cases[i].value);
        assert_holds(&buffer, cases[i].seconds);
        cs_buffer_free(&buffer);
    }
}

static void grows_to_its_maximum_and_no_further(void **unused)
{
    struct cs_buffer buffer;

    (void)unused;
    cs_buffer_init(&buffer, 1000);
    for (int i = 0; i < 1000; i++)
        cs_buffer_add(&buffer, "x", 1);
    assert_int_equal(buffer.error, 0);
    assert_int_equal(buffer.len, 1000);
    assert_true(buffer.size <= 1000);
    cs_buffer_add(&buffer, "x", 1);
    assert_int_equal(buffer.error, -EMSGSIZE);
    assert_int_equal(buffer.len, 1000);
    cs_buffer_free(&buffer);
    assert_int_equal(buffer.error, 0);
    assert_int_equal(buffer.max, 1000);
}

static void the_first_error_sticks(void **unused)
{
    struct cs_buffer buffer;

    (void)unused;
    cs_buffer_init(&buffer, 10);
    cs_buffer_add_text(&buffer, "123456789012");
    assert_int_equal(buffer.error, -EMSGSIZE);
    assert_int_equal(cs_buffer_reserve(&buffer, SIZE_MAX), -EMSGSIZE);
    cs_buffer_add_text(&buffer, "1"); /* would fit */
    cs_buffer_add_format(&buffer, "%d", 1);
    assert_int_equal(buffer.len, 0);
    cs_buffer_free(&buffer);
}

static void formats_longer_than_what_is_left(void **unused)
{
    struct cs_buffer buffer;
    char name[301];

    (void)unused;
    memset(name, 'n', 300);
    name[300] = '\0';
    cs_buffer_init(&buffer, 400);
    cs_buffer_add_format(&buffer, "<%s>", name);
    assert_int_equal(buffer.len, 302);
    assert_int_equal(buffer.data[301], '>');
    cs_buffer_free(&buffer);
}

/* What was moved or freed can't be looked at; the secrets test searches memory for it. */
static void wipes_what_it_drops(void **state)
{
    struct cs_buffer buffer;

    (void)state;
    cs_buffer_init_wiped(&buffer, 1 << 20);
    for (int i = 0; i < 1000; i++)
        cs_buffer_add_text(&buffer, "secret ");
    assert_int_equal(buffer.len, 7000);
    assert_memory_equal(buffer.data, "secret secret ", 14);
    cs_buffer_clear(&buffer);
    assert_int_equal(buffer.len, 0);
    for (size_t i = 0; i < 7000; i++)
        assert_int_equal(buffer.data[i], 0);
    cs_buffer_add_text(&buffer, "next");
    assert_memory_equal(buffer.data, "next", 4);
    cs_buffer_free(&buffer);
    assert_true(buffer.wiped);
    assert_int_equal(buffer.max, 1 << 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wipes_what_it_drops),
        cmocka_unit_test(numbers_are_exact),
        cmocka_unit_test(grows_to_its_maximum_and_no_further),
        cmocka_unit_test(the_first_error_sticks),
        cmocka_unit_test(formats_longer_than_what_is_left),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
