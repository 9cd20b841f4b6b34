/* SPDX-License-Identifier: Apache-2.0 */
/* Rows, rates and order of what `top` shows. */
#include "app/top/command_top_model.h"

#include "base/util.h"
#include "top_samples.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define SECOND CS_NSEC_PER_SEC

static void update(struct cs_top_model *model, const char *document, uint64_t at_ns)
{
    assert_int_equal(cs_top_model_update(model, document, strlen(document), at_ns), 0);
}

static const struct cs_top_row *row_of(const struct cs_top_model *model, const char *workload)
{
    for (const struct cs_top_row *row = model->rows; row; row = row->hh.next)
        if (strcmp(row->workload, workload) == 0)
            return row;
    fail_msg("no row of %s", workload);
    return NULL;
}

static void assert_near(double value, double wanted)
{
    if (value < wanted - 1e-6 || value > wanted + 1e-6)
        fail_msg("%.9g, not %.9g", value, wanted);
}

static struct top_use uses[] = {
    {"shop", "cart", "irsa", "retiring", 10, 2, 1, "0.3"},
    {"shop", "search", "eks-pod-identity", "current", 20, 0, 0, "null"},
};

static void reads_a_document(void **state)
{
    _cleanup_top_model_ struct cs_top_model model = {0};
    const struct cs_top_row *row;

    (void)state;
    update(&model, top_document("a", uses, 2), SECOND);
    assert_string_equal(model.node, "node-1");
    assert_near(model.time, 1795242600.5);
    assert_near(model.observed, 3723.5);
    assert_int_equal(model.workloads, 3);
    assert_int_equal(model.quiet, 1);
    assert_int_equal(HASH_COUNT(model.rows), 2);
    row = row_of(&model, "cart");
    assert_string_equal(row->namespace, "shop");
    assert_string_equal(row->mechanism, "irsa");
    assert_int_equal(row->class, CS_TOP_RETIRING);
    assert_near(row->total, 10);
    assert_near(row->failures, 2);
    assert_near(row->p50, 0.0125);
    assert_near(row->p99, 0.3);
    assert_near(row->in_flight, 1);
    assert_near(row->oldest, 1.5);
    assert_near(row->pods, 3);
    assert_near(row->pods_using, 1);
    assert_near(model.time - row->last_success, 30.5);
    assert_near(row->last_failure, CS_TOP_UNKNOWN);
    assert_near(row->rate, CS_TOP_UNKNOWN); /* from one look there is none */
    assert_string_equal(row->failure, "throttled");
    assert_string_equal(row->declared, "irsa:2 none:1");
    assert_near(row_of(&model, "search")->p99, CS_TOP_UNKNOWN);
    /* The worst that is about this mechanism and not as expected. */
    assert_string_equal(row->finding, "retiring-mechanism +1");
    assert_string_equal(row_of(&model, "search")->finding, "refresh-failing +1");
}

static void rates_are_over_the_last_minute(void **state)
{
    _cleanup_top_model_ struct cs_top_model model = {0};
    struct top_use use = uses[0];

    (void)state;
    update(&model, top_document("a", &use, 1), 100 * SECOND);
    use.total = 16;
    use.failures = 3;
    update(&model, top_document("a", &use, 1), 103 * SECOND);
    assert_near(row_of(&model, "cart")->rate, 120); /* 6 in 3 s */
    assert_near(row_of(&model, "cart")->failure_rate, 20);
    for (uint64_t at = 105; at <= 300; at += 2)
        update(&model, top_document("a", &use, 1), at * SECOND);
    assert_near(row_of(&model, "cart")->rate, 0);
    use.total = 26;
    update(&model, top_document("a", &use, 1), 301 * SECOND);
    assert_near(row_of(&model, "cart")->rate, 10.0 * 60 / 60);
    /* Looks in quick succession do not shorten what is known. */
    for (uint64_t i = 1; i <= 300; i++)
        update(&model, top_document("a", &use, 1), 301 * SECOND + i * SECOND / 10);
    assert_near(row_of(&model, "cart")->rate, 10.0 * 60 / 60);
}

static void what_is_new_began_at_nothing(void **state)
{
    _cleanup_top_model_ struct cs_top_model model = {0};

    (void)state;
    update(&model, top_document("a", &uses[1], 1), 10 * SECOND);
    update(&model, top_document("a", uses, 2), 20 * SECOND);
    assert_near(row_of(&model, "cart")->rate, 60); /* 10 in 10 s */
    assert_near(row_of(&model, "search")->rate, 0);
    /* Gone, and back with smaller counters: not a negative rate. */
    update(&model, top_document("a", &uses[1], 1), 30 * SECOND);
    assert_int_equal(HASH_COUNT(model.rows), 1);
    struct top_use less = uses[1];

    less.total = 5;
    update(&model, top_document("a", &less, 1), 40 * SECOND);
    assert_near(row_of(&model, "search")->rate, CS_TOP_UNKNOWN);
    /* Another run: all begins anew. */
    less.total = 500;
    update(&model, top_document("b", &less, 1), 50 * SECOND);
    assert_near(row_of(&model, "search")->rate, CS_TOP_UNKNOWN);
    less.total = 510;
    update(&model, top_document("b", &less, 1), 60 * SECOND);
    assert_near(row_of(&model, "search")->rate, 60);
}

static void refuses_other_documents(void **state)
{
    static const char *const documents[] = {"",
                                            "{",
                                            "[]",
                                            "null",
                                            "{}",
                                            "{\"schema\":1}",
                                            "{\"schema\":2,\"workloads\":[]}",
                                            "{\"schema\":1,\"workloads\":{}}",
                                            "{\"schema\":\"1\",\"workloads\":[]}"};
    _cleanup_top_model_ struct cs_top_model model = {0};

    (void)state;
    update(&model, top_document("a", uses, 2), SECOND);
    for (size_t i = 0; i < CS_ARRAY_SIZE(documents); i++) {
        int r = cs_top_model_update(&model, documents[i], strlen(documents[i]), 2 * SECOND);

        if (r != -EBADMSG || HASH_COUNT(model.rows) != 2)
            fail_msg("%s: %d", documents[i], r);
    }
}

/* Of a wrong type is as not there. */
static void doubts_every_member(void **state)
{
    static const char *const workloads[] = {
        "1",
        "null",
        "[]",
        "{}",
        "{\"mechanisms\":1}",
        "{\"mechanisms\":[1,null,{}]}",
        "{\"namespace\":1,\"mechanisms\":[{\"mechanism\":[],\"total\":\"x\",\"failures\":-1,"
        "\"in_flight\":1e300,\"duration_seconds\":7,\"requests\":[],\"last_success\":\"x\"}],"
        "\"declared\":[1,{\"set\":2}]}"};

    (void)state;
    for (size_t i = 0; i < CS_ARRAY_SIZE(workloads); i++) {
        _cleanup_top_model_ struct cs_top_model model = {0};
        char text[1024];

        snprintf(text, sizeof(text), "{\"schema\":1,\"workloads\":[%s]}", workloads[i]);
        update(&model, text, SECOND);
        for (enum cs_top_sort sort = 0; sort < CS_TOP_SORT_END; sort++)
            cs_top_model_sort(&model, sort);
        if (model.rows) {
            assert_near(model.rows->total, CS_TOP_UNKNOWN);
            assert_near(model.rows->in_flight, CS_TOP_UNKNOWN);
            assert_near(model.rows->last_success, CS_TOP_UNKNOWN);
        }
    }
}

static void sorts(void **state)
{
    static const struct top_use first[] = {{"b", "one", "irsa", "retiring", 100, 0, 0, "0.1"},
                                           {"a", "two", "irsa", "retiring", 10, 5, 0, "null"},
                                           {"a", "three", "irsa", "retiring", 10, 9, 2, "5"},
                                           {"c", "four", "irsa", "retiring", 10, 0, 7, "0.2"}};
    static const struct {
        enum cs_top_sort sort;
        const char *order;
    } cases[] = {
        {CS_TOP_BY_RATE, "two four one three "},
        {CS_TOP_BY_FAILURES, "two three one four "}, /* new ones first, then all */
        {CS_TOP_BY_P99, "three four one two "},
        {CS_TOP_BY_IN_FLIGHT, "four three two one "},
        {CS_TOP_BY_NAME, "three two one four "},
    };
    _cleanup_top_model_ struct cs_top_model model = {0};
    struct top_use second[CS_ARRAY_SIZE(first)];

    (void)state;
    memcpy(second, first, sizeof(first));
    second[1].total += 30;
    second[1].failures += 1;
    second[3].total += 10;
    update(&model, top_document("a", first, 4), SECOND);
    update(&model, top_document("a", second, 4), 2 * SECOND);
    for (size_t i = 0; i < CS_ARRAY_SIZE(cases); i++) {
        char order[128] = "";

        cs_top_model_sort(&model, cases[i].sort);
        for (const struct cs_top_row *row = model.rows; row; row = row->hh.next) {
            strcat(order, row->workload);
            strcat(order, " ");
        }
        if (strcmp(order, cases[i].order) != 0)
            fail_msg("by %s: %s", cs_top_sort_name(cases[i].sort), order);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_document),
        cmocka_unit_test(rates_are_over_the_last_minute),
        cmocka_unit_test(what_is_new_began_at_nothing),
        cmocka_unit_test(refuses_other_documents),
        cmocka_unit_test(doubts_every_member),
        cmocka_unit_test(sorts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
