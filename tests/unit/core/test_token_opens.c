/* SPDX-License-Identifier: Apache-2.0 */
#include "core/token_opens.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct cs_token_opens *make(size_t max)
{
    struct cs_token_opens *opens = NULL;

    assert_int_equal(cs_token_opens_new(max, &opens), 0);
    return opens;
}

static void last_open_by_mechanism(void **unused)
{
    struct cs_token_opens *opens = make(4);

    (void)unused;
    assert_int_equal(cs_token_opens_add(opens, 7, CS_MECHANISM_IRSA, 100), 0);
    assert_int_equal(cs_token_opens_add(opens, 7, CS_MECHANISM_IRSA, 200), 0);
    assert_int_equal(cs_token_opens_last(opens, 7, CS_MECHANISM_IRSA).time_ns, 200);
    assert_int_equal(cs_token_opens_last(opens, 7, CS_MECHANISM_EKS_POD_IDENTITY).time_ns, 0);
    assert_int_equal(cs_token_opens_last(opens, 8, CS_MECHANISM_IRSA).time_ns, 0);
    assert_int_equal(cs_token_opens_count(opens), 1);
    cs_token_opens_use(opens, 8, CS_MECHANISM_IRSA);
    cs_token_opens_use(opens, 7, CS_MECHANISM_IRSA);
    assert_int_equal(cs_token_opens_last(opens, 7, CS_MECHANISM_IRSA).time_ns, 0);
    assert_int_equal(cs_token_opens_add(opens, 7, CS_MECHANISM_IRSA, 300), 0);
    assert_int_equal(cs_token_opens_last(opens, 7, CS_MECHANISM_IRSA).time_ns, 300);
    cs_token_opens_free(opens);
}

static void the_longest_idle_makes_room(void **unused)
{
    struct cs_token_opens *opens = make(2);

    (void)unused;
    cs_token_opens_add(opens, 1, CS_MECHANISM_IRSA, 1);
    cs_token_opens_add(opens, 2, CS_MECHANISM_IRSA, 2);
    cs_token_opens_add(opens, 1, CS_MECHANISM_IRSA, 3);
    cs_token_opens_add(opens, 3, CS_MECHANISM_IRSA, 4);
    assert_int_equal(cs_token_opens_last(opens, 1, CS_MECHANISM_IRSA).time_ns, 3);
    assert_int_equal(cs_token_opens_last(opens, 2, CS_MECHANISM_IRSA).time_ns, 0);
    assert_int_equal(cs_token_opens_last(opens, 3, CS_MECHANISM_IRSA).time_ns, 4);
    assert_int_equal(cs_token_opens_evicted(opens), 1);
    cs_token_opens_free(opens);
    cs_token_opens_free(NULL);
}

/* A node meets more containers than are kept: those long gone are no loss. */
static void only_evidence_is_lost(void **unused)
{
    struct cs_token_opens *opens = make(1);
    const uint64_t minute = CS_TOKEN_OPENS_KEEP_NS;

    (void)unused;
    cs_token_opens_add(opens, 1, CS_MECHANISM_IRSA, 1);
    cs_token_opens_add(opens, 2, CS_MECHANISM_IRSA, 2 + minute);
    assert_int_equal(cs_token_opens_evicted(opens), 0);
    cs_token_opens_add(opens, 3, CS_MECHANISM_IRSA, 2 + 2 * minute);
    assert_int_equal(cs_token_opens_evicted(opens), 1);
    cs_token_opens_use(opens, 3, CS_MECHANISM_IRSA);
    cs_token_opens_add(opens, 4, CS_MECHANISM_IRSA, 3 + 2 * minute);
    assert_int_equal(cs_token_opens_evicted(opens), 1);
    cs_token_opens_free(opens);
}

static void limits(void **unused)
{
    struct cs_token_opens *opens = NULL;

    (void)unused;
    assert_int_equal(cs_token_opens_new(0, &opens), -EINVAL);
    assert_int_equal(cs_token_opens_new(CS_TOKEN_OPENS_MAX + 1, &opens), -EINVAL);
    assert_null(opens);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(last_open_by_mechanism),
        cmocka_unit_test(the_longest_idle_makes_room),
        cmocka_unit_test(only_evidence_is_lost),
        cmocka_unit_test(limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
