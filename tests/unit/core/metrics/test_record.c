/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "record_support.h"

#include <errno.h>

#define W \
    "namespace=\"shop\",service_account=\"cart\",workload_kind=\"Deployment\",workload=\"cart\""
#define POD_IDENTITY "mechanism=\"eks-pod-identity\""

static void node_series_exist_from_the_start(void **unused)
{
    static const char *const lines[] = {
        "credscope_node_requests_total{mechanism=\"irsa\",outcome=\"ok_inferred\"} 0",
        "credscope_node_requests_total{mechanism=\"imdsv2\",outcome=\"throttled\"} 0",
        "credscope_node_requests_total{mechanism=\"~unknown\",outcome=\"tls_failed\"} 0",
        "credscope_requests_in_flight{mechanism=\"kiam\"} 0",
        "credscope_oldest_in_flight_seconds{mechanism=\"kiam\"} 0",
        ("credscope_mechanism_info{mechanism=\"irsa\",cloud=\"aws\",class=\"retiring\","
         "successor=\"eks-pod-identity\"} 1"),
        "credscope_series_overflow_total{kept=\"service_account\"} 0",
        "credscope_series_overflow_total{kept=\"none\"} 0",
        "credscope_series_overflow_total{kept=\"dropped\"} 0",
        "credscope_series_limit 10000",
    };
    struct cs_recorder *recorder = recorder_new((struct cs_recorder_options){0});
    char *page = page_of(recorder, CS_EXPOSITION_TEXT);

    (void)unused;
    for (size_t i = 0; i < CS_ARRAY_SIZE(lines); i++)
        assert_line(page, lines[i]);
    /* what has no series has no head either */
    assert_null(strstr(page, "credscope_requests_total"));
    assert_null(strstr(page, "credscope_node_info"));
    /* a status can't be read through TLS */
    assert_null(strstr(page, "mechanism=\"irsa\",outcome=\"throttled\""));
    free(page);
    cs_recorder_free(recorder);
}

static void an_answered_exchange(void **unused)
{
    static const char *const lines[] = {
        "credscope_requests_total{" W "," POD_IDENTITY ",outcome=\"ok\"} 1",
        "credscope_credentials_total{" W "," POD_IDENTITY "} 1",
        "credscope_request_duration_seconds_bucket{" W "," POD_IDENTITY ",le=\"0.005\"} 0",
        "credscope_request_duration_seconds_bucket{" W "," POD_IDENTITY ",le=\"0.025\"} 1",
        "credscope_request_duration_seconds_bucket{" W "," POD_IDENTITY ",le=\"80.0\"} 1",
        "credscope_request_duration_seconds_bucket{" W "," POD_IDENTITY ",le=\"+Inf\"} 1",
        "credscope_request_duration_seconds_sum{" W "," POD_IDENTITY "} 0.012",
        "credscope_request_duration_seconds_count{" W "," POD_IDENTITY "} 1",
        "credscope_last_success_timestamp_seconds{" W "," POD_IDENTITY "} 1763691000.012",
        "credscope_node_requests_total{" POD_IDENTITY ",outcome=\"ok\"} 1",
    };
    struct cs_recorder *recorder = recorder_new((struct cs_recorder_options){0});
    struct sample sample;
    char *page, line[256];

    (void)unused;
    sample_init(&sample);
    sample_record(&sample, recorder);
    page = page_of(recorder, CS_EXPOSITION_TEXT);
    for (size_t i = 0; i < CS_ARRAY_SIZE(lines); i++)
        assert_line(page, lines[i]);
    assert_null(strstr(page, "credscope_last_failure"));
    assert_null(strstr(page, "tls_handshake"));
    snprintf(line, sizeof(line),
             "credscope_endpoint_connect_duration_seconds_sum{endpoint=\"%s\","
             "address_family=\"ipv4\"," POD_IDENTITY "} 0.002",
             cs_endpoint_name(CS_ENDPOINT_POD_IDENTITY_AGENT));
    assert_line(page, line);
    snprintf(line, sizeof(line),
             "credscope_endpoint_last_success_timestamp_seconds{endpoint=\"%s\","
             "address_family=\"ipv4\"} 1763691000.012",
             cs_endpoint_name(CS_ENDPOINT_POD_IDENTITY_AGENT));
    assert_line(page, line);
    free(page);
    cs_recorder_free(recorder);
}

/* A hang must not improve a percentile: its waiting time is observed. */
static void an_unanswered_exchange_is_observed_with_its_waiting_time(void **unused)
{
    struct cs_recorder *recorder = recorder_new((struct cs_recorder_options){0});
    struct sample sample;
    char *page;

    (void)unused;
    sample_init(&sample);
    sample_outcome(&sample, CS_OUTCOME_ABANDONED);
    sample.exchange.answer_ns = 0;
    sample.exchange.end_ns = START_NS + MS(90000);
    sample_record(&sample, recorder);
    page = page_of(recorder, CS_EXPOSITION_TEXT);
    assert_line(page,
                "credscope_request_duration_seconds_bucket{" W "," POD_IDENTITY ",le=\"80.0\"} 0");
    assert_line(page,
                "credscope_request_duration_seconds_bucket{" W "," POD_IDENTITY ",le=\"+Inf\"} 1");
    assert_line(page, "credscope_request_duration_seconds_sum{" W "," POD_IDENTITY "} 90");
    assert_line(page,
                "credscope_last_failure_timestamp_seconds{" W "," POD_IDENTITY "} 1763691090");
    assert_null(strstr(page, "credscope_credentials_total"));
    assert_null(strstr(page, "credscope_last_success"));
    free(page);
    cs_recorder_free(recorder);
}

static void phases_are_observed_once_a_connection(void **unused)
{
    struct cs_recorder *recorder = recorder_new((struct cs_recorder_options){0});
    struct sample sample;
    char *page, line[256];

    (void)unused;
    sample_init(&sample);
    sample_outcome(&sample, CS_OUTCOME_OK_INFERRED);
    sample.verdict.mechanism = CS_MECHANISM_IRSA;
    sample.verdict.endpoint = CS_ENDPOINT_STS;
    sample.connection.family = 6;
    sample.connection.client_hello_ns = START_NS + MS(1);
    sample.connection.tls_ready_ns = START_NS + MS(31);
    sample_record(&sample, recorder);
    sample.exchange.index = 1;
    sample_record(&sample, recorder);
    page = page_of(recorder, CS_EXPOSITION_TEXT);
    for (int i = 0; i < 3; i++) {
        static const char *const phases[] = {"connect", "tls_handshake", "request"};
        static const int counts[] = {1, 1, 2};

        snprintf(line, sizeof(line),
                 "credscope_endpoint_%s_duration_seconds_count{endpoint=\"%s\","
                 "address_family=\"ipv6\",mechanism=\"irsa\"} %d",
                 phases[i], cs_endpoint_name(CS_ENDPOINT_STS), counts[i]);
        assert_line(page, line);
    }
    snprintf(line, sizeof(line),
             "credscope_endpoint_tls_handshake_duration_seconds_sum{endpoint=\"%s\","
             "address_family=\"ipv6\",mechanism=\"irsa\"} 0.03",
             cs_endpoint_name(CS_ENDPOINT_STS));
    assert_line(page, line);
    free(page);
    cs_recorder_free(recorder);
}

static void results_of_outcomes(void **unused)
{
    static const struct {
        enum cs_outcome outcome;
        bool probe, success, failure, endpoint_success, endpoint_failure, duration;
    } cases[] = {
        {CS_OUTCOME_OK, false, true, false, true, false, true},
        {CS_OUTCOME_NOT_FOUND, false, false, true, true, false, true},
        {CS_OUTCOME_NOT_FOUND, true, false, false, true, false, true},
        {CS_OUTCOME_DENIED, false, false, true, true, false, true},
        {CS_OUTCOME_REDIRECTED, false, false, false, true, false, true},
        {CS_OUTCOME_THROTTLED, false, false, true, false, true, true},
        {CS_OUTCOME_SERVER_ERROR, false, false, true, false, true, true},
        {CS_OUTCOME_REFUSED, false, false, true, false, true, true},
        {CS_OUTCOME_TLS_FAILED, false, false, true, false, true, true},
        {CS_OUTCOME_ANSWERED, false, false, false, true, false, true},
        {CS_OUTCOME_UNOBSERVED, false, false, false, false, false, false},
    };

    (void)unused;
    for (size_t i = 0; i < CS_ARRAY_SIZE(cases); i++) {
        struct cs_recorder *recorder = recorder_new((struct cs_recorder_options){0});
        struct sample sample;
        char *page;

        sample_init(&sample);
        sample_outcome(&sample, cases[i].outcome);
        sample.verdict.probe = cases[i].probe;
        sample_record(&sample, recorder);
        page = page_of(recorder, CS_EXPOSITION_TEXT);
#define HAS(text) (strstr(page, "\ncredscope_" text) != NULL)
        assert_int_equal(HAS("last_success_timestamp_seconds{"), cases[i].success);
        assert_int_equal(HAS("last_failure_timestamp_seconds{"), cases[i].failure);
        assert_int_equal(HAS("endpoint_last_success_timestamp_seconds{"),
                         cases[i].endpoint_success);
        assert_int_equal(HAS("endpoint_last_failure_timestamp_seconds{"),
                         cases[i].endpoint_failure);
        assert_int_equal(HAS("request_duration_seconds_count{"), cases[i].duration);
        assert_int_equal(HAS("endpoint_request_duration_seconds_count{"), cases[i].duration);
        assert_true(HAS("requests_total{"));
#undef HAS
        free(page);
        cs_recorder_free(recorder);
    }
}

/* A hop limit of 1 leaves pods' IMDSv2 token requests without an answer: the service is well. */
static void a_hop_limit_is_no_failure_of_the_endpoint(void **unused)
{
    struct cs_recorder *recorder = recorder_new((struct cs_recorder_options){0});
    struct sample sample;
    char *page;

    (void)unused;
    sample_init(&sample);
    sample_outcome(&sample, CS_OUTCOME_ABANDONED);
    sample.exchange.status = 0;
    sample.exchange.answer_ns = 0;
    sample.verdict.mechanism = CS_MECHANISM_METADATA;
    sample.verdict.endpoint = CS_ENDPOINT_IMDS;
    strcpy(sample.exchange.method, "PUT");
    strcpy(sample.exchange.path, "/latest/api/token");
    sample_record(&sample, recorder);
    page = page_of(recorder, CS_EXPOSITION_TEXT);
    assert_null(strstr(page, "credscope_endpoint_last_failure_timestamp_seconds{"));
    assert_non_null(strstr(page, "credscope_endpoint_request_duration_seconds_count{"));
    assert_non_null(strstr(page, "\ncredscope_last_failure_timestamp_seconds{"));
    free(page);
    cs_recorder_free(recorder);
}

static void histogram_by(void **unused)
{
    static const struct {
        enum cs_record_by by;
        const char *labels;
    } cases[] = {
        {CS_RECORD_BY_WORKLOAD, W},
        {CS_RECORD_BY_SERVICE_ACCOUNT, "namespace=\"shop\",service_account=\"cart\","
                                       "workload_kind=\"~all\",workload=\"~all\""},
        {CS_RECORD_BY_MECHANISM, "namespace=\"~all\",service_account=\"~all\","
                                 "workload_kind=\"~all\",workload=\"~all\""},
    };

    (void)unused;
    for (size_t i = 0; i < CS_ARRAY_SIZE(cases); i++) {
        struct cs_recorder *recorder =
            recorder_new((struct cs_recorder_options){.histogram_by = cases[i].by});
        struct sample sample;
        char *page, line[300];

        sample_init(&sample);
        sample_record(&sample, recorder);
        page = page_of(recorder, CS_EXPOSITION_TEXT);
        snprintf(line, sizeof(line),
                 "credscope_request_duration_seconds_count{%s," POD_IDENTITY "} 1",
                 cases[i].labels);
        assert_line(page, line);
        assert_line(page, "credscope_requests_total{" W "," POD_IDENTITY ",outcome=\"ok\"} 1");
        free(page);
        cs_recorder_free(recorder);
    }
}

static void pod_labels(void **unused)
{
    struct cs_recorder *recorder = recorder_new((struct cs_recorder_options){.pod_labels = true});
    struct sample sample;
    char *page;

    (void)unused;
    sample_init(&sample);
    sample_record(&sample, recorder);
    sample.subject.pod[0] = '\0';
    sample_record(&sample, recorder);
    sample.subject.attribution = CS_ATTRIBUTION_HOST;
    sample_record(&sample, recorder);
    page = page_of(recorder, CS_EXPOSITION_TEXT);
    assert_line(page,
                "credscope_credentials_total{" W ",pod=\"cart-7d4b9c-x2x4z\"," POD_IDENTITY "} 1");
    assert_line(page, "credscope_credentials_total{" W ",pod=\"~unknown\"," POD_IDENTITY "} 1");
    assert_line(page, "credscope_credentials_total{" W ",pod=\"~host\"," POD_IDENTITY "} 1");
    free(page);
    cs_recorder_free(recorder);
}

static void setters_check_what_they_get(void **unused)
{
    static const char *const program[] = {"connect4", "cgroup/connect4"};
    static const char *const cut[] = {"connect4", NULL};
    struct cs_recorder *recorder = recorder_new((struct cs_recorder_options){0});
    struct sample sample;
    char *page;

    (void)unused;
    sample_init(&sample);
    assert_int_equal(cs_recorder_set(recorder, CS_METRIC_PROGRAM_ATTACHED, program, 1), 0);
    assert_int_equal(cs_recorder_set(recorder, CS_METRIC_PROGRAM_ATTACHED, cut, 1), -EINVAL);
    assert_int_equal(cs_recorder_set(recorder, CS_METRIC_PROGRAM_ATTACHED, NULL, 1), -EINVAL);
    assert_int_equal(cs_recorder_set(recorder, CS_METRIC_CREDENTIALS, program, 1), -EINVAL);
    assert_int_equal(cs_recorder_set(recorder, CS_METRIC_ENDPOINT_CONNECT_DURATION, program, 1),
                     -EINVAL);
    assert_int_equal(cs_recorder_set_of(recorder, CS_METRIC_SERIES, &sample.subject, NULL, 1, 0),
                     -EINVAL);
    assert_int_equal(cs_recorder_observe(recorder, CS_METRIC_SERIES, NULL, 1), -EINVAL);
    assert_int_equal(cs_recorder_observe(recorder, CS_METRIC_REQUEST_DURATION, program, 1),
                     -EINVAL);
    assert_int_equal(cs_recorder_observe(recorder, CS_METRIC_FIRST_SUCCESS_DELAY, program, MS(300)),
                     0);
    assert_int_equal(cs_recorder_add(recorder, CS_METRIC_OBSERVED, NULL, MS(1500)), 0);
    assert_int_equal(cs_recorder_add(recorder, CS_METRIC_OBSERVED, NULL, MS(1500)), 0);
    cs_recorder_in_flight(recorder, CS_MECHANISM_IRSA, 3, MS(250));
    page = page_of(recorder, CS_EXPOSITION_TEXT);
    assert_line(page, "credscope_first_success_delay_seconds_bucket{mechanism=\"connect4\",le="
                      "\"0.25\"} 0");
    assert_line(page, "credscope_first_success_delay_seconds_bucket{mechanism=\"connect4\",le="
                      "\"0.5\"} 1");
    assert_line(page,
                "credscope_program_attached{program=\"connect4\",hook=\"cgroup/connect4\"} 1");
    assert_line(page, "credscope_observed_seconds_total 3");
    assert_line(page, "credscope_requests_in_flight{mechanism=\"irsa\"} 3");
    assert_line(page, "credscope_oldest_in_flight_seconds{mechanism=\"irsa\"} 0.25");
    free(page);
    cs_recorder_remove(recorder, CS_METRIC_PROGRAM_ATTACHED);
    page = page_of(recorder, CS_EXPOSITION_TEXT);
    assert_null(strstr(page, "program_attached"));
    free(page);
    cs_recorder_free(recorder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(node_series_exist_from_the_start),
        cmocka_unit_test(an_answered_exchange),
        cmocka_unit_test(an_unanswered_exchange_is_observed_with_its_waiting_time),
        cmocka_unit_test(phases_are_observed_once_a_connection),
        cmocka_unit_test(results_of_outcomes),
        cmocka_unit_test(a_hop_limit_is_no_failure_of_the_endpoint),
        cmocka_unit_test(histogram_by),
        cmocka_unit_test(pod_labels),
        cmocka_unit_test(setters_check_what_they_get),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
