/* SPDX-License-Identifier: Apache-2.0 */
/* Workloads as JSON, from a real recorder: requests, durations, order, filter and bounds. */
#include "core/report/workloads.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../metrics/record_support.h"

#include <cjson/cJSON.h>
#include <errno.h>

#define BODY_MAX (4u << 20)

/* What is written, as an object; delete it. */
static cJSON *written(const struct cs_recorder *recorder, const char *namespace, size_t max)
{
    const struct cs_workloads_sources sources = {.registry = cs_recorder_registry(recorder),
                                                 .now_ns = START_NS,
                                                 .realtime_ns =
                                                     UINT64_C(1763691000) * CS_NSEC_PER_SEC};
    struct cs_buffer buffer;
    cJSON *json;

    cs_buffer_init(&buffer, max);
    cs_buffer_add_text(&buffer, "{");
    assert_int_equal(cs_workloads_write(&sources, namespace, &buffer), 0);
    cs_buffer_add(&buffer, "}", 2);
    assert_int_equal(buffer.error, 0);
    json = cJSON_Parse(buffer.data);
    if (!json)
        fail_msg("no JSON: %s", buffer.data);
    cs_buffer_free(&buffer);
    return json;
}

static const cJSON *row(const cJSON *json, int i)
{
    return cJSON_GetArrayItem(cJSON_GetObjectItem(json, "workloads"), i);
}

static int rows(const cJSON *json)
{
    return cJSON_GetArraySize(cJSON_GetObjectItem(json, "workloads"));
}

static const char *text(const cJSON *object, const char *name)
{
    const char *value = cJSON_GetStringValue(cJSON_GetObjectItem(object, name));

    return value ? value : "(none)";
}

static double number(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItem(object, name);

    if (!cJSON_IsNumber(item))
        fail_msg("%s is no number", name);
    return item->valuedouble;
}

static bool is_null(const cJSON *object, const char *name)
{
    return cJSON_IsNull(cJSON_GetObjectItem(object, name));
}

#define assert_near(value, wanted)                                        \
    do {                                                                  \
        double value_ = (value);                                          \
        if (value_ < (wanted)-1e-9 || value_ > (wanted) + 1e-9)           \
            fail_msg("%s is %.12g, not %.12g", #value, value_, (wanted)); \
    } while (0)

/* The exchange of `sample`, taking `ms`, `times` times. */
static void record(struct cs_recorder *recorder, struct sample *sample, uint64_t ms,
                   enum cs_outcome outcome, unsigned int times)
{
    sample_outcome(sample, outcome);
    sample->exchange.answer_ns = sample->exchange.end_ns = sample->exchange.start_ns + MS(ms);
    for (unsigned int i = 0; i < times; i++)
        sample_record(sample, recorder);
}

static void tells_of_one_workload(void **state)
{
    struct cs_recorder *recorder = recorder_new((struct cs_recorder_options){0});
    const cJSON *use, *durations;
    struct sample sample;
    cJSON *json;

    (void)state;
    sample_init(&sample);
    sample.verdict.mechanism = CS_MECHANISM_IRSA;
    record(recorder, &sample, 3, CS_OUTCOME_OK, 4);
    record(recorder, &sample, 20, CS_OUTCOME_OK, 4);
    record(recorder, &sample, 400, CS_OUTCOME_THROTTLED, 2);
    record(recorder, &sample, 10, CS_OUTCOME_ANSWERED, 1);
    sample.verdict.mechanism = CS_MECHANISM_METADATA;
    record(recorder, &sample, 10, CS_OUTCOME_NOT_FOUND, 3);
    json = written(recorder, NULL, BODY_MAX);
    assert_string_equal(text(json, "time"), "2025-11-21T02:10:00.000Z");
    assert_int_equal(number(json, "omitted"), 0);
    assert_int_equal(rows(json), 1);
    assert_string_equal(text(row(json, 0), "namespace"), "shop");
    assert_string_equal(text(row(json, 0), "service_account"), "cart");
    assert_string_equal(text(row(json, 0), "workload_kind"), "Deployment");
    assert_string_equal(text(row(json, 0), "workload"), "cart");
    assert_true(is_null(row(json, 0), "pods")); /* no source told of pods */
    assert_true(is_null(row(json, 0), "declared"));
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(row(json, 0), "mechanisms")), 2);
    /* A look-up that finds nothing has not failed. */
    use = cJSON_GetArrayItem(cJSON_GetObjectItem(row(json, 0), "mechanisms"), 1);
    assert_int_equal(number(use, "total"), 3);
    assert_int_equal(number(use, "failures"), 0);
    assert_true(is_null(use, "last_failure"));
    use = cJSON_GetArrayItem(cJSON_GetObjectItem(row(json, 0), "mechanisms"), 0);
    assert_string_equal(text(use, "mechanism"), "irsa");
    assert_string_equal(text(use, "class"), "retiring");
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(use, "requests")), 3);
    assert_int_equal(number(cJSON_GetObjectItem(use, "requests"), "ok"), 8);
    assert_int_equal(number(cJSON_GetObjectItem(use, "requests"), "throttled"), 2);
    assert_int_equal(number(use, "total"), 11);
    assert_int_equal(number(use, "failures"), 2);
    assert_int_equal(number(use, "credentials"), 8);
    assert_true(is_null(use, "pods_using"));
    assert_true(is_null(use, "in_flight"));
    assert_true(is_null(use, "oldest_in_flight_seconds"));
    /* The answers' wall times: 12 ms and so on behind START_NS. */
    assert_string_equal(text(use, "last_success"), "2025-11-21T02:10:00.020Z");
    assert_string_equal(text(use, "last_failure"), "2025-11-21T02:10:00.400Z");
    /* 4 up to 5 ms, 5 up to 25 ms, 2 up to 500 ms. Half of 11 is 5.5: 1.5 of the 5 above 5 ms;
     * 10.89: 1.89 of the 2 above 100 ms. */
    durations = cJSON_GetObjectItem(use, "duration_seconds");
    assert_int_equal(number(durations, "count"), 11);
    assert_near(number(durations, "sum"), 0.902);
    assert_near(number(durations, "p50"), 0.005 + 0.020 * 1.5 / 5);
    assert_near(number(durations, "p99"), 0.1 + 0.4 * 1.89 / 2);
    cJSON_Delete(json);
    cs_recorder_free(recorder);
}

static void quantiles_are_those_of_histogram_quantile(void **state)
{
    static const struct cs_histogram_bounds bounds = {.count = 3, .ns = {100, 200, 400}};
    static const struct {
        const char *name;
        uint64_t counts[4];
        double q;
        int result;
        uint64_t ns;
    } cases[] = {
        {"nothing", {0, 0, 0, 0}, 0.5, -ENODATA, 7},
        {"the first bucket begins at 0", {4, 0, 0, 0}, 0.5, 0, 50},
        {"within the second", {2, 2, 0, 0}, 0.75, 0, 150},
        {"exactly at a border", {2, 2, 0, 0}, 0.5, 0, 100},
        {"an empty bucket is skipped", {1, 0, 1, 0}, 0.99, 0, 396},
        {"above all bounds", {1, 0, 0, 9}, 0.5, 0, 400},
        {"only above all bounds", {0, 0, 0, 1}, 0.5, 0, 400},
        {"q of 1 is the bucket's end", {5, 5, 0, 0}, 1.0, 0, 200},
    };

    (void)state;
    for (size_t i = 0; i < CS_ARRAY_SIZE(cases); i++) {
        uint64_t ns = 7;
        int r = cs_workloads_quantile(&bounds, cases[i].counts, cases[i].q, &ns);

        if (r != cases[i].result || ns != cases[i].ns)
            fail_msg("%s: %d, %llu ns", cases[i].name, r, (unsigned long long)ns);
    }
}

static void is_sorted_and_filtered(void **state)
{
    static const char *const names[][2] = {
        {"shop", "web"},  {"shop", "cart-2"},           {"shop-eu", "cart"},
        {"shop", "cart"}, {"~host", "kubelet.service"},
    };
    struct cs_recorder *recorder = recorder_new((struct cs_recorder_options){0});
    struct sample sample;
    cJSON *json;

    (void)state;
    sample_init(&sample);
    for (size_t i = 0; i < CS_ARRAY_SIZE(names); i++) {
        sample_workload(&sample, names[i][0], "default", "Deployment", names[i][1]);
        sample_record(&sample, recorder);
    }
    json = written(recorder, NULL, BODY_MAX);
    assert_int_equal(rows(json), 5);
    assert_string_equal(text(row(json, 0), "workload"), "cart");
    assert_string_equal(text(row(json, 1), "workload"), "cart-2");
    assert_string_equal(text(row(json, 2), "workload"), "web");
    assert_string_equal(text(row(json, 3), "namespace"), "shop-eu");
    assert_string_equal(text(row(json, 4), "namespace"), "~host");
    cJSON_Delete(json);
    json = written(recorder, "shop", BODY_MAX); /* not "shop-eu" */
    assert_int_equal(rows(json), 3);
    cJSON_Delete(json);
    json = written(recorder, "sho", BODY_MAX);
    assert_int_equal(rows(json), 0);
    cJSON_Delete(json);
    json = written(recorder, "shop\"", BODY_MAX);
    assert_int_equal(rows(json), 0);
    cJSON_Delete(json);
    cs_recorder_free(recorder);
}

/* With --pod-labels there is a series a pod; a workload is one all the same. */
static void sums_pods_of_a_workload(void **state)
{
    struct cs_recorder *recorder = recorder_new((struct cs_recorder_options){.pod_labels = true});
    struct sample sample;
    const cJSON *use;
    cJSON *json;

    (void)state;
    sample_init(&sample);
    sample_record(&sample, recorder);
    strcpy(sample.subject.pod, "cart-2");
    record(recorder, &sample, 30, CS_OUTCOME_OK, 2);
    strcpy(sample.subject.pod, "cart-3");
    record(recorder, &sample, 20, CS_OUTCOME_OK, 1);
    json = written(recorder, NULL, BODY_MAX);
    assert_int_equal(rows(json), 1);
    use = cJSON_GetArrayItem(cJSON_GetObjectItem(row(json, 0), "mechanisms"), 0);
    assert_int_equal(number(use, "total"), 4);
    assert_near(number(cJSON_GetObjectItem(use, "duration_seconds"), "sum"), 0.092);
    assert_string_equal(text(use, "last_success"), "2025-11-21T02:10:00.030Z");
    cJSON_Delete(json);
    cs_recorder_free(recorder);
}

/* Durations that are summed over workloads are no workload's: null, not a row "~all". */
static void durations_of_nobody_are_null(void **state)
{
    struct cs_recorder *recorder =
        recorder_new((struct cs_recorder_options){.histogram_by = CS_RECORD_BY_SERVICE_ACCOUNT});
    const cJSON *durations;
    struct sample sample;
    cJSON *json;

    (void)state;
    sample_init(&sample);
    sample_record(&sample, recorder);
    json = written(recorder, NULL, BODY_MAX);
    assert_int_equal(rows(json), 1);
    durations = cJSON_GetObjectItem(
        cJSON_GetArrayItem(cJSON_GetObjectItem(row(json, 0), "mechanisms"), 0), "duration_seconds");
    assert_int_equal(number(durations, "count"), 0);
    assert_true(is_null(durations, "p50"));
    assert_true(is_null(durations, "p99"));
    cJSON_Delete(json);
    cs_recorder_free(recorder);
}

static void lists_identities_once(void **state)
{
    struct cs_recorder *recorder = recorder_new((struct cs_recorder_options){.pod_labels = true});
    const cJSON *list;
    struct sample sample;
    cJSON *json;

    (void)state;
    sample_init(&sample);
    for (int pod = 0; pod < 2; pod++) {
        snprintf(sample.subject.pod, sizeof(sample.subject.pod), "cart-%d", pod);
        sample_record(&sample, recorder);
        cs_recorder_identity_requested(recorder, &sample.subject, CS_MECHANISM_IMDSV2, "ro\"le\\",
                                       START_NS);
        cs_recorder_identity_declared(recorder, &sample.subject, CS_MECHANISM_IRSA,
                                      "arn:aws:iam::1:role/cart", START_NS);
    }
    json = written(recorder, NULL, BODY_MAX);
    assert_int_equal(rows(json), 1);
    list = cJSON_GetObjectItem(row(json, 0), "identities");
    assert_int_equal(cJSON_GetArraySize(list), 2);
    for (int i = 0; i < 2; i++) {
        const cJSON *item = cJSON_GetArrayItem(list, i);
        bool asked = strcmp(text(item, "source"), "requested") == 0;

        assert_string_equal(text(item, "mechanism"), asked ? "imdsv2" : "irsa");
        assert_string_equal(text(item, "identity"),
                            asked ? "ro\"le\\" : "arn:aws:iam::1:role/cart");
    }
    cJSON_Delete(json);
    cs_recorder_free(recorder);
}

static void hostile_names_stay_names(void **state)
{
    static const char *const names[] = {"a\"b\\c",          "x\",workload=\"~other", "\x01\x1b[2J",
                                        "\xff\xfe",         "\xe2\x82\xac",          "a,b=\"c\"",
                                        "line\nbreak\ttab", "workload=\"~all\""};
    struct cs_recorder *recorder = recorder_new((struct cs_recorder_options){0});
    struct sample sample;
    cJSON *json;

    (void)state;
    sample_init(&sample);
    for (size_t i = 0; i < CS_ARRAY_SIZE(names); i++) {
        sample_workload(&sample, "n", names[i], "Deployment", names[i]);
        sample_record(&sample, recorder);
    }
    json = written(recorder, "n", BODY_MAX);
    assert_int_equal(rows(json), CS_ARRAY_SIZE(names));
    for (size_t i = 0; i < CS_ARRAY_SIZE(names); i++) {
        const char *name = text(row(json, (int)i), "workload");

        assert_string_equal(text(row(json, (int)i), "workload_kind"), "Deployment");
        for (const char *c = name; *c; c++)
            assert_true(*c == '\n' || (unsigned char)*c >= 0x20);
    }
    cJSON_Delete(json);
    cs_recorder_free(recorder);
}

static void what_does_not_fit_is_counted(void **state)
{
    struct cs_recorder *recorder = recorder_new((struct cs_recorder_options){.max_series = 100000});
    struct sample sample;
    char name[CS_NAME_MAX];
    cJSON *json;

    (void)state;
    sample_init(&sample);
    memset(name, 'n', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    for (unsigned int i = 0; i < 1000; i++) {
        snprintf(name + 200, sizeof(name) - 200, "%u", i);
        sample_workload(&sample, name, name, "Deployment", name);
        sample_record(&sample, recorder);
    }
    for (size_t max = 2000; max < 3u << 20; max = max * 5 / 3) {
        int shown;

        json = written(recorder, NULL, max); /* which is JSON, whatever had no room */
        shown = rows(json);
        assert_int_equal(shown + (int)number(json, "omitted"), 1000);
        assert_true(shown < 1000 || max > 1u << 20);
        assert_true(shown > 0 || max < 3000);
        cJSON_Delete(json);
    }
    json = written(recorder, NULL, BODY_MAX);
    assert_int_equal(number(json, "omitted"), 0);
    cJSON_Delete(json);
    cs_recorder_free(recorder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_of_one_workload),
        cmocka_unit_test(quantiles_are_those_of_histogram_quantile),
        cmocka_unit_test(is_sorted_and_filtered),
        cmocka_unit_test(sums_pods_of_a_workload),
        cmocka_unit_test(durations_of_nobody_are_null),
        cmocka_unit_test(lists_identities_once),
        cmocka_unit_test(hostile_names_stay_names),
        cmocka_unit_test(what_does_not_fit_is_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
