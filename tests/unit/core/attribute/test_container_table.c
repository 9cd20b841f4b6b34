/* SPDX-License-Identifier: Apache-2.0 */
#include "core/attribute/container_table.h"

#include <credscope/abi.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define UID    "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"
#define UID2   "ffffffff-0000-4000-8000-123456789abc"
#define ID     "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define POD    "/kubepods/burstable/pod" UID
#define SECOND CS_NSEC_PER_SEC

static const struct cs_container_limits small = {
    .live_max = 4, .removed_max = 2, .keep_ns = 10 * SECOND};

static struct cs_slice slice(const char *text)
{
    return (struct cs_slice){text, strlen(text)};
}

static struct cs_container_table *table_new(const struct cs_container_limits *limits)
{
    struct cs_container_table *table = NULL;

    assert_int_equal(cs_container_table_new(limits, &table), 0);
    return table;
}

static struct cs_container_stats stats_of(const struct cs_container_table *table)
{
    struct cs_container_stats stats;

    cs_container_table_stats(table, &stats);
    return stats;
}

static void fills_subjects(void **state)
{
    static const struct {
        const char *name, *path;
        bool cut;
        enum cs_attribution attribution;
        const char *owner, *kind, *workload, *uid, *id;
    } cases[] = {
        {"container", POD "/" ID, false, CS_ATTRIBUTION_POD_UID, "~unknown", "Pod", UID, UID, ID},
        {"pod", POD, false, CS_ATTRIBUTION_POD_UID, "~unknown", "Pod", UID, UID, ""},
        {"unit", "/system.slice/kubelet.service", false, CS_ATTRIBUTION_HOST, "~host",
         "SystemdUnit", "kubelet.service", "", ""},
        {"root", "/", false, CS_ATTRIBUTION_HOST, "~host", "SystemdUnit", "/", "", ""},
        {"docker without Kubernetes", "/docker/" ID, false, CS_ATTRIBUTION_HOST, "~host",
         "SystemdUnit", "/docker", "", ID},
        {"cut before it says anything", "/a/b", true, CS_ATTRIBUTION_NO_CGROUP, "~unknown",
         "~unknown", "~unknown", "", ""},
        {"cut below the container", POD "/" ID "/x/y", true, CS_ATTRIBUTION_POD_UID, "~unknown",
         "Pod", UID, UID, ID},
    };
    _cleanup_container_table_ struct cs_container_table *table =
        table_new(&cs_container_limits_default);

    (void)state;
    for (size_t i = 0; i < CS_ARRAY_SIZE(cases); i++) {
        struct cs_subject got;

        cs_container_table_add(table, 100 + i, slice(cases[i].path), cases[i].cut, 0);
        assert_int_equal(cs_container_table_subject(table, 100 + i, &got), 0);
        if (got.attribution != cases[i].attribution ||
            strcmp(got.workload.namespace, cases[i].owner) != 0 ||
            strcmp(got.workload.service_account, cases[i].owner) != 0 ||
            strcmp(got.workload.workload_kind, cases[i].kind) != 0 ||
            strcmp(got.workload.workload, cases[i].workload) != 0 ||
            strcmp(got.pod_uid, cases[i].uid) != 0 || strcmp(got.container_id, cases[i].id) != 0 ||
            strcmp(got.cgroup, cases[i].path) != 0)
            fail_msg("%s: %d %s %s %s uid '%s' id '%s' cgroup '%s'", cases[i].name, got.attribution,
                     got.workload.namespace, got.workload.workload_kind, got.workload.workload,
                     got.pod_uid, got.container_id, got.cgroup);
    }
}

static void says_unknown_for_an_unseen_id(void **state)
{
    _cleanup_container_table_ struct cs_container_table *table = table_new(&small);
    struct cs_subject got;
    struct cs_container container;

    (void)state;
    memset(&got, 'x', sizeof(got));
    assert_int_equal(cs_container_table_subject(table, 7, &got), -ENOENT);
    assert_int_equal(got.attribution, CS_ATTRIBUTION_NO_CGROUP);
    assert_string_equal(got.workload.namespace, "~unknown");
    assert_string_equal(got.workload.workload, "~unknown");
    assert_string_equal(got.pod_uid, "");
    assert_int_equal(cs_container_table_get(table, 7, &container), -ENOENT);
    assert_int_equal(stats_of(table).misses, 1);
    assert_int_equal(stats_of(table).hits, 0);
}

static void keeps_removed_ones_for_a_while(void **state)
{
    _cleanup_container_table_ struct cs_container_table *table = table_new(&small);
    struct cs_container got;

    (void)state;
    cs_container_table_add(table, 7, slice(POD "/" ID), false, 5 * SECOND);
    assert_int_equal(stats_of(table).containers, 1);
    cs_container_table_remove(table, 7, 20 * SECOND);
    cs_container_table_remove(table, 7, 25 * SECOND);
    cs_container_table_remove(table, 8, 25 * SECOND);
    assert_int_equal(stats_of(table).live, 0);
    assert_int_equal(stats_of(table).containers, 0);
    assert_int_equal(stats_of(table).removed, 1);

    cs_container_table_expire(table, 30 * SECOND);
    assert_int_equal(cs_container_table_get(table, 7, &got), 0);
    assert_int_equal(got.created_ns, 5 * SECOND);
    assert_int_equal(got.removed_ns, 20 * SECOND);
    assert_string_equal(got.identity.pod_uid, UID);

    cs_container_table_expire(table, 10 * SECOND);
    assert_true(cs_container_table_has(table, 7));
    cs_container_table_expire(table, 30 * SECOND + 1);
    assert_false(cs_container_table_has(table, 7));
    assert_int_equal(stats_of(table).expired, 1);
    assert_int_equal(stats_of(table).removed, 0);
}

static void bounds_both_sets(void **state)
{
    _cleanup_container_table_ struct cs_container_table *table = table_new(&small);

    (void)state;
    for (uint64_t id = 1; id <= 4; id++)
        assert_int_equal(cs_container_table_add(table, id, slice("/a"), false, 1), 0);
    assert_int_equal(cs_container_table_add(table, 5, slice("/a"), false, 1), -ENOSPC);
    assert_int_equal(stats_of(table).refused, 1);
    assert_int_equal(cs_container_table_add(table, 4, slice("/b"), false, 1), 0);

    for (uint64_t id = 1; id <= 3; id++)
        cs_container_table_remove(table, id, id * SECOND);
    assert_false(cs_container_table_has(table, 1));
    assert_true(cs_container_table_has(table, 2));
    assert_int_equal(stats_of(table).evicted, 1);
    assert_int_equal(stats_of(table).removed, 2);
    assert_int_equal(stats_of(table).live, 1);
}

static void takes_the_better_path(void **state)
{
    _cleanup_container_table_ struct cs_container_table *table = table_new(&small);
    struct cs_container got;

    (void)state;
    cs_container_table_add(table, 7, slice("/a/lo"), true, 3);
    cs_container_table_add(table, 7, slice("/a/long"), false, 0);
    cs_container_table_add(table, 7, slice("/a/l"), true, 0);
    assert_int_equal(cs_container_table_get(table, 7, &got), 0);
    assert_string_equal(got.path, "/a/long");
    assert_false(got.cut);
    assert_int_equal(got.created_ns, 3);
    assert_int_equal(stats_of(table).live, 1);

    cs_container_table_remove(table, 7, 4);
    cs_container_table_add(table, 7, slice("/a/long"), false, 5);
    assert_int_equal(cs_container_table_get(table, 7, &got), 0);
    assert_int_equal(got.removed_ns, 0);
    assert_int_equal(stats_of(table).removed, 0);
    assert_int_equal(stats_of(table).live, 1);
}

static void cuts_an_endless_path(void **state)
{
    _cleanup_container_table_ struct cs_container_table *table = table_new(&small);
    char path[CS_CGROUP_PATH_MAX + 100];
    struct cs_container got;

    (void)state;
    memset(path, 'a', sizeof(path));
    path[0] = '/';
    assert_int_equal(
        cs_container_table_add(table, 7, (struct cs_slice){path, sizeof(path)}, false, 1), 0);
    assert_int_equal(cs_container_table_get(table, 7, &got), 0);
    assert_int_equal(strlen(got.path), CS_CGROUP_PATH_MAX);
    assert_true(got.cut);
    assert_int_equal(got.identity.kind, CS_CGROUP_UNKNOWN);
}

static void replaces_bytes_that_may_not_be_logged(void **state)
{
    struct cs_subject got;

    (void)state;
    cs_subject_from_path(slice("/a\xff\n\x01/b.service"), false, &got);
    assert_string_equal(got.cgroup, "/a??\?/b.service");
}

static void counts_containers_not_their_children(void **state)
{
    _cleanup_container_table_ struct cs_container_table *table = table_new(&small);

    (void)state;
    cs_container_table_add(table, 1, slice(POD), false, 0);
    cs_container_table_add(table, 2, slice(POD "/" ID), false, 0);
    cs_container_table_add(table, 3, slice(POD "/" ID "/init.scope"), false, 0);
    cs_container_table_add(table, 4, slice("/docker/" ID), false, 0);
    assert_int_equal(stats_of(table).containers, 1);
    assert_int_equal(stats_of(table).live, 4);
}

static int count_until(const struct cs_container *container, void *context)
{
    unsigned int *left = context;

    assert_int_equal(container->path[0], '/');
    return --*left == 0 ? 42 : 0;
}

#define POD_PATH     "/kubepods/pod11111111-2222-3333-4444-555555555555"
#define CONTAINER_ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void visits_each_container(void **state)
{
    static const char *const PATHS[] = {
        "/a",
        POD_PATH,
        POD_PATH "/" CONTAINER_ID,
        POD_PATH "/cri-containerd-" CONTAINER_ID ".scope",
        POD_PATH "/" CONTAINER_ID "/below",
        POD_PATH "/crio-" CONTAINER_ID,
    };
    _cleanup_container_table_ struct cs_container_table *table =
        table_new(&cs_container_limits_default);
    unsigned int left = 100;

    (void)state;
    for (size_t i = 0; i < CS_ARRAY_SIZE(PATHS); i++)
        cs_container_table_add(table, i + 1, slice(PATHS[i]), false, 1);
    cs_container_table_remove(table, CS_ARRAY_SIZE(PATHS), 2);
    assert_int_equal(cs_container_table_each(table, count_until, &left), 0);
    assert_int_equal(left, 98);
    left = 2;
    assert_int_equal(cs_container_table_each(table, count_until, &left), 42);
}

/* 3,000 cgroups, as a big node has them: 2,000 of the host, 250 pods of 3 containers. */
static void stays_compact(void **state)
{
    _cleanup_container_table_ struct cs_container_table *table =
        table_new(&cs_container_limits_default);
    uint64_t id = 1, before = stats_of(table).bytes;
    char path[256];

    (void)state;
    for (unsigned int i = 0; i < 2000; i++) {
        snprintf(path, sizeof(path), "/system.slice/unit-number-%u.service", i);
        cs_container_table_add(table, id++, slice(path), false, 0);
    }
    for (unsigned int i = 0; i < 1000; i++) {
        int n = snprintf(path, sizeof(path),
                         "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-"
                         "pod0a1b2c3d_4e5f_6071_8293_a4b5c6%06u.slice",
                         i / 4);

        if (i % 4 != 0)
            snprintf(
                path + n, sizeof(path) - (size_t)n,
                "/cri-containerd-0123456789abcdef0123456789abcdef0123456789abcdef0123456789%06u"
                ".scope",
                i);
        cs_container_table_add(table, id++, slice(path), false, 0);
    }
    assert_int_equal(stats_of(table).live, 3000);
    assert_int_equal(stats_of(table).containers, 750);
    if (stats_of(table).bytes - before > 3000 * 256)
        fail_msg("%llu bytes", (unsigned long long)stats_of(table).bytes);

    for (uint64_t i = 1; i < id; i++)
        cs_container_table_remove(table, i, SECOND);
    cs_container_table_expire(table, 3600 * SECOND);
    assert_int_equal(stats_of(table).removed, 0);
    assert_int_equal(stats_of(table).bytes, before);
}

static void refuses_bad_limits(void **state)
{
    struct cs_container_table *table = NULL;
    struct cs_container_limits limits = small;

    (void)state;
    limits.live_max = 0;
    assert_int_equal(cs_container_table_new(&limits, &table), -EINVAL);
    limits.live_max = (1 << 20) + 1;
    assert_int_equal(cs_container_table_new(&limits, &table), -EINVAL);
    assert_null(table);
    cs_container_table_free(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fills_subjects),
        cmocka_unit_test(says_unknown_for_an_unseen_id),
        cmocka_unit_test(keeps_removed_ones_for_a_while),
        cmocka_unit_test(bounds_both_sets),
        cmocka_unit_test(takes_the_better_path),
        cmocka_unit_test(cuts_an_endless_path),
        cmocka_unit_test(replaces_bytes_that_may_not_be_logged),
        cmocka_unit_test(counts_containers_not_their_children),
        cmocka_unit_test(visits_each_container),
        cmocka_unit_test(stays_compact),
        cmocka_unit_test(refuses_bad_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
