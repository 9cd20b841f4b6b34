/* SPDX-License-Identifier: Apache-2.0 */
#include "core/metrics/usage.h"

#include "../pods/pod_samples.h"
#include "base/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define SECOND CS_NSEC_PER_SEC
#define HOUR   (3600 * SECOND)
#define PIA    CS_MECHANISM_EKS_POD_IDENTITY

/* One request of a container: when it began and was answered, in seconds. */
struct step {
    enum cs_mechanism mechanism;
    enum cs_outcome outcome;
    bool delivered, probe;
    const char *path;
    unsigned int start, answer;
    const char *expected; /* "" nothing; "ok", "failed", "success SECONDS", joined by a space */
};

#define GOT(at)    .outcome = CS_OUTCOME_OK, .delivered = true, .start = at, .answer = (at) + 1
#define FAILED(at) .outcome = CS_OUTCOME_REFUSED, .start = at, .answer = (at) + 1

static const struct {
    const char *name;
    const char *cloud;
    bool began_before;
    struct step steps[5];
} cases[] = {
    {"at once", "aws",
     .steps = {{PIA, GOT(1), .expected = "ok success 1"}, {PIA, GOT(50), .expected = ""}}},
    {"the agent comes late", "aws",
     .steps = {{PIA, FAILED(1), .expected = "failed"},
               {PIA, FAILED(5), .expected = ""},
               {PIA, GOT(20), .expected = "success 20"},
               {PIA, FAILED(99), .expected = ""}}},
    {"late by minutes", "aws",
     .steps = {{PIA, FAILED(1), .expected = "failed"}, {PIA, GOT(300), .expected = "success 300"}}},
    {"by another mechanism in the end", "aws",
     .steps = {{PIA, FAILED(1), .expected = "failed"},
               {CS_MECHANISM_IMDSV2, GOT(3), .expected = "success 3"}}},
    {"there before credscope", "aws", .began_before = true,
     .steps = {{PIA, FAILED(1), .expected = ""}, {PIA, GOT(5), .expected = ""}}},
    {"region look-ups and other STS calls are none", "aws",
     .steps = {{CS_MECHANISM_METADATA, FAILED(1), .expected = ""},
               {CS_MECHANISM_STS, FAILED(2), .expected = ""},
               {CS_MECHANISM_UNKNOWN, FAILED(3), .expected = ""},
               {PIA, GOT(10), .expected = "ok success 1"}}},
    {"a probe is none", "azure",
     .steps = {{CS_MECHANISM_AZURE_IMDS, CS_OUTCOME_CLIENT_ERROR, .probe = true, .start = 1,
                .answer = 2, .expected = ""},
               {CS_MECHANISM_AZURE_IMDS, GOT(3), .expected = "ok success 1"}}},
    {"404 for -extended is ordinary", "aws",
     .steps = {{CS_MECHANISM_IMDSV2, CS_OUTCOME_NOT_FOUND, .start = 1, .answer = 2,
                .path = "/latest/meta-data/iam/security-credentials-extended/r", .expected = ""},
               {CS_MECHANISM_IMDSV2, GOT(3), .expected = "ok success 1"}}},
    {"404 for the role is none the less", "aws",
     .steps = {{CS_MECHANISM_IMDSV2, CS_OUTCOME_NOT_FOUND, .start = 1, .answer = 2,
                .path = "/latest/meta-data/iam/security-credentials/r", .expected = "failed"}}},
    {"the other cloud's end-point", "aws",
     .steps = {{CS_MECHANISM_AZURE_IMDS, CS_OUTCOME_NOT_FOUND, .start = 1, .answer = 2,
                .expected = ""},
               {PIA, GOT(3), .expected = "ok success 1"}}},
    {"it is the cloud's own", "azure",
     .steps = {{CS_MECHANISM_AZURE_IMDS, CS_OUTCOME_NOT_FOUND, .start = 1, .answer = 2,
                .expected = "failed"}}},
    {"which cloud isn't known", NULL,
     .steps = {{CS_MECHANISM_AZURE_IMDS, CS_OUTCOME_NOT_FOUND, .start = 1, .answer = 2,
                .expected = "failed"}}},
    {"an answer that was not seen settles nothing", "aws",
     .steps = {{PIA, CS_OUTCOME_UNOBSERVED, .start = 1, .answer = 2, .expected = ""},
               {PIA, GOT(5), .expected = "ok success 5"}}},
    {"… and begins nothing much later", "aws",
     .steps = {{PIA, CS_OUTCOME_UNOBSERVED, .start = 1, .answer = 2, .expected = ""},
               {PIA, GOT(500), .expected = "ok success 1"}}},
    {"200 without credentials", "azure",
     .steps = {{CS_MECHANISM_AZURE_IMDS, CS_OUTCOME_OK, .start = 1, .answer = 2, .expected = ""},
               {CS_MECHANISM_AZURE_IMDS, GOT(3), .expected = "ok success 3"}}},
};

static void put_subject(struct cs_subject *subject, const char *container_id)
{
    *subject = (struct cs_subject){.attribution = CS_ATTRIBUTION_POD,
                                   .workload = {"shop", "payer", "Deployment", "web"}};
    strcpy(subject->pod_uid, UID_A);
    strcpy(subject->container_id, container_id);
}

static void take(struct cs_usage *usage, const struct step *step, const char *container_id,
                 bool began_before, struct cs_usage_first *first)
{
    struct cs_connection connection = {0};
    struct cs_exchange exchange = {.connection = &connection,
                                   .start_ns = step->start * SECOND,
                                   .answer_ns = step->answer * SECOND,
                                   .end_ns = step->answer * SECOND};
    const struct cs_verdict verdict = {.mechanism = step->mechanism,
                                       .outcome = step->outcome,
                                       .delivered = step->delivered,
                                       .probe = step->probe};
    const struct cs_usage_life life = {.began_before = began_before};
    struct cs_subject subject;

    put_subject(&subject, container_id);
    if (step->path)
        strcpy(exchange.path, step->path);
    cs_usage_exchange(usage, &exchange, &verdict, &subject, &life, step->answer * SECOND, first);
}

static void knows_the_first(void **state)
{
    (void)state;
    for (size_t i = 0; i < CS_ARRAY_SIZE(cases); i++) {
        const struct cs_usage_options options = {.cloud = cases[i].cloud};
        struct cs_labels *labels = NULL;
        struct cs_usage *usage = NULL;

        assert_int_equal(cs_labels_new(&labels), 0);
        assert_int_equal(cs_usage_new(&options, labels, &usage), 0);
        for (size_t k = 0; k < 5 && cases[i].steps[k].expected; k++) {
            struct cs_usage_first first;
            char text[64] = "";

            take(usage, &cases[i].steps[k], ID_A, cases[i].began_before, &first);
            if (first.attempt)
                strcat(text, first.attempt_ok ? "ok" : "failed");
            if (first.success)
                snprintf(text + strlen(text), sizeof(text) - strlen(text), "%ssuccess %llu",
                         text[0] ? " " : "", (unsigned long long)(first.delay_ns / SECOND));
            if (strcmp(text, cases[i].steps[k].expected) != 0)
                fail_msg("%s, step %zu: '%s'", cases[i].name, k, text);
        }
        cs_usage_free(&usage);
        assert_int_equal(cs_labels_count(labels), 0);
        cs_labels_free(labels);
    }
}

static int note_uses(void *user, const struct cs_usage_view *view)
{
    *(uint32_t *)user |= view->uses;
    return 0;
}

static uint32_t uses_at(struct cs_usage *usage, uint64_t now_ns)
{
    uint32_t uses = 0;

    cs_usage_each(usage, now_ns, note_uses, &uses);
    return uses;
}

static void silence_is_not_absence(void **state)
{
    static const struct step irsa = {CS_MECHANISM_IRSA, GOT(99)};
    static const struct step nmi = {CS_MECHANISM_AAD_POD_IDENTITY, GOT(99)};
    static const struct step refused = {PIA, FAILED(99)};
    struct cs_labels *labels = NULL;
    struct cs_usage *usage = NULL;
    struct cs_usage_first first;
    struct cs_usage_stats stats;
    const uint32_t both = 1u << CS_MECHANISM_IRSA | 1u << CS_MECHANISM_AAD_POD_IDENTITY;

    (void)state;
    cs_labels_new(&labels);
    assert_int_equal(cs_usage_new(&(struct cs_usage_options){0}, labels, &usage), 0);
    take(usage, &irsa, ID_A, true, &first);
    take(usage, &nmi, ID_B, true, &first);
    take(usage, &refused, ID_B, true, &first);
    assert_int_equal(uses_at(usage, 100 * SECOND + 12 * HOUR), both);
    assert_int_equal(uses_at(usage, 101 * SECOND + 12 * HOUR), 1u << CS_MECHANISM_AAD_POD_IDENTITY);
    assert_int_equal(uses_at(usage, 101 * SECOND + 28 * HOUR), 0);
    /* A container's end ends its uses; its sibling's go on. */
    cs_usage_ended(usage, ID_B, 200 * SECOND);
    assert_int_equal(uses_at(usage, 201 * SECOND), 1u << CS_MECHANISM_IRSA);
    cs_usage_pod_ended(usage, UID_A, 200 * SECOND);
    assert_int_equal(uses_at(usage, 201 * SECOND), 0);
    cs_usage_expire(usage, 800 * SECOND);
    cs_usage_stats(usage, &stats);
    assert_int_equal(stats.containers, 2);
    cs_usage_expire(usage, 801 * SECOND);
    cs_usage_stats(usage, &stats);
    assert_int_equal(stats.containers, 0);
    assert_int_equal(stats.began_before, 2);
    cs_usage_free(&usage);
    cs_labels_free(labels);
}

static void a_credentials_life_can_be_set(void **state)
{
    static const struct step irsa = {CS_MECHANISM_IRSA, GOT(99)};
    const struct cs_usage_options options = {.life = {.aws_ns = HOUR}};
    struct cs_labels *labels = NULL;
    struct cs_usage *usage = NULL;
    struct cs_usage_first first;

    (void)state;
    cs_labels_new(&labels);
    assert_int_equal(cs_usage_new(&options, labels, &usage), 0);
    take(usage, &irsa, ID_A, true, &first);
    assert_int_equal(uses_at(usage, 100 * SECOND + HOUR), 1u << CS_MECHANISM_IRSA);
    assert_int_equal(uses_at(usage, 101 * SECOND + HOUR), 0);
    cs_usage_free(&usage);
    cs_labels_free(labels);
}

/* A job that asks once a week in a container that runs on: its second call is no first one. */
static void a_long_silence_makes_no_first_call(void **state)
{
    static const struct step served = {PIA, GOT(1)};
    static const struct step failed = {PIA, FAILED(7 * 24 * 3600)};
    struct cs_labels *labels = NULL;
    struct cs_usage *usage = NULL;
    struct cs_usage_first first;

    (void)state;
    cs_labels_new(&labels);
    assert_int_equal(cs_usage_new(&(struct cs_usage_options){0}, labels, &usage), 0);
    take(usage, &served, ID_A, false, &first);
    assert_true(first.attempt && first.attempt_ok);
    for (unsigned int day = 1; day < 7; day++)
        cs_usage_expire(usage, day * 24 * HOUR);
    take(usage, &failed, ID_A, false, &first);
    assert_false(first.attempt);
    cs_usage_free(&usage);
    cs_labels_free(labels);
}

/* Its own directory's end is the container's, not that of a directory below it. */
static void ends_with_its_cgroup(void **state)
{
    static const struct {
        const char *path;
        bool ends;
    } rows[] = {{"/kubepods/pod" UID_A "/" ID_A "/init.scope", false},
                {"/kubepods/pod" UID_A, false},
                {"/kubepods/pod" UID_A "/" ID_B, false},
                /* made by another pod, named like this one's */
                {"/kubepods/pod" UID_B "/" ID_C "/pod" UID_A "/" ID_A, false},
                {"/kubepods/pod" UID_A "/cri-containerd-" ID_A ".scope", true}};
    static const struct step irsa = {CS_MECHANISM_IRSA, GOT(99)};
    struct cs_labels *labels = NULL;
    struct cs_usage *usage = NULL;
    struct cs_usage_first first;

    (void)state;
    cs_labels_new(&labels);
    assert_int_equal(cs_usage_new(&(struct cs_usage_options){0}, labels, &usage), 0);
    take(usage, &irsa, ID_A, false, &first);
    for (size_t i = 0; i < CS_ARRAY_SIZE(rows); i++) {
        struct cs_container container = {.removed_ns = 150 * SECOND};

        strcpy(container.path, rows[i].path);
        cs_cgroup_identify(slice_of(container.path), false, &container.identity);
        cs_usage_cgroup_removed(usage, &container);
        if ((uses_at(usage, 200 * SECOND) == 0) != rows[i].ends)
            fail_msg("%s", rows[i].path);
    }
    cs_usage_free(&usage);
    cs_labels_free(labels);
}

static void holds_its_bounds(void **state)
{
    static const struct step irsa = {CS_MECHANISM_IRSA, GOT(99)};
    static const struct step later = {CS_MECHANISM_IRSA, GOT(99 + 29 * 3600)};
    const struct cs_usage_options options = {.containers_max = 4};
    struct cs_labels *labels = NULL;
    struct cs_usage *usage = NULL;
    struct cs_usage_first first;
    struct cs_usage_stats stats;
    char id[CS_CONTAINER_ID_LEN];

    (void)state;
    cs_labels_new(&labels);
    assert_int_equal(cs_usage_new(&options, labels, &usage), 0);
    for (int i = 0; i < 6; i++) {
        snprintf(id, sizeof(id), "container-%d", i);
        take(usage, &irsa, id, false, &first);
        assert_int_equal(first.attempt, i < 4);
    }
    cs_usage_ended(usage, "container-2", 200 * SECOND);
    take(usage, &irsa, "container-9", false, &first);
    assert_true(first.attempt);
    cs_usage_stats(usage, &stats);
    assert_int_equal(stats.containers, 4);
    assert_int_equal(stats.refused, 2);
    assert_int_equal(stats.evicted, 1);
    /* of those that run, the one that has used nothing for longest */
    take(usage, &later, "container-0", false, &first);
    take(usage, &later, "container-8", false, &first);
    assert_true(first.attempt);
    take(usage, &later, "container-0", false, &first);
    assert_false(first.attempt);
    cs_usage_stats(usage, &stats);
    assert_int_equal(stats.containers, 4);
    assert_int_equal(stats.evicted, 2);
    cs_usage_free(&usage);
    cs_labels_free(labels);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_the_first),
        cmocka_unit_test(silence_is_not_absence),
        cmocka_unit_test(a_credentials_life_can_be_set),
        cmocka_unit_test(a_long_silence_makes_no_first_call),
        cmocka_unit_test(ends_with_its_cgroup),
        cmocka_unit_test(holds_its_bounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
