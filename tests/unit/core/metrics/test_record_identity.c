/* SPDX-License-Identifier: Apache-2.0 */
/* Identities: as they are, hashed or off; bounded; going with their workload. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "record_support.h"

static const struct cs_subject web = {.workload = {"shop", "web", "Deployment", "web"}};

static bool has(struct cs_recorder *recorder, const char *mechanism, const char *identity,
                const char *source)
{
    char *page = page_of(recorder, CS_EXPOSITION_TEXT), line[1024];
    bool found;

    snprintf(line, sizeof(line),
             "credscope_identity_info{namespace=\"shop\",service_account=\"web\",workload_kind="
             "\"Deployment\",workload=\"web\",mechanism=\"%s\",identity=\"%s\",source=\"%s\"} 1\n",
             mechanism, identity, source);
    found = strstr(page, line) != NULL;
    free(page);
    return found;
}

static int count_of(struct cs_recorder *recorder, const char *metric)
{
    char *page = page_of(recorder, CS_EXPOSITION_TEXT), *at = page, start[64];
    int n = 0;

    snprintf(start, sizeof(start), "\n%s{", metric);
    while ((at = strstr(at, start))) {
        at++;
        n++;
    }
    free(page);
    return n;
}

static int count(struct cs_recorder *recorder)
{
    return count_of(recorder, "credscope_identity_info");
}

static void shows_what_was_asked_for_and_declared(void **state)
{
    struct cs_recorder *recorder = recorder_new((struct cs_recorder_options){0});

    (void)state;
    cs_recorder_identity_requested(recorder, &web, CS_MECHANISM_IMDSV2, "node-role", 1);
    cs_recorder_identity_requested(recorder, &web, CS_MECHANISM_IMDSV2, "node-role", 2);
    cs_recorder_identity_declared(recorder, &web, CS_MECHANISM_IRSA, "arn:x", 3);
    assert_true(has(recorder, "imdsv2", "node-role", "requested"));
    assert_true(has(recorder, "irsa", "arn:x", "declared"));
    assert_int_equal(count(recorder), 2);
    cs_recorder_identities_undeclare(recorder);
    assert_int_equal(count(recorder), 1);
    cs_recorder_subject_gone(recorder, &web, 4);
    assert_int_equal(count(recorder), 0);
    cs_recorder_free(recorder);
}

static void hides_them(void **state)
{
    struct cs_recorder *recorder =
        recorder_new((struct cs_recorder_options){.identity_labels = CS_IDENTITY_HASH});

    (void)state;
    cs_recorder_identity_declared(recorder, &web, CS_MECHANISM_IRSA, "abc", 1);
    cs_recorder_identity_requested(recorder, &web, CS_MECHANISM_IMDSV2, "abc", 1);
    /* FIPS 180-2, B.1 */
    assert_true(has(recorder, "irsa", "sha256:ba7816bf8f01cfea", "declared"));
    assert_true(has(recorder, "imdsv2", "sha256:ba7816bf8f01cfea", "requested"));
    cs_recorder_free(recorder);
    recorder = recorder_new((struct cs_recorder_options){.identity_labels = CS_IDENTITY_OFF});
    cs_recorder_identity_declared(recorder, &web, CS_MECHANISM_IRSA, "abc", 1);
    cs_recorder_identity_requested(recorder, &web, CS_MECHANISM_IMDSV2, "abc", 1);
    assert_int_equal(count(recorder), 0);
    cs_recorder_free(recorder);
}

/* A pod may ask for any number of roles. */
static void bounds_what_was_asked_for(void **state)
{
    struct cs_recorder *recorder = recorder_new((struct cs_recorder_options){0});
    char identity[32];

    (void)state;
    for (int i = 0; i < 1000; i++) {
        snprintf(identity, sizeof(identity), "role-%d", i);
        cs_recorder_identity_requested(recorder, &web, CS_MECHANISM_IMDSV1, identity, 1);
    }
    assert_true(has(recorder, "imdsv1", "role-0", "requested"));
    assert_true(has(recorder, "imdsv1", "~other", "requested"));
    assert_false(has(recorder, "imdsv1", "role-999", "requested"));
    assert_in_range(count(recorder), CS_RECORD_IDENTITIES_MAX, CS_RECORD_IDENTITIES_MAX + 2);
    cs_recorder_free(recorder);
}

/* A container that restarts for ever may name another version each time. */
static void bounds_sdks(void **state)
{
    struct cs_recorder *recorder = recorder_new((struct cs_recorder_options){0});
    char version[32];

    (void)state;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 1000; i++) {
            snprintf(version, sizeof(version), "1.%d", i);
            cs_recorder_sdk(recorder, &web, "boto3", version, 1);
        }
        assert_in_range(count_of(recorder, "credscope_sdk_info"), CS_RECORD_SDKS_MAX,
                        CS_RECORD_SDKS_MAX + 2);
    }
    cs_recorder_subject_gone(recorder, &web, 2);
    assert_int_equal(count_of(recorder, "credscope_sdk_info"), 0);
    cs_recorder_sdk(recorder, &web, "boto3", "2.0", 3);
    cs_recorder_sdk(recorder, &web, "boto3", "2.0", 4);
    assert_int_equal(count_of(recorder, "credscope_sdk_info"), 1);
    cs_recorder_free(recorder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shows_what_was_asked_for_and_declared),
        cmocka_unit_test(hides_them),
        cmocka_unit_test(bounds_what_was_asked_for),
        cmocka_unit_test(bounds_sdks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
