// SPDX-License-Identifier: Apache-2.0
#include "io/code_pages.h"

#include "base/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CONSTANTS ((size_t)1 << 20)

/* Constants of the file, data, and pointers that the loader relocated and then made read-only. */
static const unsigned char constants[CONSTANTS] = {
    [0] = 1, [CONSTANTS / 2] = 2, [CONSTANTS - 1] = 3};
static unsigned char data[CONSTANTS] = {[0] = 1};
static const char *const pointers[] = {"one", "two", "three"};

static long resident_kib(const char *field)
{
    char status[8192];
    const char *at;

    assert_true(cs_file_read("/proc/self/status", status, sizeof(status)) > 0);
    at = strstr(status, field);
    assert_non_null(at);
    return atol(at + strlen(field));
}

static unsigned long sum_of(const volatile unsigned char *bytes)
{
    unsigned long sum = 0;

    for (size_t i = 0; i < CONSTANTS; i++)
        sum += bytes[i];
    return sum;
}

static void test_release(void **state)
{
    long before, after, anonymous;

    (void)state;
    assert_int_equal(sum_of(constants), 6);
    memset(data, 7, sizeof(data));
    before = resident_kib("RssFile:");
    anonymous = resident_kib("RssAnon:");
    assert_true(cs_code_pages_release() >= CONSTANTS);
    after = resident_kib("RssFile:");
    assert_true(after <= before - (long)(CONSTANTS >> 10) / 2);
    assert_true(resident_kib("RssAnon:") >= anonymous);

    /* All that is used is there again, and as it was. */
    assert_int_equal(sum_of(constants), 6);
    assert_int_equal(sum_of(data), 7 * CONSTANTS);
    assert_string_equal(pointers[2], "three");
    assert_true(resident_kib("RssFile:") >= after + (long)(CONSTANTS >> 10) / 2);
    assert_true(cs_code_pages_release() >= CONSTANTS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_release)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
