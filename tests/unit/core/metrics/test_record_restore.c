/* SPDX-License-Identifier: Apache-2.0 */
/* Times that an earlier process has seen: shown again, and gone as if it had gone on. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "record_support.h"

#define HOUR_NS (UINT64_C(3600) * CS_NSEC_PER_SEC)
#define CART    "namespace=\"shop\",service_account=\"cart\",workload_kind=\"Deployment\","
#define LAST(n) \
    "credscope_last_success_timestamp_seconds{" CART "workload=\"cart\",mechanism=\"irsa\"} " n

static struct cs_recorder *recorder;
static struct sample sample;

static int set_up(void **unused)
{
    (void)unused;
    sample_init(&sample);
    recorder = recorder_new((struct cs_recorder_options){0});
    return 0;
}

static int tear_down(void **unused)
{
    (void)unused;
    cs_recorder_free(recorder);
    return 0;
}

static void restore(uint64_t value_ns, uint64_t now_ns, uint64_t age_ns)
{
    static const char *const values[] = {"irsa"};

    assert_int_equal(cs_recorder_restore_of(recorder, CS_METRIC_LAST_SUCCESS, &sample.subject,
                                            values, value_ns, now_ns, age_ns),
                     0);
}

static bool shown(const char *line)
{
    char *page = page_of(recorder, CS_EXPOSITION_TEXT);
    bool result = page_has(page, line);

    free(page);
    return result;
}

/* The node started five minutes ago: the age reaches back behind the monotonic clock's beginning.
 */
static void a_restored_time_expires_a_day_after_itself(void **unused)
{
    static const struct {
        uint64_t age_ns, left_ns;
    } cases[] = {
        {0, 24 * HOUR_NS}, {20 * HOUR_NS, 4 * HOUR_NS}, {24 * HOUR_NS - 1, 1},
        {24 * HOUR_NS, 0}, {1000 * HOUR_NS, 0},         {UINT64_MAX, 0},
    };
    const uint64_t now_ns = 300 * CS_NSEC_PER_SEC;

    (void)unused;
    for (size_t i = 0; i < CS_ARRAY_SIZE(cases); i++) {
        restore(MS(1500), now_ns, cases[i].age_ns);
        assert_true(shown(LAST("1.5")));
        if (cases[i].left_ns > 0) {
            cs_recorder_expire(recorder, now_ns + cases[i].left_ns - 1);
            if (!shown(LAST("1.5")))
                fail_msg("case %zu: gone too early", i);
        }
        cs_recorder_expire(recorder, now_ns + cases[i].left_ns);
        if (shown(LAST("1.5")))
            fail_msg("case %zu: not gone", i);
    }
}

static void the_later_time_stays(void **unused)
{
    (void)unused;
    restore(MS(2500), START_NS, 0);
    restore(MS(1500), START_NS, 0);
    assert_true(shown(LAST("2.5")));
    restore(MS(3500), START_NS, 0);
    assert_true(shown(LAST("3.5")));
}

static void an_old_time_of_a_running_workload_stays(void **unused)
{
    (void)unused;
    assert_false(cs_recorder_has_subject(recorder, &sample.subject));
    cs_recorder_subject_present(recorder, &sample.subject, START_NS);
    assert_true(cs_recorder_has_subject(recorder, &sample.subject));
    restore(MS(1500), START_NS, 100 * HOUR_NS);
    cs_recorder_expire(recorder, START_NS + HOUR_NS);
    assert_true(shown(LAST("1.5")));
    cs_recorder_subject_gone(recorder, &sample.subject, START_NS + HOUR_NS);
    cs_recorder_expire(recorder, START_NS + 24 * HOUR_NS);
    assert_true(shown(LAST("1.5")));
    cs_recorder_expire(recorder, START_NS + 25 * HOUR_NS);
    assert_false(shown(LAST("1.5")));
    assert_false(cs_recorder_has_subject(recorder, &sample.subject));
}

static void a_new_exchange_renews_the_whole_workload(void **unused)
{
    (void)unused;
    restore(MS(1500), START_NS, 23 * HOUR_NS);
    sample_record(&sample, recorder);
    cs_recorder_expire(recorder, START_NS + 2 * HOUR_NS);
    assert_true(shown(LAST("1.5")));
    cs_recorder_expire(recorder, sample.exchange.end_ns + 24 * HOUR_NS);
    assert_false(shown(LAST("1.5")));
}

static void only_gauges_of_workloads_are_restored(void **unused)
{
    (void)unused;
    assert_int_equal(cs_recorder_restore_of(recorder, CS_METRIC_NODE_REQUESTS, &sample.subject,
                                            NULL, 1, START_NS, 0),
                     -EINVAL);
    assert_int_equal(cs_recorder_restore_of(recorder, CS_METRIC_LAST_SUCCESS, &sample.subject, NULL,
                                            1, START_NS, 0),
                     -EINVAL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_restored_time_expires_a_day_after_itself),
        TEST(the_later_time_stays),
        TEST(an_old_time_of_a_running_workload_stays),
        TEST(a_new_exchange_renews_the_whole_workload),
        TEST(only_gauges_of_workloads_are_restored),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
