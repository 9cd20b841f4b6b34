/* SPDX-License-Identifier: Apache-2.0 */
#include "base/util.h"
#include "core/state/state_intervals.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SEC(n)  ((uint64_t)(n)*CS_NSEC_PER_SEC)
#define HOUR(n) SEC((n)*UINT64_C(3600))
#define NOON    SEC(1763726400) /* 2025-11-21T12:00:00Z */

static void add(struct cs_intervals *intervals, uint64_t start_ns, uint64_t end_ns)
{
    const struct cs_interval interval = {start_ns, end_ns};

    assert_int_equal(cs_intervals_add(intervals, &interval), 0);
}

static void earlier_runs_are_in_order_and_apart(void **unused)
{
    static const struct {
        const char *name;
        struct cs_interval interval;
        int result;
        uint32_t count;
    } cases[] = {
        {"the first", {100, 200}, 0, 1},
        {"backwards", {300, 250}, -EINVAL, 1},
        {"overlapping", {199, 300}, -EINVAL, 1},
        {"before", {10, 20}, -EINVAL, 1},
        {"touching becomes one", {200, 300}, 0, 1},
        {"a gap of 1 ns stays", {301, 400}, 0, 2},
        {"of no length", {500, 500}, 0, 3},
    };
    struct cs_intervals intervals = {0};

    (void)unused;
    for (size_t i = 0; i < CS_ARRAY_SIZE(cases); i++) {
        int r = cs_intervals_add(&intervals, &cases[i].interval);

        if (r != cases[i].result || intervals.count != cases[i].count)
            fail_msg("%s: %d, %u intervals", cases[i].name, r, intervals.count);
    }
    assert_int_equal(intervals.closed[0].end_ns, 300);
}

/* One a second, the tenth of them short: those go first, whatever their age. */
static void of_too_many_the_shortest_go(void **unused)
{
    struct cs_intervals intervals = {0};

    (void)unused;
    for (uint64_t i = 0; i < CS_INTERVALS_MAX + 20; i++)
        add(&intervals, SEC(i), SEC(i) + (i % 10 == 9 ? 1 : 100));
    assert_int_equal(intervals.count, CS_INTERVALS_MAX);
    assert_int_equal(intervals.dropped, 20);
    for (uint32_t i = 0; i < intervals.count; i++) {
        const struct cs_interval *each = &intervals.closed[i];

        assert_true(i == 0 || each[-1].end_ns < each->start_ns);
        assert_true(each->end_ns - each->start_ns == 100 || each->start_ns > SEC(190));
    }
    assert_int_equal(intervals.closed[0].start_ns, 0);
}

/* What the wall clock says and how long the run has lasted, and the run's interval then; start 0:
 * it is not recorded. The run before ended at NOON. */
static const struct {
    const char *name;
    struct {
        uint64_t wall_ns, elapsed_ns;
    } before; /* observed first, if wall_ns is not 0 */
    uint64_t wall_ns, elapsed_ns;
    struct cs_interval current;
    uint64_t unobserved_ns;
    uint64_t earlier_end_ns; /* 0: NOON */
} clocks[] = {
    {"begins", {0}, NOON + SEC(30), 0, {NOON + SEC(30), NOON + SEC(30)}, SEC(30), 0},
    {"grows",
     {NOON + SEC(30), 0},
     NOON + SEC(90),
     SEC(60),
     {NOON + SEC(30), NOON + SEC(90)},
     SEC(30),
     0},
    {"is slewed",
     {NOON + SEC(30), 0},
     NOON + SEC(90) + SEC(1) / 2,
     SEC(60),
     {NOON + SEC(30), NOON + SEC(90) + SEC(1) / 2},
     SEC(30),
     0},
    {"jumps ahead: all of it does",
     {NOON + SEC(30), 0},
     NOON + HOUR(1),
     SEC(60),
     {NOON + HOUR(1) - SEC(60), NOON + HOUR(1)},
     HOUR(1) - SEC(60),
     0},
    {"jumps back a little: begins where the one before ended",
     {NOON + SEC(600), SEC(60)},
     NOON + SEC(20),
     SEC(120),
     {NOON, NOON + SEC(20)},
     SEC(540), /* a counter doesn't fall */
     0},
    {"starts with a clock of 1970: not recorded", {0}, SEC(5), 0, {0, 0}, 0, 0},
    {"… and is recorded in full when it is set",
     {SEC(5), 0},
     NOON + HOUR(2),
     SEC(60),
     {NOON + HOUR(2) - SEC(60), NOON + HOUR(2)},
     HOUR(2) - SEC(60),
     0},
    {"jumps back behind the run before: not recorded, for an hour",
     {NOON + SEC(30), 0},
     NOON - HOUR(3),
     HOUR(1) - 1,
     {0, 0},
     SEC(30),
     0},
    {"… and believed then",
     {NOON + SEC(30), 0},
     NOON - HOUR(3),
     HOUR(1),
     {NOON - HOUR(4), NOON - HOUR(3)},
     SEC(30),
     NOON - HOUR(4)},
    {"clock behind the length of the run", {0}, SEC(5), HOUR(2), {0, SEC(5)}, 0, 0},
};

static void this_run_follows_the_clock(void **unused)
{

    (void)unused;
    for (size_t i = 0; i < CS_ARRAY_SIZE(clocks); i++) {
        struct cs_intervals intervals = {0};
        uint64_t earlier_ns;

        add(&intervals, NOON - HOUR(10), NOON);
        if (clocks[i].before.wall_ns)
            cs_intervals_observe(&intervals, clocks[i].before.wall_ns, clocks[i].before.elapsed_ns);
        cs_intervals_observe(&intervals, clocks[i].wall_ns, clocks[i].elapsed_ns);
        if (intervals.recorded != (clocks[i].current.end_ns != 0))
            fail_msg("%s: recorded %d", clocks[i].name, intervals.recorded);
        if (intervals.recorded && (intervals.current.start_ns != clocks[i].current.start_ns ||
                                   intervals.current.end_ns != clocks[i].current.end_ns))
            fail_msg("%s: [%.3f,%.3f] after noon", clocks[i].name,
                     ((double)intervals.current.start_ns - (double)NOON) / 1e9,
                     ((double)intervals.current.end_ns - (double)NOON) / 1e9);
        if (intervals.unobserved_ns != clocks[i].unobserved_ns)
            fail_msg("%s: unobserved %.9f s", clocks[i].name,
                     (double)intervals.unobserved_ns / 1e9);
        earlier_ns = intervals.count ? intervals.closed[0].end_ns : 0;
        if (i < CS_ARRAY_SIZE(clocks) - 1 &&
            earlier_ns != (clocks[i].earlier_end_ns ? clocks[i].earlier_end_ns : NOON))
            fail_msg("%s: the run before changed", clocks[i].name);
    }
}

static void what_lies_in_the_future_of_a_trusted_clock_is_cut(void **unused)
{
    struct cs_intervals intervals = {0};

    (void)unused;
    add(&intervals, NOON - HOUR(5), NOON - HOUR(4));
    add(&intervals, NOON - HOUR(3), NOON + HOUR(1)); /* across this run's start */
    add(&intervals, NOON + HOUR(1000), NOON + HOUR(1001));
    cs_intervals_observe(&intervals, NOON + HOUR(2), HOUR(2));
    assert_int_equal(intervals.count, 2);
    assert_int_equal(intervals.cut, 2);
    assert_int_equal(intervals.closed[1].start_ns, NOON - HOUR(3));
    assert_int_equal(intervals.closed[1].end_ns, NOON);
    assert_int_equal(intervals.current.start_ns, NOON);
    assert_int_equal(intervals.unobserved_ns, 0);
}

static void without_a_run_before_there_is_no_gap(void **unused)
{
    struct cs_intervals intervals = {0};

    (void)unused;
    cs_intervals_observe(&intervals, NOON, SEC(10));
    assert_true(intervals.recorded);
    assert_int_equal(intervals.current.start_ns, NOON - SEC(10));
    assert_int_equal(intervals.unobserved_ns, 0);
}

static void the_old_are_dropped(void **unused)
{
    struct cs_intervals intervals = {0};

    (void)unused;
    add(&intervals, NOON, NOON + HOUR(1));
    add(&intervals, NOON + HOUR(2), NOON + HOUR(100));
    cs_intervals_expire(&intervals, NOON + HOUR(1) + CS_INTERVALS_AGE_NS);
    assert_int_equal(intervals.count, 2);
    cs_intervals_expire(&intervals, NOON + HOUR(1) + CS_INTERVALS_AGE_NS + 1);
    assert_int_equal(intervals.count, 1);
    assert_int_equal(intervals.closed[0].start_ns, NOON + HOUR(2));
    cs_intervals_expire(&intervals, NOON); /* behind: nothing */
    assert_int_equal(intervals.count, 1);
    cs_intervals_expire(&intervals, NOON + 2 * CS_INTERVALS_AGE_NS);
    assert_int_equal(intervals.count, 0);
}

/* Whatever the clock does: in order, apart, and the counter never falls. */
static void no_clock_brings_it_out_of_order(void **unused)
{
    struct cs_intervals intervals = {0};
    uint64_t random = 88172645463325252, unobserved_ns = 0;

    (void)unused;
    for (uint64_t i = 1; i < 20000; i++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        cs_intervals_observe(&intervals, NOON + random % HOUR(5000), SEC(random >> 32) % HOUR(9));
        assert_true(intervals.unobserved_ns >= unobserved_ns);
        unobserved_ns = intervals.unobserved_ns;
        if (intervals.recorded) {
            assert_true(intervals.current.start_ns <= intervals.current.end_ns);
            assert_true(intervals.count == 0 ||
                        intervals.closed[intervals.count - 1].end_ns <= intervals.current.start_ns);
        }
        if (intervals.recorded && i % 3 == 0) {
            add(&intervals, intervals.current.start_ns, intervals.current.end_ns);
            intervals.recorded = false;
            intervals.unobserved_ns = unobserved_ns = 0;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(earlier_runs_are_in_order_and_apart),
        cmocka_unit_test(of_too_many_the_shortest_go),
        cmocka_unit_test(this_run_follows_the_clock),
        cmocka_unit_test(what_lies_in_the_future_of_a_trusted_clock_is_cut),
        cmocka_unit_test(without_a_run_before_there_is_no_gap),
        cmocka_unit_test(the_old_are_dropped),
        cmocka_unit_test(no_clock_brings_it_out_of_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
