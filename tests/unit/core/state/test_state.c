/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "state_support.h"

static struct cs_labels *labels;
static struct cs_state *state;

static int set_up(void **unused)
{
    const struct cs_state_limits limits = {0};

    (void)unused;
    return cs_labels_new(&labels) < 0 || cs_state_new(&limits, labels, &state) < 0;
}

static int tear_down(void **unused)
{
    uint32_t left;

    (void)unused;
    cs_state_free(&state);
    left = cs_labels_count(labels);
    cs_labels_free(labels);
    return left != 0;
}

static void limit(uint32_t entries_max, size_t bytes_max)
{
    const struct cs_state_limits limits = {entries_max, bytes_max};

    cs_state_free(&state);
    assert_int_equal(cs_state_new(&limits, labels, &state), 0);
}

static void times_follow_what_is_seen(void **unused)
{
    const struct cs_workload cart = workload_of("shop", "cart");
    struct found found;

    (void)unused;
    see(state, &cart, CS_MECHANISM_IRSA, CS_OUTCOME_OK_INFERRED, UP(10));
    see(state, &cart, CS_MECHANISM_IRSA, CS_OUTCOME_REJECTED_INFERRED, UP(20));
    see(state, &cart, CS_MECHANISM_IRSA, CS_OUTCOME_ANSWERED, UP(30)); /* neither */
    see(state, &cart, CS_MECHANISM_IMDSV2, CS_OUTCOME_REFUSED, UP(40));
    assert_true(find(state, "cart", CS_MECHANISM_IRSA, &found));
    assert_int_equal(found.times.first_seen_ns, NOON + SEC(10));
    assert_int_equal(found.times.last_success_ns, NOON + SEC(10));
    assert_int_equal(found.times.last_failure_ns, NOON + SEC(20));
    assert_int_equal(found.times.last_seen_ns, NOON + SEC(30));
    assert_true(found.done);
    assert_true(find(state, "cart", CS_MECHANISM_IMDSV2, &found));
    assert_int_equal(found.times.last_success_ns, 0);
    assert_int_equal(found.times.last_failure_ns, NOON + SEC(40));
}

static void an_unanswered_request_counts_from_its_end_and_a_probe_is_no_failure(void **unused)
{
    const struct cs_workload cart = workload_of("shop", "cart");
    const struct cs_connection connection = {.family = 4};
    const struct cs_exchange exchange = {
        .connection = &connection, .start_ns = UP(1), .end_ns = UP(6)};
    struct cs_verdict verdict = {.mechanism = CS_MECHANISM_IMDSV2, .outcome = CS_OUTCOME_ABANDONED};
    struct found found;

    (void)unused;
    cs_state_exchange(state, &exchange, &verdict, &cart, OFFSET);
    assert_true(find(state, "cart", CS_MECHANISM_IMDSV2, &found));
    assert_int_equal(found.times.last_failure_ns, NOON + SEC(6));
    verdict = (struct cs_verdict){
        .mechanism = CS_MECHANISM_METADATA, .outcome = CS_OUTCOME_NOT_FOUND, .probe = true};
    cs_state_exchange(state, &exchange, &verdict, &cart, OFFSET);
    assert_true(find(state, "cart", CS_MECHANISM_METADATA, &found));
    assert_int_equal(found.times.last_seen_ns, NOON + SEC(6));
    assert_int_equal(found.times.last_failure_ns, 0);
}

static void of_too_many_the_one_seen_longest_ago_goes(void **unused)
{
    struct cs_state_stats stats;
    struct found found;
    char name[16];

    (void)unused;
    limit(10, 0);
    for (unsigned int i = 0; i < 30; i++) {
        struct cs_workload workload;

        snprintf(name, sizeof(name), "w%u", i);
        workload = workload_of("n", name);
        see(state, &workload, CS_MECHANISM_IRSA, CS_OUTCOME_OK, UP(i));
        workload = workload_of("n", "w0"); /* stays, for it comes again and again */
        see(state, &workload, CS_MECHANISM_IRSA, CS_OUTCOME_OK, UP(i));
    }
    cs_state_stats(state, &stats);
    assert_int_equal(stats.entries, 10);
    assert_int_equal(stats.evicted, 20);
    assert_true(find(state, "w0", CS_MECHANISM_IRSA, &found));
    assert_int_equal(found.times.first_seen_ns, NOON);
    assert_false(find(state, "w20", CS_MECHANISM_IRSA, &found));
    assert_true(find(state, "w21", CS_MECHANISM_IRSA, &found));
}

static void bytes_are_a_bound_too(void **unused)
{
    struct cs_state_stats stats;
    char name[250];

    (void)unused;
    limit(0, 10000);
    for (unsigned int i = 0; i < 100; i++) {
        struct cs_workload workload;

        snprintf(name, sizeof(name), "%0249u", i);
        workload = workload_of("n", name);
        see(state, &workload, CS_MECHANISM_IRSA, CS_OUTCOME_OK, UP(i));
        cs_state_stats(state, &stats);
        assert_true(stats.bytes <= 10000);
    }
    /* 256 + 1 + 249 + 10 + 249 */
    assert_int_equal(stats.entries, 10000 / 765);
    assert_int_equal(stats.evicted, 100 - stats.entries);
}

static void nameless_and_never_seen_are_refused(void **unused)
{
    const struct cs_state_times times = {1, 1, 0, 0}, never = {0, 1, 0, 0};
    struct cs_workload workload = workload_of("shop", "cart");
    struct cs_state_stats stats;

    (void)unused;
    assert_int_equal(cs_state_put(state, &workload, CS_MECHANISM_IRSA, &never), -EINVAL);
    workload.service_account[0] = '\0';
    assert_int_equal(cs_state_put(state, &workload, CS_MECHANISM_IRSA, &times), -EINVAL);
    see(state, &workload, CS_MECHANISM_IRSA, CS_OUTCOME_OK, UP(1));
    cs_state_stats(state, &stats);
    assert_int_equal(stats.entries, 0);
    assert_int_equal(stats.refused, 1);
}

/* The file could be read only after the run had begun. */
static void an_earlier_state_is_taken_over_at_any_time(void **unused)
{
    const struct cs_workload cart = workload_of("shop", "cart"), old = workload_of("shop", "old"),
                             young = workload_of("shop", "young");
    const struct cs_state_times before = {NOON - HOUR(9), NOON - HOUR(1), NOON - HOUR(1),
                                          NOON - HOUR(2)};
    const struct cs_interval interval = {NOON - HOUR(9), NOON - HOUR(1)};
    const struct cs_state_limits limits = {0};
    struct cs_state *earlier;
    struct found found;

    (void)unused;
    limit(3, 0);
    assert_int_equal(cs_state_new(&limits, labels, &earlier), 0);
    assert_int_equal(cs_intervals_add(cs_state_intervals(earlier), &interval), 0);
    assert_int_equal(cs_state_put(earlier, &old, CS_MECHANISM_IRSA, &before), 0);
    assert_int_equal(cs_state_put(earlier, &cart, CS_MECHANISM_IRSA, &before), 0);
    assert_int_equal(cs_state_put(earlier, &cart, CS_MECHANISM_IMDSV2, &before), 0);
    see(state, &cart, CS_MECHANISM_IRSA, CS_OUTCOME_DENIED, UP(5));
    see(state, &young, CS_MECHANISM_IRSA, CS_OUTCOME_OK, UP(6));
    cs_state_endpoints(earlier)->of[CS_ENDPOINT_STS][1].last_success_ns = NOON - HOUR(1);
    assert_int_equal(cs_state_merge(state, earlier), 0);
    cs_state_free(&earlier);
    assert_int_equal(cs_state_endpoints(state)->of[CS_ENDPOINT_STS][1].last_success_ns,
                     NOON - HOUR(1));

    assert_int_equal(cs_state_intervals(state)->count, 1);
    assert_true(find(state, "cart", CS_MECHANISM_IRSA, &found));
    assert_int_equal(found.times.first_seen_ns, NOON - HOUR(9));
    assert_int_equal(found.times.last_success_ns, NOON - HOUR(1));
    assert_int_equal(found.times.last_failure_ns, NOON + SEC(5));
    assert_int_equal(found.times.last_seen_ns, NOON + SEC(5));
    assert_false(found.done);
    assert_true(find(state, "young", CS_MECHANISM_IRSA, &found));
    assert_true(found.done);
    /* one too many: what this run has seen stays */
    assert_false(find(state, "old", CS_MECHANISM_IRSA, &found));
    assert_true(find(state, "cart", CS_MECHANISM_IMDSV2, &found));
}

static void age_and_the_future_go_when_the_clock_is_trusted(void **unused)
{
    const struct cs_workload cart = workload_of("shop", "cart"), soon = workload_of("shop", "soon"),
                             future = workload_of("shop", "future");
    struct cs_state_times times = {NOON, NOON, NOON, 0};
    struct cs_state_stats stats;
    struct found found;

    (void)unused;
    assert_int_equal(cs_state_put(state, &cart, CS_MECHANISM_IRSA, &times), 0);
    times.last_seen_ns = NOON + CS_STATE_AHEAD_NS;
    assert_int_equal(cs_state_put(state, &soon, CS_MECHANISM_IRSA, &times), 0);
    times.last_seen_ns++;
    assert_int_equal(cs_state_put(state, &future, CS_MECHANISM_IRSA, &times), 0);
    cs_state_expire(state, NOON, false);
    cs_state_expire(state, NOON + 10 * CS_STATE_AGE_NS, false);
    cs_state_stats(state, &stats);
    assert_int_equal(stats.entries, 3);
    cs_state_expire(state, NOON, true);
    cs_state_stats(state, &stats);
    assert_int_equal(stats.entries, 2);
    assert_int_equal(stats.ahead, 1);
    cs_state_endpoints(state)->of[CS_ENDPOINT_STS][0].last_failure_ns = NOON - 1;
    cs_state_expire(state, NOON + CS_STATE_AGE_NS, true);
    assert_int_equal(cs_state_endpoints(state)->of[CS_ENDPOINT_STS][0].last_failure_ns, 0);
    assert_true(find(state, "cart", CS_MECHANISM_IRSA, &found));
    cs_state_expire(state, NOON + CS_STATE_AGE_NS + 1, true);
    assert_false(find(state, "cart", CS_MECHANISM_IRSA, &found));
    assert_true(find(state, "soon", CS_MECHANISM_IRSA, &found));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(times_follow_what_is_seen),
        TEST(an_unanswered_request_counts_from_its_end_and_a_probe_is_no_failure),
        TEST(of_too_many_the_one_seen_longest_ago_goes),
        TEST(bytes_are_a_bound_too),
        TEST(nameless_and_never_seen_are_refused),
        TEST(an_earlier_state_is_taken_over_at_any_time),
        TEST(age_and_the_future_go_when_the_clock_is_trusted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
