/* SPDX-License-Identifier: Apache-2.0 */
/* From facts to a finding that is shown and told, and cleared again. */
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

#define MINUTE    (60 * CS_NSEC_PER_SEC)
#define CGROUP    99
#define CONTAINER "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define PATH      "/kubepods/burstable/pod11111111-2222-3333-4444-555555555555/" CONTAINER

static struct cs_watchlist watchlist;
static struct cs_pipeline *pipeline;

static int set_up(void **state)
{
    const struct cs_pipeline_options options = {
        .watchlist = &watchlist,
        .context = {.node = "node", .run_id = "0123"},
        .recorder = {.max_series = *state ? 2000 : 0},
        .node_name = "node",
        .cloud = "aws",
        .told = false,
    };

    (void)state;
    pipeline = calloc(1, sizeof(*pipeline));
    assert_non_null(pipeline);
    cs_watchlist_init(&watchlist);
    assert_int_equal(cs_pipeline_make(pipeline, &options), 0);
    return cs_container_table_add(pipeline->containers, CGROUP,
                                  (struct cs_slice){PATH, sizeof(PATH) - 1}, false, 1);
}

static int tear_down(void **state)
{
    (void)state;
    cs_pipeline_free(pipeline);
    free(pipeline);
    return 0;
}

static void connect_to_agent(uint64_t time_ns, uint32_t generation)
{
    struct cs_fact_connect connect = {
        .header = {.type = CS_FACT_CONNECT,
                   .size = sizeof(connect),
                   .time_ns = time_ns,
                   .cookie = 7,
                   .generation = generation},
        .cgroup_id = CGROUP,
        .tgid = 42,
        .dport = 80,
        .family = 4,
        .kind = CS_WATCH_PLAIN,
        .daddr = {[10] = 0xff, 0xff, 169, 254, 170, 23},
    };

    cs_pipeline_fact(pipeline, &connect, sizeof(connect), time_ns);
}

static void refuse(uint64_t time_ns, uint32_t generation)
{
    struct cs_fact_connect_failed failed = {
        .header = {.type = CS_FACT_CONNECT_FAILED,
                   .size = sizeof(failed),
                   .seq = 1,
                   .time_ns = time_ns,
                   .cookie = 7,
                   .generation = generation},
        .reason = CS_CONNECT_REFUSED,
    };

    cs_pipeline_fact(pipeline, &failed, sizeof(failed), time_ns);
}

/* Labels of the gauges there are, joined by blanks. */
static void shown(char *to, size_t size)
{
    const struct cs_registry *registry = cs_recorder_registry(pipeline->recorder);
    size_t at = 0, len;

    to[0] = '\0';
    for (const struct cs_series *each = cs_registry_first(registry, CS_METRIC_FINDING); each;
         each = cs_series_next(each)) {
        at += (size_t)snprintf(to + at, size - at, "%s%s", at ? " " : "",
                               cs_label_text(cs_series_labels(each)[1], &len));
        assert_int_equal(cs_series_read(each), 1);
    }
}

static void assert_shown(const char *wanted)
{
    char labels[512];

    shown(labels, sizeof(labels));
    assert_string_equal(labels, wanted);
}

static void shows_and_clears(void **state)
{
    (void)state;
    connect_to_agent(10, 1);
    refuse(20, 1);
    assert_shown("finding=\"first-call-failed\"");
    assert_int_equal(pipeline->context.seq, 2); /* the exchange, and the finding */
    cs_pipeline_findings_regauge(pipeline);
    cs_pipeline_findings_tick(pipeline, 14 * MINUTE);
    assert_shown("finding=\"first-call-failed\"");
    cs_pipeline_findings_tick(pipeline, 16 * MINUTE);
    assert_shown("");
    assert_int_equal(pipeline->context.seq, 3);
}

/* A connect that hangs is looked at while it does. */
static void sees_what_hangs(void **state)
{
    (void)state;
    connect_to_agent(MINUTE, 1);
    cs_pipeline_findings_tick(pipeline, MINUTE + 30 * CS_NSEC_PER_SEC);
    assert_shown("");
    cs_pipeline_findings_tick(pipeline, 2 * MINUTE + CS_NSEC_PER_SEC);
    assert_shown("finding=\"endpoint-unreachable\"");
}

/* … but not when it may be over, and the facts that told so were lost. */
static void doubts_what_hangs(void **state)
{
    (void)state;
    connect_to_agent(MINUTE, 1);
    cs_pipeline_facts_dropped(pipeline, 0, MINUTE + CS_NSEC_PER_SEC);
    cs_pipeline_facts_dropped(pipeline, 2, MINUTE + 2 * CS_NSEC_PER_SEC);
    cs_pipeline_facts_dropped(pipeline, 2, 2 * MINUTE);
    cs_pipeline_findings_tick(pipeline, 2 * MINUTE + CS_NSEC_PER_SEC);
    assert_shown("");
    connect_to_agent(MINUTE + 2 * CS_NSEC_PER_SEC + 1, 2);
    cs_pipeline_findings_tick(pipeline, 2 * MINUTE + 3 * CS_NSEC_PER_SEC);
    assert_shown("finding=\"endpoint-unreachable\"");
}

/* Under --max-series a gauge loses its names; it must not stay behind for that. */
static void folded_gauges_go_too(void **state)
{
    const struct cs_registry *registry = cs_recorder_registry(pipeline->recorder);
    const struct cs_series *series;
    size_t len;

    (void)state;
    /* More than there is room for: later workloads lose their names. */
    for (unsigned int i = 0; i < 2000; i++) {
        struct cs_subject filler = {.workload = {"n", "s", "Deployment", ""}};
        const char *const values[] = {"irsa"};

        snprintf(filler.workload.workload, sizeof(filler.workload.workload), "w-%u", i);
        cs_recorder_set_of(pipeline->recorder, CS_METRIC_PODS_USING, &filler, values, 1, 1);
    }
    connect_to_agent(10, 1);
    refuse(20, 1);
    series = cs_registry_first(registry, CS_METRIC_FINDING);
    assert_non_null(series);
    assert_non_null(
        strstr(cs_label_text(cs_series_labels(series)[0], &len), "workload=\"~other\""));
    cs_pipeline_findings_tick(pipeline, 16 * MINUTE);
    cs_pipeline_findings_regauge(pipeline);
    assert_shown("");
}

static void every_severity_is_there(void **state)
{
    const struct cs_registry *registry = cs_recorder_registry(pipeline->recorder);
    size_t count = 0;

    (void)state;
    for (const struct cs_series *each = cs_registry_first(registry, CS_METRIC_FINDING_INFO); each;
         each = cs_series_next(each))
        count++;
    assert_int_equal(count, CS_FINDING_END);
}

int main(void)
{
    static bool small = true;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(shows_and_clears, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sees_what_hangs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(doubts_what_hangs, set_up, tear_down),
        cmocka_unit_test_prestate_setup_teardown(folded_gauges_go_too, set_up, tear_down, &small),
        cmocka_unit_test_setup_teardown(every_severity_is_there, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
