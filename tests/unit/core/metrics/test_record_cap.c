/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "record_support.h"

#include <errno.h>

/* The value of a line that begins with prefix, or UINT64_MAX. */
static uint64_t value_of(const char *page, const char *prefix)
{
    const char *at = strstr(page, prefix);

    return at ? strtoull(at + strlen(prefix), NULL, 10) : UINT64_MAX;
}

/* The sum over all lines of a metric that hold text. */
static uint64_t sum_of(const char *page, const char *metric, const char *text)
{
    uint64_t sum = 0;
    char *copy = strdup(page), *state, *line;

    for (line = strtok_r(copy, "\n", &state); line; line = strtok_r(NULL, "\n", &state)) {
        if (strncmp(line, metric, strlen(metric)) == 0 && strstr(line, text))
            sum += strtoull(strrchr(line, ' ') + 1, NULL, 10);
    }
    free(copy);
    return sum;
}

static void flood(struct cs_recorder *recorder, int namespaces, int workloads)
{
    struct sample sample;
    char namespace[32], workload[32];

    sample_init(&sample);
    for (int i = 0; i < namespaces * workloads; i++) {
        snprintf(namespace, sizeof(namespace), "ns-%d", i % namespaces);
        snprintf(workload, sizeof(workload), "w-%d", i / namespaces);
        sample_workload(&sample, namespace, "default", "Deployment", workload);
        sample_record(&sample, recorder);
    }
}

static void the_page_stays_below_the_cap(void **unused)
{
    struct cs_recorder *recorder = recorder_new((struct cs_recorder_options){.max_series = 2000});
    char *page;

    (void)unused;
    flood(recorder, 500, 10);
    page = page_of(recorder, CS_EXPOSITION_TEXT);
    assert_true(page_samples(page) <= 2000);
    assert_true(page_samples(page) > 1700);
    assert_int_equal(value_of(page, "\ncredscope_series "), page_samples(page));
    /* nothing is lost but precision: every request is counted somewhere */
    assert_int_equal(sum_of(page, "credscope_requests_total{", ""), 5000);
    assert_int_equal(sum_of(page, "credscope_requests_total{", "workload=\"~other\"") +
                         sum_of(page, "credscope_requests_total{", "workload=\"w-"),
                     5000);
    /* the three steps are all there, and every update that took one is counted */
    assert_true(sum_of(page, "credscope_requests_total{", "workload=\"w-") > 50);
    assert_true(sum_of(page, "credscope_requests_total{",
                       "service_account=\"default\",workload_kind=\"~other\"") > 10);
    assert_true(sum_of(page, "credscope_requests_total{", "namespace=\"~other\"") > 1000);
    assert_true(value_of(page, "kept=\"service_account\"} ") > 0);
    assert_true(value_of(page, "kept=\"none\"} ") > 1000);
    assert_int_equal(value_of(page, "kept=\"dropped\"} "), 0);
    free(page);
    cs_recorder_free(recorder);
}

/* Few namespaces: their names and service accounts outlive the workloads'. */
static void namespace_and_service_account_are_kept_longest(void **unused)
{
    struct cs_recorder *recorder = recorder_new((struct cs_recorder_options){.max_series = 3000});
    char *page;

    (void)unused;
    flood(recorder, 4, 1000);
    page = page_of(recorder, CS_EXPOSITION_TEXT);
    assert_int_equal(sum_of(page, "credscope_requests_total{", "namespace=\"~other\""), 0);
    for (int i = 0; i < 4; i++) {
        char text[64];

        snprintf(text, sizeof(text), "namespace=\"ns-%d\"", i);
        assert_int_equal(sum_of(page, "credscope_requests_total{", text), 1000);
    }
    free(page);
    cs_recorder_free(recorder);
}

static void what_does_not_fit_at_all_is_counted(void **unused)
{
    struct cs_recorder *recorder = recorder_new((struct cs_recorder_options){.max_series = 10});
    char *page;

    (void)unused;
    flood(recorder, 1, 3);
    page = page_of(recorder, CS_EXPOSITION_TEXT);
    assert_null(strstr(page, "credscope_requests_total"));
    /* requests, credentials, duration, last success: four updates an exchange */
    assert_int_equal(value_of(page, "kept=\"dropped\"} "), 12);
    assert_line(page, "credscope_node_requests_total{mechanism=\"eks-pod-identity\","
                      "outcome=\"ok\"} 3");
    free(page);
    cs_recorder_free(recorder);
}

#define HOUR_NS (UINT64_C(3600) * CS_NSEC_PER_SEC)

static void series_go_a_day_after_the_last_exchange(void **unused)
{
    struct cs_recorder *recorder = recorder_new((struct cs_recorder_options){0});
    uint32_t empty = cs_registry_samples(cs_recorder_registry(recorder));
    struct sample sample;
    uint32_t full;
    char *page;

    (void)unused;
    sample_init(&sample);
    sample_record(&sample, recorder);
    full = cs_registry_samples(cs_recorder_registry(recorder));
    cs_recorder_expire(recorder, sample.exchange.end_ns + 24 * HOUR_NS - 1);
    assert_int_equal(cs_registry_samples(cs_recorder_registry(recorder)), full);
    cs_recorder_expire(recorder, sample.exchange.end_ns + 24 * HOUR_NS);
    page = page_of(recorder, CS_EXPOSITION_TEXT);
    assert_null(strstr(page, "namespace="));
    assert_non_null(strstr(page, "credscope_endpoint_request_duration_seconds_count{"));
    assert_int_equal(value_of(page, "\ncredscope_series_expired_total "), 14);
    assert_true(cs_registry_samples(cs_recorder_registry(recorder)) > empty);
    free(page);
    cs_recorder_free(recorder);
}

static void a_running_workload_does_not_expire(void **unused)
{
    struct cs_recorder *recorder = recorder_new((struct cs_recorder_options){0});
    struct sample sample;
    char *page;

    (void)unused;
    sample_init(&sample);
    sample_record(&sample, recorder);
    cs_recorder_subject_present(recorder, &sample.subject, START_NS);
    cs_recorder_expire(recorder, START_NS + 1000 * HOUR_NS);
    page = page_of(recorder, CS_EXPOSITION_TEXT);
    assert_non_null(strstr(page, "namespace=\"shop\""));
    free(page);
    cs_recorder_subject_gone(recorder, &sample.subject, START_NS + 1000 * HOUR_NS);
    cs_recorder_expire(recorder, START_NS + 1023 * HOUR_NS);
    page = page_of(recorder, CS_EXPOSITION_TEXT);
    assert_non_null(strstr(page, "namespace=\"shop\""));
    free(page);
    cs_recorder_expire(recorder, START_NS + 1024 * HOUR_NS);
    page = page_of(recorder, CS_EXPOSITION_TEXT);
    assert_null(strstr(page, "namespace=\"shop\""));
    free(page);
    cs_recorder_free(recorder);
}

static void series_of_workloads_are_set_and_removed(void **unused)
{
    static const char *const mechanism[] = {"irsa"};
    struct cs_recorder *recorder = recorder_new((struct cs_recorder_options){0});
    struct sample sample;
    char *page;

    (void)unused;
    sample_init(&sample);
    assert_int_equal(cs_recorder_add_of(recorder, CS_METRIC_CREDENTIALS, &sample.subject, mechanism,
                                        2, START_NS),
                     0);
    assert_int_equal(cs_recorder_set_of(recorder, CS_METRIC_LAST_SUCCESS, &sample.subject,
                                        mechanism, MS(1500), START_NS),
                     0);
    page = page_of(recorder, CS_EXPOSITION_TEXT);
    assert_non_null(strstr(page, "workload=\"cart\",mechanism=\"irsa\"} 2\n"));
    assert_non_null(strstr(page, "workload=\"cart\",mechanism=\"irsa\"} 1.5\n"));
    free(page);
    cs_recorder_remove_of(recorder, CS_METRIC_LAST_SUCCESS, &sample.subject, mechanism);
    sample_workload(&sample, "other", "cart", "Deployment", "cart");
    cs_recorder_remove_of(recorder, CS_METRIC_CREDENTIALS, &sample.subject, mechanism);
    page = page_of(recorder, CS_EXPOSITION_TEXT);
    assert_null(strstr(page, "last_success"));
    assert_non_null(strstr(page, "workload=\"cart\",mechanism=\"irsa\"} 2\n"));
    free(page);
    cs_recorder_free(recorder);
}

/* No label text outlives its series. */
static void memory_is_given_back(void **unused)
{
    struct cs_recorder *recorder = recorder_new((struct cs_recorder_options){0});
    struct cs_registry *registry = (struct cs_registry *)cs_recorder_registry(recorder);
    uint32_t before;

    (void)unused;
    flood(recorder, 1, 1);
    cs_recorder_expire(recorder, START_NS + 100 * HOUR_NS);
    before = cs_labels_count(cs_registry_labels(registry));
    flood(recorder, 20, 20);
    assert_true(cs_labels_count(cs_registry_labels(registry)) > before + 100);
    cs_recorder_expire(recorder, START_NS + 100 * HOUR_NS);
    assert_int_equal(cs_labels_count(cs_registry_labels(registry)), before);
    cs_recorder_free(recorder);
}

/* docs/metrics.md, "How many series": the node it describes, less credscope's own 130. */
static void an_ordinary_node_is_below_1500(void **unused)
{
    static const struct {
        enum cs_mechanism mechanism;
        enum cs_endpoint endpoint;
        int workloads;
    } uses[] = {
        {CS_MECHANISM_EKS_POD_IDENTITY, CS_ENDPOINT_POD_IDENTITY_AGENT, 14},
        {CS_MECHANISM_IRSA, CS_ENDPOINT_STS, 14},
        {CS_MECHANISM_IMDSV2, CS_ENDPOINT_IMDS, 2},
        {CS_MECHANISM_METADATA, CS_ENDPOINT_IMDS, 6},
        {CS_MECHANISM_STS, CS_ENDPOINT_STS, 6},
    };
    struct cs_recorder *recorder = recorder_new((struct cs_recorder_options){0});
    char workload[16], *page;

    (void)unused;
    for (size_t i = 0; i < CS_ARRAY_SIZE(uses); i++) {
        for (int n = 0; n < uses[i].workloads; n++) {
            bool tls = uses[i].endpoint == CS_ENDPOINT_STS;
            struct sample sample;

            sample_init(&sample);
            snprintf(workload, sizeof(workload), "w-%d", i == 1 ? 14 + n : i == 2 ? 28 + n : n);
            sample_workload(&sample, "shop", "cart", "Deployment", workload);
            sample.connection.client_hello_ns = tls ? START_NS : 0;
            sample.connection.tls_ready_ns = tls ? START_NS + MS(9) : 0;
            sample.verdict.mechanism = uses[i].mechanism;
            sample.verdict.endpoint = uses[i].endpoint;
            sample_record(&sample, recorder);
            sample_outcome(&sample, tls ? CS_OUTCOME_REJECTED_INFERRED : CS_OUTCOME_NOT_FOUND);
            sample.verdict.probe = n % 3 != 0;
            sample_record(&sample, recorder);
        }
    }
    page = page_of(recorder, CS_EXPOSITION_TEXT);
    assert_in_range(page_samples(page) + 130, 1100, 1500);
    free(page);
    cs_recorder_free(recorder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page_stays_below_the_cap),
        cmocka_unit_test(namespace_and_service_account_are_kept_longest),
        cmocka_unit_test(what_does_not_fit_at_all_is_counted),
        cmocka_unit_test(series_go_a_day_after_the_last_exchange),
        cmocka_unit_test(a_running_workload_does_not_expire),
        cmocka_unit_test(series_of_workloads_are_set_and_removed),
        cmocka_unit_test(memory_is_given_back),
        cmocka_unit_test(an_ordinary_node_is_below_1500),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
