/* SPDX-License-Identifier: Apache-2.0 */
/* Workloads as JSON: their open findings. */
#include "core/report/workloads.h"

#include "../findings/findings_support.h"
#include "core/metrics/record.h"

#include <cjson/cJSON.h>

static cJSON *written(const struct cs_recorder *recorder, const struct play *play)
{
    const struct cs_workloads_sources sources = {
        .registry = cs_recorder_registry(recorder),
        .findings = play->findings,
        .now_ns = play->now_s * SECOND,
        .realtime_ns = (UINT64_C(1763690000) + play->now_s) * SECOND,
    };
    struct cs_buffer buffer;
    cJSON *json;

    cs_buffer_init(&buffer, 1 << 20);
    cs_buffer_add_text(&buffer, "{");
    assert_int_equal(cs_workloads_write(&sources, NULL, &buffer), 0);
    cs_buffer_add(&buffer, "}", 2);
    json = cJSON_Parse(buffer.data);
    if (!json)
        fail_msg("no JSON: %s", buffer.data);
    cs_buffer_free(&buffer);
    return json;
}

static const cJSON *findings_of(const cJSON *json, int i)
{
    return cJSON_GetObjectItem(cJSON_GetArrayItem(cJSON_GetObjectItem(json, "workloads"), i),
                               "findings");
}

static const cJSON *finding(const cJSON *findings, const char *name)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, findings)
    {
        if (strcmp(cJSON_GetStringValue(cJSON_GetObjectItem(item, "finding")), name) == 0)
            return item;
    }
    fail_msg("no %s", name);
    return NULL;
}

static const char *text(const cJSON *object, const char *name)
{
    return cJSON_GetStringValue(cJSON_GetObjectItem(object, name));
}

/* Two containers of web and one of other, both mechanisms: one finding a workload and kind. */
static void sums_findings_of_containers(void **state)
{
    static const struct scene scene = {.declared = CS_DECLARED_BIT(IRSA) |
                                                   CS_DECLARED_BIT(EKS_POD_IDENTITY)};
    static const struct step steps[] = {
        {10, WEB, IRSA_OK, "retiring-mechanism irsa-left-behind"},
        {20, SIDECAR, IRSA_OK, "retiring-mechanism irsa-left-behind"},
        {30, OTHER, IRSA_OK, "retiring-mechanism irsa-left-behind"},
    };
    struct cs_recorder *recorder;
    const cJSON *item, *web, *other;
    struct play play;
    cJSON *json;

    (void)state;
    assert_int_equal(cs_recorder_new(&(struct cs_recorder_options){0}, &recorder), 0);
    play_begin(&play, &scene);
    assert_true(play_steps(&play, "sums", steps, CS_ARRAY_SIZE(steps)));
    json = written(recorder, &play);
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(json, "workloads")), 2);
    other = findings_of(json, 0);
    web = findings_of(json, 1);
    assert_int_equal(cJSON_GetArraySize(web), 2);
    assert_int_equal(cJSON_GetArraySize(other), 2);
    item = finding(web, "retiring-mechanism");
    assert_string_equal(text(item, "severity"), "warning");
    assert_true(cJSON_IsFalse(cJSON_GetObjectItem(item, "expected")));
    assert_int_equal(cJSON_GetNumberValue(cJSON_GetObjectItem(item, "containers")), 2);
    assert_string_equal(text(item, "since"), "2025-11-21T01:53:30.000Z");
    assert_true(strlen(text(item, "explanation")) > 20);
    item = cJSON_GetObjectItem(item, "mechanisms");
    assert_int_equal(cJSON_GetArraySize(item), 1);
    assert_string_equal(cJSON_GetStringValue(cJSON_GetArrayItem(item, 0)), "irsa");
    item = finding(other, "irsa-left-behind");
    assert_int_equal(cJSON_GetNumberValue(cJSON_GetObjectItem(item, "containers")), 1);
    assert_string_equal(text(item, "since"), "2025-11-21T01:53:50.000Z");
    cJSON_Delete(json);
    play_end(&play);
    cs_recorder_free(recorder);
}

/* What is as intended by one mechanism may not be by another. */
static void tells_expected_ones_apart(void **state)
{
    static const struct scene scene = {.declared = CS_DECLARED_BIT(IRSA) |
                                                   CS_DECLARED_BIT(AAD_POD_IDENTITY),
                                       .expect = "shop/payer irsa - all right\n"};
    static const struct step steps[] = {
        {10, WEB, IRSA_OK, "retiring-mechanism"},
        {20, SIDECAR, NMI_OK, "retiring-mechanism"},
    };
    unsigned int expected = 0, unexpected = 0;
    struct cs_recorder *recorder;
    const cJSON *item, *list;
    struct play play;
    cJSON *json;

    (void)state;
    assert_int_equal(cs_recorder_new(&(struct cs_recorder_options){0}, &recorder), 0);
    play_begin(&play, &scene);
    assert_true(play_steps(&play, "expected", steps, CS_ARRAY_SIZE(steps)));
    json = written(recorder, &play);
    list = findings_of(json, 0);
    cJSON_ArrayForEach(item, list)
    {
        bool is = cJSON_IsTrue(cJSON_GetObjectItem(item, "expected"));
        const cJSON *mechanisms = cJSON_GetObjectItem(item, "mechanisms");

        expected += is;
        unexpected += !is;
        assert_int_equal(cJSON_GetArraySize(mechanisms), 1);
        assert_string_equal(cJSON_GetStringValue(cJSON_GetArrayItem(mechanisms, 0)),
                            is ? "irsa" : "aad-pod-identity");
    }
    assert_int_equal(expected, 1);
    assert_int_equal(unexpected, 1);
    cJSON_Delete(json);
    play_end(&play);
    cs_recorder_free(recorder);
}

static void nothing_open_is_an_empty_list(void **state)
{
    static const struct scene scene = {.declared = CS_DECLARED_BIT(EKS_POD_IDENTITY)};
    static const struct step steps[] = {{10, WEB, PIA_OK, ""}};
    struct cs_recorder *recorder;
    struct play play;
    cJSON *json;

    (void)state;
    assert_int_equal(cs_recorder_new(&(struct cs_recorder_options){0}, &recorder), 0);
    play_begin(&play, &scene);
    assert_true(play_steps(&play, "nothing", steps, CS_ARRAY_SIZE(steps)));
    json = written(recorder, &play);
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(json, "workloads")), 0);
    cJSON_Delete(json);
    play_end(&play);
    cs_recorder_free(recorder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_findings_of_containers),
        cmocka_unit_test(tells_expected_ones_apart),
        cmocka_unit_test(nothing_open_is_an_empty_list),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
