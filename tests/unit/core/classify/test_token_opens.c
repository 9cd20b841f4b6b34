/* SPDX-License-Identifier: Apache-2.0 */
#include "core/classify/token_opens.h"

#include "base/util.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define IRSA  CS_MECHANISM_IRSA
#define AZURE CS_MECHANISM_AZURE_WORKLOAD_IDENTITY
#define POD   "5b4d0a3e-3a0e-4c50-9f37-0d3b3a1f9a10"
#define POD2  "5b4d0a3e-3a0e-4c50-9f37-0d3b3a1f9a11"

static struct cs_token_opens *make(size_t max)
{
    struct cs_token_opens *opens = NULL;

    assert_int_equal(cs_token_opens_new(max, &opens), 0);
    return opens;
}

static void note(struct cs_token_opens *opens, uint64_t cgroup_id, const char *pod, uint32_t tgid,
                 uint64_t time_ns)
{
    struct cs_token_open open = {.cgroup_id = cgroup_id,
                                 .pod_uid = pod,
                                 .tgid = tgid,
                                 .mechanism = IRSA,
                                 .time_ns = time_ns};

    assert_int_equal(cs_token_opens_note(opens, &open), 0);
}

static struct cs_token_found ask(const struct cs_token_opens *opens, uint64_t cgroup_id,
                                 const char *pod, uint32_t tgid, uint64_t before_ns)
{
    struct cs_token_query query = {.cgroup_id = cgroup_id,
                                   .pod_uid = pod,
                                   .tgid = tgid,
                                   .mechanism = IRSA,
                                   .before_ns = before_ns};
    struct cs_token_found found;

    cs_token_opens_find(opens, &query, &found);
    return found;
}

/* What a call asks for and what it is given; then it takes it. */
static void take(struct cs_token_opens *opens, uint64_t cgroup_id, const char *pod, uint32_t tgid,
                 uint64_t before_ns)
{
    struct cs_token_query query = {.cgroup_id = cgroup_id,
                                   .pod_uid = pod,
                                   .tgid = tgid,
                                   .mechanism = IRSA,
                                   .before_ns = before_ns};
    struct cs_token_found found;

    cs_token_opens_find(opens, &query, &found);
    cs_token_opens_take(opens, &query, &found);
}

static void nearest_first(void **unused)
{
    static const struct {
        const char *name;
        uint64_t cgroup_id;
        const char *pod;
        uint32_t tgid;
        uint64_t before_ns;
        enum cs_token_match match;
        uint64_t time_ns;
        bool ever;
    } cases[] = {
        {"its own", 7, POD, 70, 1000, CS_TOKEN_OF_PROCESS, 300, true},
        {"its own, not that of later", 7, POD, 70, 299, CS_TOKEN_OF_PROCESS, 100, true},
        {"at the same instant", 7, POD, 70, 300, CS_TOKEN_OF_PROCESS, 300, true},
        {"before all", 7, POD, 70, 99, CS_TOKEN_NONE, 0, true},
        {"another process", 7, POD, 71, 1000, CS_TOKEN_OF_PROCESS, 200, true},
        {"a third process", 7, POD, 72, 1000, CS_TOKEN_OF_CONTAINER, 300, true},
        {"a process not known", 7, POD, 0, 1000, CS_TOKEN_OF_PROCESS, 300, true},
        {"another container", 8, POD, 80, 1000, CS_TOKEN_OF_POD, 300, true},
        {"another container, early", 8, POD, 80, 250, CS_TOKEN_OF_POD, 200, true},
        {"another container, pod not asked", 8, "", 80, 1000, CS_TOKEN_NONE, 0, false},
        {"another container, NULL", 8, NULL, 80, 1000, CS_TOKEN_NONE, 0, false},
        {"another pod", 9, POD2, 90, 1000, CS_TOKEN_NONE, 0, false},
    };
    struct cs_token_opens *opens = make(8);

    (void)unused;
    note(opens, 7, POD, 70, 100);
    note(opens, 7, POD, 71, 200);
    note(opens, 7, POD, 70, 300);
    note(opens, 10, NULL, 1, 400); /* of no pod: nobody else's */
    for (size_t i = 0; i < CS_ARRAY_SIZE(cases); i++) {
        struct cs_token_found got =
            ask(opens, cases[i].cgroup_id, cases[i].pod, cases[i].tgid, cases[i].before_ns);

        if (got.match != cases[i].match || got.time_ns != cases[i].time_ns ||
            got.opened_before != cases[i].ever)
            fail_msg("%s: match %d, time %lu, ever %d", cases[i].name, got.match,
                     (unsigned long)got.time_ns, got.opened_before);
    }
    cs_token_opens_free(opens);
}

static void mechanisms_are_apart(void **unused)
{
    struct cs_token_opens *opens = make(4);
    struct cs_token_query query = {
        .cgroup_id = 7, .tgid = 1, .mechanism = AZURE, .before_ns = 1000};
    struct cs_token_found found;

    (void)unused;
    note(opens, 7, POD, 1, 100);
    cs_token_opens_find(opens, &query, &found);
    assert_int_equal(found.match, CS_TOKEN_NONE);
    assert_false(found.opened_before);
    assert_int_equal(cs_token_opens_count(opens), 1);
    cs_token_opens_free(opens);
}

static void one_open_explains_one_call(void **unused)
{
    struct cs_token_opens *opens = make(4);

    (void)unused;
    note(opens, 7, POD, 70, 100);
    note(opens, 7, POD, 71, 200);
    take(opens, 7, POD, 70, 1000);
    assert_int_equal(ask(opens, 7, POD, 70, 1000).match, CS_TOKEN_OF_CONTAINER);
    assert_true(ask(opens, 7, POD, 70, 1000).opened_before);
    assert_int_equal(ask(opens, 7, POD, 71, 1000).match, CS_TOKEN_OF_PROCESS);
    take(opens, 7, POD, 71, 1000);
    assert_int_equal(ask(opens, 7, POD, 70, 1000).match, CS_TOKEN_NONE);
    take(opens, 7, POD, 70, 1000); /* nothing found: nothing taken */

    /* What another process was lent still explains the opener's own call. */
    note(opens, 7, POD, 71, 300);
    take(opens, 7, POD, 70, 1000);
    assert_int_equal(ask(opens, 7, POD, 72, 1000).match, CS_TOKEN_NONE);
    assert_int_equal(ask(opens, 8, POD, 80, 1000).match, CS_TOKEN_NONE);
    assert_int_equal(ask(opens, 7, POD, 71, 1000).match, CS_TOKEN_OF_PROCESS);
    cs_token_opens_free(opens);
}

static void the_longest_idle_makes_room(void **unused)
{
    struct cs_token_opens *opens = make(2);

    (void)unused;
    note(opens, 1, NULL, 0, 1);
    note(opens, 2, NULL, 0, 2);
    note(opens, 1, NULL, 0, 3);
    note(opens, 3, NULL, 0, 4);
    assert_int_equal(ask(opens, 1, NULL, 0, 9).time_ns, 3);
    assert_int_equal(ask(opens, 2, NULL, 0, 9).time_ns, 0);
    assert_int_equal(ask(opens, 3, NULL, 0, 9).time_ns, 4);
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
    note(opens, 1, NULL, 0, 1);
    note(opens, 2, NULL, 0, 2 + minute);
    assert_int_equal(cs_token_opens_evicted(opens), 0);
    note(opens, 3, NULL, 0, 2 + 2 * minute);
    assert_int_equal(cs_token_opens_evicted(opens), 1);
    take(opens, 3, NULL, 0, UINT64_MAX);
    note(opens, 4, NULL, 0, 3 + 2 * minute);
    assert_int_equal(cs_token_opens_evicted(opens), 1);
    cs_token_opens_free(opens);
}

/* One container that opens and opens keeps its newest, at no cost to others. */
static void each_is_bounded(void **unused)
{
    struct cs_token_opens *opens = make(4);

    (void)unused;
    note(opens, 1, NULL, 5, 1);
    for (uint32_t i = 0; i < CS_TOKEN_OPENS_EACH_MAX; i++)
        note(opens, 2, NULL, 100 + i, 2 + i);
    assert_int_equal(cs_token_opens_evicted(opens), 0);
    note(opens, 2, NULL, 1000, 500);
    assert_int_equal(cs_token_opens_evicted(opens), 1);
    assert_int_equal(ask(opens, 2, NULL, 101, 1000).match, CS_TOKEN_OF_PROCESS);
    assert_int_equal(ask(opens, 2, NULL, 100, 1000).match, CS_TOKEN_OF_CONTAINER);
    assert_int_equal(ask(opens, 2, NULL, 1000, 1000).time_ns, 500);
    assert_int_equal(ask(opens, 1, NULL, 5, 1000).time_ns, 1);

    /* What nobody can need any more makes room unnoticed. */
    note(opens, 2, NULL, 1001, 1000 + CS_TOKEN_OPENS_KEEP_NS);
    assert_int_equal(cs_token_opens_evicted(opens), 1);
    assert_int_equal(ask(opens, 2, NULL, 1000, UINT64_MAX).match, CS_TOKEN_OF_CONTAINER);
    cs_token_opens_free(opens);
}

static void all_are_bounded(void **unused)
{
    struct cs_token_opens *opens = make(CS_TOKEN_OPENS_MAX);
    const uint32_t cgroups = CS_TOKEN_OPENS_ALL_MAX / CS_TOKEN_OPENS_EACH_MAX;

    (void)unused;
    for (uint32_t i = 0; i < CS_TOKEN_OPENS_ALL_MAX; i++)
        note(opens, i / CS_TOKEN_OPENS_EACH_MAX, NULL, 1 + i, 1 + i);
    assert_int_equal(cs_token_opens_count(opens), cgroups);
    assert_int_equal(cs_token_opens_evicted(opens), 0);
    note(opens, cgroups, NULL, 1, 1 + CS_TOKEN_OPENS_ALL_MAX);
    assert_int_equal(cs_token_opens_evicted(opens), CS_TOKEN_OPENS_EACH_MAX);
    assert_int_equal(cs_token_opens_count(opens), cgroups);
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
        cmocka_unit_test(nearest_first),
        cmocka_unit_test(mechanisms_are_apart),
        cmocka_unit_test(one_open_explains_one_call),
        cmocka_unit_test(the_longest_idle_makes_room),
        cmocka_unit_test(only_evidence_is_lost),
        cmocka_unit_test(each_is_bounded),
        cmocka_unit_test(all_are_bounded),
        cmocka_unit_test(limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
