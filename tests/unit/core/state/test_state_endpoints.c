/* SPDX-License-Identifier: Apache-2.0 */
#include "core/state/state_endpoints.h"

#include "base/util.h"
#include "core/mechanism.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define IMDS CS_ENDPOINT_IMDS
#define DAY  UINT64_C(86400)

/* What was noted last holds, of each address family for itself. */
static void notes_by_family_and_result(void **unused)
{
    static const struct {
        enum cs_outcome outcome;
        uint8_t family;
        uint64_t at, success, failure; /* of IPv4 afterwards */
    } steps[] = {
        {CS_OUTCOME_OK, 4, 10, 10, 0},
        {CS_OUTCOME_REFUSED, 4, 20, 10, 20},
        {CS_OUTCOME_REFUSED, 6, 30, 10, 20},
        {CS_OUTCOME_NOT_FOUND, 4, 40, 40, 20},
        {CS_OUTCOME_THROTTLED, 4, 50, 40, 50},
        {CS_OUTCOME_UNOBSERVED, 4, 60, 40, 50},
        {CS_OUTCOME_SERVER_ERROR, 4, 45, 40, 45},
    };
    struct cs_endpoints endpoints = {0};

    (void)unused;
    for (size_t i = 0; i < CS_ARRAY_SIZE(steps); i++) {
        cs_endpoints_note(&endpoints, IMDS, steps[i].family,
                          cs_outcome_endpoint_result(steps[i].outcome), steps[i].at);
        assert_int_equal(endpoints.of[IMDS][0].last_success_ns, steps[i].success);
        assert_int_equal(endpoints.of[IMDS][0].last_failure_ns, steps[i].failure);
    }
    assert_int_equal(endpoints.of[IMDS][1].last_success_ns, 0);
    assert_int_equal(endpoints.of[IMDS][1].last_failure_ns, 30);
    assert_int_equal(endpoints.of[CS_ENDPOINT_STS][0].last_success_ns, 0);
}

static void keeps_the_later(void **unused)
{
    struct cs_endpoints now = {0}, earlier = {0};

    (void)unused;
    now.of[IMDS][0] = (struct cs_endpoint_times){100, 5};
    earlier.of[IMDS][0] = (struct cs_endpoint_times){90, 50};
    earlier.of[IMDS][1].last_success_ns = 7;
    cs_endpoints_merge(&now, &earlier);
    assert_int_equal(now.of[IMDS][0].last_success_ns, 100);
    assert_int_equal(now.of[IMDS][0].last_failure_ns, 50);
    assert_int_equal(now.of[IMDS][1].last_success_ns, 7);
}

static void forgets_what_is_old_or_cannot_be(void **unused)
{
    static const struct {
        uint64_t at;
        bool kept;
    } times[] = {{100 * DAY, true},
                 {38 * DAY, true},
                 {38 * DAY - 1, false},
                 {100 * DAY + 60, true},
                 {100 * DAY + 61, false}};

    (void)unused;
    for (size_t i = 0; i < CS_ARRAY_SIZE(times); i++) {
        struct cs_endpoints endpoints = {0};

        endpoints.of[IMDS][1] = (struct cs_endpoint_times){times[i].at, times[i].at};
        cs_endpoints_expire(&endpoints, 100 * DAY, 62 * DAY, 60);
        assert_int_equal(endpoints.of[IMDS][1].last_success_ns, times[i].kept ? times[i].at : 0);
        assert_int_equal(endpoints.of[IMDS][1].last_failure_ns, times[i].kept ? times[i].at : 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(notes_by_family_and_result),
        cmocka_unit_test(keeps_the_later),
        cmocka_unit_test(forgets_what_is_old_or_cannot_be),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
