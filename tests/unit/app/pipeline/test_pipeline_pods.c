/* SPDX-License-Identifier: Apache-2.0 */
/* Gauges that count pods, where there is room for all of them and where there isn't. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "app/pipeline/pipeline.h"
#include "base/util.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEC CS_NSEC_PER_SEC

static struct cs_watchlist watchlist;
static struct cs_pipeline *pipeline;

static void make(uint32_t max_series)
{
    const struct cs_pipeline_options options = {
        .watchlist = &watchlist,
        .context = {.node = "node", .run_id = "0123"},
        .recorder = {.max_series = max_series},
        .node_name = "node",
        .told = true,
    };

    pipeline = calloc(1, sizeof(*pipeline));
    assert_non_null(pipeline);
    cs_watchlist_init(&watchlist);
    assert_int_equal(cs_pipeline_make(pipeline, &options), 0);
}

static void unmake(void)
{
    cs_pipeline_free(pipeline);
    free(pipeline);
}

static void tell(enum cs_kube_event_kind kind, unsigned int number)
{
    char pod[1024];
    int len =
        snprintf(pod, sizeof(pod),
                 "{\"metadata\":{\"uid\":\"%08x-2222-3333-4444-555555555555\",\"name\":\"p-%u\","
                 "\"namespace\":\"shop\",\"ownerReferences\":[{\"kind\":\"DaemonSet\","
                 "\"name\":\"w-%u\",\"controller\":true}]},\"spec\":{\"nodeName\":\"node\","
                 "\"serviceAccountName\":\"web\",\"containers\":[{\"name\":\"app\"}]},"
                 "\"status\":{\"phase\":\"Running\"}}",
                 number, number, number);
    const struct cs_kube_event event = {.kind = kind, .pod = {pod, (size_t)len}};

    cs_pod_index_event(pipeline->pods.index, &event, SEC);
}

static uint64_t declaring(void)
{
    const struct cs_registry *registry = cs_recorder_registry(pipeline->recorder);
    uint64_t pods = 0;

    for (const struct cs_series *each = cs_registry_first(registry, CS_METRIC_PODS_DECLARING); each;
         each = cs_series_next(each))
        pods += cs_series_read(each);
    return pods;
}

/* Under --max-series workloads share a series: it tells the pods of all of them, and goes to 0. */
static void counts_every_pod(void **state)
{
    static const uint32_t LIMITS[] = {0, 1500};

    (void)state;
    for (size_t i = 0; i < CS_ARRAY_SIZE(LIMITS); i++) {
        make(LIMITS[i]);
        for (unsigned int k = 0; k < 2000; k++)
            tell(CS_KUBE_POD, k);
        for (int round = 0; round < 3; round++) {
            cs_pipeline_pods_count(pipeline, 2 * SEC);
            assert_int_equal(declaring(), 2000);
        }
        for (unsigned int k = 0; k < 1990; k++)
            tell(CS_KUBE_DELETED, k);
        cs_pipeline_pods_count(pipeline, 3 * SEC);
        assert_int_equal(declaring(), 10);
        for (unsigned int k = 1990; k < 2000; k++)
            tell(CS_KUBE_DELETED, k);
        cs_pipeline_pods_count(pipeline, 4 * SEC);
        assert_int_equal(declaring(), 0);
        unmake();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(counts_every_pod)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
