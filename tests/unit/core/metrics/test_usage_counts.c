/* SPDX-License-Identifier: Apache-2.0 */
#include "core/metrics/usage_counts.h"

#include "../pods/pod_samples.h"
#include "base/util.h"
#include "core/metrics/usage_unobserved.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define SECOND CS_NSEC_PER_SEC

struct gauges {
    size_t count;
    char lines[32][1200];
};

static void note(void *user, enum cs_usage_gauge gauge, const struct cs_subject *subject,
                 const char *value, uint32_t pods)
{
    static const char *const NAMES[] = {"using", "declaring", "pods"};
    struct gauges *gauges = user;

    assert_true(gauges->count < CS_ARRAY_SIZE(gauges->lines));
    snprintf(gauges->lines[gauges->count++], sizeof(gauges->lines[0]), "%s %s/%s%s%s %s %u",
             NAMES[gauge], subject->workload.namespace, subject->workload.workload,
             subject->pod[0] ? "/" : "", subject->pod, value ? value : "-", pods);
}

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* As one text, sorted. */
static const char *refresh(struct cs_usage_counts *counts, struct cs_pod_index *index,
                           struct cs_usage *usage, uint64_t now_ns)
{
    static char text[32 * 1200];
    struct gauges gauges = {0};

    assert_int_equal(cs_usage_counts_refresh(counts, index, usage, now_ns, note, &gauges), 0);
    qsort(gauges.lines, gauges.count, sizeof(gauges.lines[0]), compare);
    text[0] = '\0';
    for (size_t i = 0; i < gauges.count; i++) {
        strcat(text, gauges.lines[i]);
        strcat(text, "\n");
    }
    return text;
}

static void tell(struct cs_pod_index *index, enum cs_kube_event_kind kind, const char *uid,
                 const char *name, const char *owner, const char *phase, const char *variable)
{
    struct cs_kube_event event = {.kind = kind};
    char json[1024];

    snprintf(json, sizeof(json),
             "{\"metadata\":{\"uid\":\"%s\",\"name\":\"%s\",\"namespace\":\"shop\","
             "\"ownerReferences\":[{\"kind\":\"DaemonSet\",\"name\":\"%s\",\"controller\":true}]},"
             "\"spec\":{\"containers\":[{\"name\":\"app\",\"env\":[{\"name\":\"%s\"}]}]},"
             "\"status\":{\"phase\":\"%s\"}}",
             uid, name, owner, variable, phase);
    event.pod = slice_of(json);
    cs_pod_index_event(index, &event, SECOND);
}

static void deliver(struct cs_usage *usage, const char *uid, const char *id,
                    enum cs_mechanism mechanism)
{
    struct cs_connection connection = {0};
    struct cs_exchange exchange = {.connection = &connection, .answer_ns = SECOND};
    struct cs_verdict verdict = {.mechanism = mechanism, .delivered = true};
    struct cs_subject subject = {.workload = {"~unknown", "~unknown", "Pod", "u"}};
    struct cs_usage_first first;

    strcpy(subject.pod_uid, uid);
    strcpy(subject.container_id, id);
    cs_usage_exchange(usage, &exchange, &verdict, &subject, &(struct cs_usage_life){0}, SECOND,
                      &first);
}

struct world {
    struct cs_pod_index *index;
    struct cs_usage *usage;
    struct cs_usage_counts *counts;
};

static void make(struct world *world, bool by_pod)
{
    *world = (struct world){0};
    assert_int_equal(cs_pod_index_new(&cs_pod_index_limits_default, NULL, &world->index), 0);
    assert_int_equal(cs_usage_new(&(struct cs_usage_options){0}, cs_pod_index_labels(world->index),
                                  &world->usage),
                     0);
    assert_int_equal(cs_usage_counts_new(cs_pod_index_labels(world->index), by_pod, &world->counts),
                     0);
}

static void unmake(struct world *world)
{
    cs_usage_counts_free(&world->counts);
    cs_usage_free(&world->usage);
    cs_pod_index_free(&world->index);
}

static void counts_running_pods(void **state)
{
    struct world w;

    (void)state;
    make(&w, false);
    assert_string_equal(refresh(w.counts, w.index, w.usage, 2 * SECOND), "");
    tell(w.index, CS_KUBE_POD, UID_A, "p1", "web", "Running", "AWS_WEB_IDENTITY_TOKEN_FILE");
    tell(w.index, CS_KUBE_POD, UID_B, "p2", "web", "Running", "AWS_ACCESS_KEY_ID");
    tell(w.index, CS_KUBE_POD, "pending", "p3", "web", "Pending", "X");
    tell(w.index, CS_KUBE_POD, "done", "p4", "web", "Succeeded", "X");
    /* Two containers of one pod, one of them by two mechanisms; an init container; one finished;
     * one whose pod nobody knows yet. */
    deliver(w.usage, UID_A, ID_A, CS_MECHANISM_IRSA);
    deliver(w.usage, UID_A, ID_B, CS_MECHANISM_IRSA);
    deliver(w.usage, UID_A, ID_A, CS_MECHANISM_IMDSV2);
    deliver(w.usage, UID_B, ID_C, CS_MECHANISM_IRSA);
    deliver(w.usage, "pending", "c3", CS_MECHANISM_IRSA);
    deliver(w.usage, "done", "c4", CS_MECHANISM_IRSA);
    deliver(w.usage, "nobody", "c5", CS_MECHANISM_IRSA);
    assert_string_equal(refresh(w.counts, w.index, w.usage, 2 * SECOND),
                        "declaring shop/web irsa 1\n"
                        "declaring shop/web static-keys 1\n"
                        "pods shop/web - 2\n"
                        "using shop/web imdsv2 1\n"
                        "using shop/web irsa 3\n"
                        "using ~unknown/u irsa 1\n");
    /* What goes is told once, as 0. */
    tell(w.index, CS_KUBE_DELETED, UID_A, "p1", "web", "Running", "AWS_WEB_IDENTITY_TOKEN_FILE");
    cs_usage_ended(w.usage, "c5", 2 * SECOND);
    assert_string_equal(refresh(w.counts, w.index, w.usage, 3 * SECOND),
                        "declaring shop/web irsa 0\n"
                        "declaring shop/web static-keys 1\n"
                        "pods shop/web - 1\n"
                        "using shop/web imdsv2 0\n"
                        "using shop/web irsa 2\n"
                        "using ~unknown/u irsa 0\n");
    assert_string_equal(refresh(w.counts, w.index, w.usage, 3 * SECOND),
                        "declaring shop/web static-keys 1\n"
                        "pods shop/web - 1\n"
                        "using shop/web irsa 2\n");
    unmake(&w);
}

static void counts_by_pod(void **state)
{
    struct world w;

    (void)state;
    make(&w, true);
    tell(w.index, CS_KUBE_POD, UID_A, "p1", "web", "Running", "X");
    tell(w.index, CS_KUBE_POD, UID_B, "p2", "web", "Running", "X");
    deliver(w.usage, UID_A, ID_A, CS_MECHANISM_IRSA);
    assert_string_equal(refresh(w.counts, w.index, w.usage, 2 * SECOND),
                        "declaring shop/web/p1 none 1\n"
                        "declaring shop/web/p2 none 1\n"
                        "pods shop/web/p1 - 1\n"
                        "pods shop/web/p2 - 1\n"
                        "using shop/web/p1 irsa 1\n");
    unmake(&w);
}

/* A static pod's cgroup names another UID than its mirror in the API: what was seen before the
 * mirror was known, and what after, is of one pod. */
static void counts_a_static_pod_once(void **state)
{
    static const char MIRROR[] =
        "{\"metadata\":{\"uid\":\"" UID_A "\",\"name\":\"web-node\",\"namespace\":\"shop\","
        "\"annotations\":{\"kubernetes.io/config.hash\":\"" HASH "\","
        "\"kubernetes.io/config.mirror\":\"" HASH "\"},"
        "\"ownerReferences\":[{\"kind\":\"Node\",\"name\":\"node\",\"controller\":true}]},"
        "\"spec\":{\"nodeName\":\"node\",\"containers\":[{\"name\":\"a\"},{\"name\":\"b\"}]},"
        "\"status\":{\"phase\":\"Running\"}}";
    const struct cs_kube_event event = {.kind = CS_KUBE_POD, .pod = {MIRROR, sizeof(MIRROR) - 1}};
    struct world w;

    (void)state;
    make(&w, false);
    deliver(w.usage, HASH, ID_A, CS_MECHANISM_IRSA);
    cs_pod_index_event(w.index, &event, SECOND);
    deliver(w.usage, UID_A, ID_B, CS_MECHANISM_IRSA);
    assert_string_equal(refresh(w.counts, w.index, w.usage, 2 * SECOND),
                        "declaring shop/web none 1\n"
                        "pods shop/web - 1\n"
                        "using shop/web irsa 1\n");
    unmake(&w);
}

static void counts_without_a_source_of_pods(void **state)
{
    struct world w;

    (void)state;
    make(&w, false);
    deliver(w.usage, UID_A, ID_A, CS_MECHANISM_IRSA);
    assert_string_equal(refresh(w.counts, NULL, w.usage, 2 * SECOND), "pods ~unknown/u - 1\n"
                                                                      "using ~unknown/u irsa 1\n");
    unmake(&w);
}

static void says_what_it_cannot_see(void **state)
{
    static const struct {
        const char *path;
        uint64_t created_ns;
        bool removed;
    } rows[] = {
        {"/kubepods/pod" UID_A, 0, false},                        /* no container */
        {"/kubepods/pod" UID_A "/" ID_A, 0, false},               /* before */
        {"/kubepods/pod" UID_A "/" ID_A "/init.scope", 0, false}, /* below it */
        {"/kubepods/pod" UID_A "/" ID_B, 5, false},               /* after */
        {"/kubepods/pod" UID_B "/" ID_C, 0, true},                /* before, and gone */
        {"/kubepods/pod" UID_B "/kata_" ID_C, 5, false},          /* in a virtual machine */
        {"/system.slice/docker-" ID_C ".scope", 0, false},        /* in no pod */
    };
    struct cs_container_table *table = NULL;
    uint64_t counts[CS_UNOBSERVED_END];

    (void)state;
    assert_int_equal(cs_container_table_new(&cs_container_limits_default, &table), 0);
    for (size_t i = 0; i < CS_ARRAY_SIZE(rows); i++) {
        cs_container_table_add(table, 100 + i, slice_of(rows[i].path), false, rows[i].created_ns);
        if (rows[i].removed)
            cs_container_table_remove(table, 100 + i, 6);
    }
    cs_unobserved_count(table, counts);
    assert_int_equal(counts[CS_UNOBSERVED_STARTED_BEFORE], 1);
    assert_int_equal(counts[CS_UNOBSERVED_SANDBOXED], 1);
    cs_container_table_free(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_running_pods),
        cmocka_unit_test(counts_by_pod),
        cmocka_unit_test(counts_a_static_pod_once),
        cmocka_unit_test(counts_without_a_source_of_pods),
        cmocka_unit_test(says_what_it_cannot_see),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
