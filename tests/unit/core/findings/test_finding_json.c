/* SPDX-License-Identifier: Apache-2.0 */
#include "core/findings/finding_json.h"

#include "findings_support.h"

#include <cjson/cJSON.h>

static cJSON *all(struct play *play)
{
    struct cs_buffer buffer;
    cJSON *json;

    cs_buffer_init(&buffer, 1 << 20);
    cs_findings_json(play->findings, 0, &buffer);
    assert_int_equal(buffer.error, 0);
    json = cJSON_ParseWithLength(buffer.data, buffer.len);
    cs_buffer_free(&buffer);
    assert_non_null(json);
    return json;
}

static const char *member(const cJSON *json, int index, const char *name)
{
    return cJSON_GetStringValue(cJSON_GetObjectItem(cJSON_GetArrayItem(json, index), name));
}

/* Unexpected before expected, severe before slight. */
static void is_in_order(void **state)
{
    const struct scene scene = {.declared = CS_DECLARED_BIT(IRSA),
                                .expect = "shop/payer imdsv2 - as agreed\n"};
    struct play play;
    cJSON *json;

    (void)state;
    play_begin(&play, &scene);
    play.now_s = 10;
    play_act(&play, WEB, &(struct act)IMDS_OK);
    play_act(&play, WEB, &(struct act)PIA_404);
    play_act(&play, WEB, &(struct act){AT_AGENT, STATUS(403, DENIED)});
    json = all(&play);
    assert_int_equal(cJSON_GetArraySize(json), 3);
    assert_string_equal(member(json, 0, "finding"), "credentials-refused");
    assert_string_equal(member(json, 0, "severity"), "critical");
    assert_null(member(json, 0, "expected_reason"));
    assert_string_equal(member(json, 1, "finding"), "association-propagating");
    assert_string_equal(member(json, 2, "finding"), "node-identity-fallback");
    assert_string_equal(member(json, 2, "expected_reason"), "as agreed");
    assert_string_equal(member(json, 2, "since"), "1970-01-01T00:00:10.000000000Z");
    assert_string_equal(member(json, 2, "container"), "main");
    cJSON_Delete(json);
    play_end(&play);
}

static void is_empty(void **state)
{
    struct play play;
    cJSON *json;

    (void)state;
    play_begin(&play, &(struct scene){0});
    json = all(&play);
    assert_int_equal(cJSON_GetArraySize(json), 0);
    cJSON_Delete(json);
    play_end(&play);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_in_order),
        cmocka_unit_test(is_empty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
