// SPDX-License-Identifier: Apache-2.0
/* What a container did before, as its next call is told. */
#include "classify_cases.h"

#include "core/classify/classify_history.h"

#include <errno.h>

static struct cs_call_history *make(size_t max)
{
    struct cs_call_history *history = NULL;

    assert_int_equal(cs_call_history_new(max, &history), 0);
    return history;
}

static void note(struct cs_call_history *history, uint64_t cgroup_id, uint32_t tgid,
                 enum cs_mechanism mechanism, bool delivered, uint64_t end_ns)
{
    struct cs_connection connection = {.cgroup_id = cgroup_id, .tgid = tgid};
    struct cs_exchange exchange = {.connection = &connection,
                                   .end_ns = end_ns,
                                   .request_records = {.count = 1, .bytes = 1724}};
    struct cs_verdict verdict = {
        .mechanism = mechanism,
        .endpoint = mechanism == CS_MECHANISM_IRSA || mechanism == CS_MECHANISM_STS
                        ? CS_ENDPOINT_STS
                        : CS_ENDPOINT_IMDS,
        .delivered = delivered,
        .confidence = CS_CONFIDENCE_MEDIUM,
        .call = mechanism == CS_MECHANISM_IRSA ? CS_CALL_WEB_IDENTITY : CS_CALL_UNKNOWN,
        .outcome = delivered ? CS_OUTCOME_OK_INFERRED : CS_OUTCOME_REJECTED_INFERRED};

    assert_int_equal(cs_call_history_note(history, &exchange, &verdict), 0);
}

static enum cs_preceded ask(const struct cs_call_history *history, uint64_t cgroup_id,
                            uint32_t tgid, bool from_start, uint64_t start_ns)
{
    struct cs_connection connection = {.cgroup_id = cgroup_id, .tgid = tgid};
    struct cs_exchange exchange = {.connection = &connection, .start_ns = start_ns};
    struct cs_evidence evidence = {.exchange = &exchange};

    cs_call_history_ask(history, CS_MECHANISM_IRSA, from_start, &evidence);
    assert_int_equal(evidence.token_call_bytes,
                     evidence.preceded >= CS_PRECEDED_TOKEN && cgroup_id != 4 ? 1724 : 0);
    return evidence.preceded;
}

static void test_preceded(void **state)
{
    struct cs_call_history *history = make(8);

    (void)state;
    assert_int_equal(ask(history, 1, 10, true, START), CS_PRECEDED_NOTHING);
    assert_int_equal(ask(history, 1, 10, false, START), CS_PRECEDED_UNKNOWN);
    note(history, 1, 10, CS_MECHANISM_IRSA, true, START);
    assert_int_equal(ask(history, 1, 10, true, START + SEC), CS_PRECEDED_TOKEN);
    assert_int_equal(ask(history, 1, 11, true, START + SEC), CS_PRECEDED_TOKEN_OTHER);
    assert_int_equal(ask(history, 2, 10, true, START + SEC), CS_PRECEDED_NOTHING);

    note(history, 3, 10, CS_MECHANISM_IRSA, false, START);
    assert_int_equal(ask(history, 3, 10, true, START + SEC), CS_PRECEDED_TOKEN_FAILED);
    note(history, 3, 10, CS_MECHANISM_IRSA, true, START + 2 * SEC);
    assert_int_equal(ask(history, 3, 10, true, START + 3 * SEC), CS_PRECEDED_TOKEN);

    note(history, 4, 10, CS_MECHANISM_IMDSV2, true, START);
    assert_int_equal(ask(history, 4, 10, true, START + SEC), CS_PRECEDED_OTHER);
    cs_call_history_free(history);
}

/* In HTTP/2 the head shrinks with each call, the record that holds the token stays. */
static void test_multiplexed(void **state)
{
    struct cs_call_history *history = make(8);
    struct cs_connection connection = {.cgroup_id = 1, .tgid = 10};
    struct cs_exchange exchange = {.connection = &connection, .end_ns = START, .multiplexed = true};
    struct cs_evidence evidence = {.exchange = &exchange};
    struct cs_verdict verdict = {.mechanism = CS_MECHANISM_IRSA,
                                 .endpoint = CS_ENDPOINT_STS,
                                 .confidence = CS_CONFIDENCE_MEDIUM,
                                 .call = CS_CALL_WEB_IDENTITY};

    (void)state;
    fill_burst(&exchange.request_records, (const uint16_t[4]){134, 1343});
    assert_int_equal(cs_call_history_note(history, &exchange, &verdict), 0);
    cs_call_history_ask(history, CS_MECHANISM_IRSA, true, &evidence);
    assert_int_equal(evidence.token_call_bytes, 1343);
    assert_false(evidence.token_call_guessed);

    verdict.confidence = CS_CONFIDENCE_LOW;
    fill_burst(&exchange.request_records, (const uint16_t[4]){1400});
    assert_int_equal(cs_call_history_note(history, &exchange, &verdict), 0);
    cs_call_history_ask(history, CS_MECHANISM_IRSA, true, &evidence);
    assert_int_equal(evidence.token_call_bytes, 1400);
    assert_true(evidence.token_call_guessed);
    cs_call_history_free(history);
}

static void note_login(struct cs_call_history *history, uint32_t tgid, bool own, uint64_t bytes)
{
    struct cs_connection connection = {.cgroup_id = 1, .tgid = tgid};
    struct cs_exchange exchange = {.connection = &connection,
                                   .end_ns = START,
                                   .request_records = {.count = 1, .bytes = bytes}};
    struct cs_verdict verdict = {.mechanism = CS_MECHANISM_AZURE_WORKLOAD_IDENTITY,
                                 .endpoint = CS_ENDPOINT_ENTRA,
                                 .delivered = true,
                                 .confidence = own ? CS_CONFIDENCE_HIGH : CS_CONFIDENCE_LOW,
                                 .reasons = own ? 1u << CS_REASON_TOKEN_OPEN : 0,
                                 .call = CS_CALL_WEB_IDENTITY,
                                 .outcome = CS_OUTCOME_OK_INFERRED};

    assert_int_equal(cs_call_history_note(history, &exchange, &verdict), 0);
}

/* Two processes of a container: who opened the token speaks for it, whoever came first. */
static void test_beside(void **state)
{
    struct cs_call_history *history = make(8);
    struct cs_connection connection = {.cgroup_id = 1, .tgid = 11};
    struct cs_exchange exchange = {.connection = &connection, .start_ns = START + SEC};
    struct cs_evidence evidence = {.exchange = &exchange};

    (void)state;
    note_login(history, 11, false, 1500);
    note_login(history, 10, true, 1800);
    note_login(history, 11, false, 1500);
    cs_call_history_ask(history, CS_MECHANISM_AZURE_WORKLOAD_IDENTITY, true, &evidence);
    assert_int_equal(evidence.preceded, CS_PRECEDED_TOKEN_BESIDE);
    assert_int_equal(evidence.token_call_bytes, 1800);
    connection.tgid = 10;
    cs_call_history_ask(history, CS_MECHANISM_AZURE_WORKLOAD_IDENTITY, true, &evidence);
    assert_int_equal(evidence.preceded, CS_PRECEDED_TOKEN);
    cs_call_history_free(history);
}

/* A refusal is tried again soon; later the container is as if it had never asked. */
static void test_failed(void **state)
{
    struct cs_call_history *history = make(8);
    struct cs_connection connection = {.cgroup_id = 1, .tgid = 10};
    struct cs_exchange exchange = {.connection = &connection,
                                   .start_ns = START + CS_CALL_RETRY_NS + 1};
    struct cs_evidence evidence = {.exchange = &exchange};

    (void)state;
    note(history, 1, 10, CS_MECHANISM_IRSA, false, START);
    cs_call_history_ask(history, CS_MECHANISM_IRSA, true, &evidence);
    assert_int_equal(evidence.preceded, CS_PRECEDED_NOTHING);
    cs_call_history_ask(history, CS_MECHANISM_IRSA, false, &evidence);
    assert_int_equal(evidence.preceded, CS_PRECEDED_UNKNOWN);
    cs_call_history_free(history);
}

static void test_passed_over(void **state)
{
    struct cs_call_history *history = make(8);

    (void)state;
    note(history, 1, 10, CS_MECHANISM_STS, false, START);
    note(history, 1, 10, CS_MECHANISM_IMDSV2, false, START);
    note(history, 1, 10, CS_MECHANISM_METADATA, false, START);
    assert_int_equal(cs_call_history_count(history), 0);
    cs_call_history_free(history);
    cs_call_history_free(NULL);
}

static bool is_odd(void *user, uint64_t cgroup_id)
{
    (*(unsigned int *)user)++;
    return cgroup_id % 2 == 1;
}

/* A node where jobs come and go: those that are gone leave without leaving a doubt. */
static void test_swept(void **state)
{
    struct cs_call_history *history = make(8);
    struct cs_connection connection = {.cgroup_id = 1000, .tgid = 10};
    struct cs_exchange exchange = {.connection = &connection, .start_ns = START};
    struct cs_evidence evidence = {.exchange = &exchange};
    unsigned int asked = 0;

    (void)state;
    for (unsigned int i = 0; i < 4; i++)
        note(history, i, 10, CS_MECHANISM_IRSA, true, START);
    cs_call_history_sweep(history, is_odd, &asked);
    assert_int_equal(asked, 0); /* there is room */
    for (unsigned int i = 1; i < 100; i += 2) {
        note(history, i, 10, CS_MECHANISM_IRSA, true, START);
        cs_call_history_sweep(history, is_odd, &asked);
    }
    cs_call_history_ask(history, CS_MECHANISM_IRSA, true, &evidence);
    assert_int_equal(evidence.preceded, CS_PRECEDED_NOTHING);
    connection.cgroup_id = 2;
    cs_call_history_ask(history, CS_MECHANISM_IRSA, true, &evidence);
    assert_int_equal(evidence.preceded, CS_PRECEDED_TOKEN);
    cs_call_history_free(history);
}

/* Once one was forgotten, that there is none says nothing. */
static void test_bounded(void **state)
{
    struct cs_call_history *history = make(2), *none = NULL;

    (void)state;
    note(history, 1, 1, CS_MECHANISM_IRSA, true, START);
    note(history, 2, 1, CS_MECHANISM_IRSA, true, START);
    note(history, 1, 1, CS_MECHANISM_IRSA, true, START);
    assert_int_equal(ask(history, 9, 1, true, START), CS_PRECEDED_NOTHING);
    note(history, 3, 1, CS_MECHANISM_IRSA, true, START);
    assert_int_equal(cs_call_history_count(history), 2);
    assert_int_equal(ask(history, 1, 1, true, START), CS_PRECEDED_TOKEN);
    assert_int_equal(ask(history, 2, 1, true, START), CS_PRECEDED_UNKNOWN);
    cs_call_history_free(history);
    assert_int_equal(cs_call_history_new(0, &none), -EINVAL);
    assert_int_equal(cs_call_history_new(CS_CALL_HISTORY_MAX + 1, &none), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_preceded),    cmocka_unit_test(test_multiplexed),
        cmocka_unit_test(test_beside),      cmocka_unit_test(test_failed),
        cmocka_unit_test(test_passed_over), cmocka_unit_test(test_swept),
        cmocka_unit_test(test_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
