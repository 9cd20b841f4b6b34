/* SPDX-License-Identifier: Apache-2.0 */
#include "base/util.h"
#include "core/metrics/histogram.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void bounds_are_those_of_their_text(void **unused)
{
    static const enum cs_metric_kind kinds[] = {
        CS_KIND_HISTOGRAM_WORKLOAD, CS_KIND_HISTOGRAM_ENDPOINT, CS_KIND_HISTOGRAM_FIRST};

    (void)unused;
    assert_null(cs_histogram_bounds(CS_KIND_COUNTER));
    for (size_t k = 0; k < CS_ARRAY_SIZE(kinds); k++) {
        const struct cs_histogram_bounds *bounds = cs_histogram_bounds(kinds[k]);

        assert_true(bounds->count <= CS_HISTOGRAM_BOUNDS_MAX);
        for (size_t i = 0; i < bounds->count; i++) {
            assert_non_null(strchr(bounds->le[i], '.')); /* canonical: "1.0", not "1" */
            assert_int_equal((uint64_t)(strtod(bounds->le[i], NULL) * 1e9 + 0.5), bounds->ns[i]);
            assert_true(i == 0 || bounds->ns[i] > bounds->ns[i - 1]);
        }
    }
}

static void a_bound_belongs_to_its_bucket(void **unused)
{
    const struct cs_histogram_bounds *bounds = cs_histogram_bounds(CS_KIND_HISTOGRAM_WORKLOAD);
    struct cs_histogram *histogram = cs_histogram_new(bounds);
    uint64_t sum = 0;

    (void)unused;
    assert_int_equal(cs_histogram_observe(histogram, 0), 0);
    for (size_t i = 0; i < bounds->count; i++) {
        assert_int_equal(cs_histogram_observe(histogram, bounds->ns[i]), i);
        assert_int_equal(cs_histogram_observe(histogram, bounds->ns[i] + 1), i + 1);
        sum += 2 * bounds->ns[i] + 1;
    }
    assert_int_equal(cs_histogram_observe(histogram, UINT64_C(200) * CS_NSEC_PER_SEC),
                     bounds->count);
    assert_int_equal(histogram->counts[bounds->count], 2); /* +Inf */
    assert_int_equal(histogram->sum_ns, sum + UINT64_C(200) * CS_NSEC_PER_SEC);
    cs_histogram_free(histogram, NULL);
}

static void exemplars_are_replaced_and_released(void **unused)
{
    struct cs_histogram *histogram =
        cs_histogram_new(cs_histogram_bounds(CS_KIND_HISTOGRAM_ENDPOINT));
    struct cs_label *first, *second;
    struct cs_labels *labels;

    (void)unused;
    assert_int_equal(cs_labels_new(&labels), 0);
    first = cs_labels_get_pair(labels, "pod_uid", "1");
    second = cs_labels_get_pair(labels, "pod_uid", "2");
    cs_histogram_exemplar(histogram, labels, 16, first, 7, 8);
    cs_histogram_exemplar(histogram, labels, 16, first, 9, 10);
    cs_label_unref(labels, first);
    assert_int_equal(cs_labels_count(labels), 2);
    cs_histogram_exemplar(histogram, labels, 16, second, 11, 12);
    assert_int_equal(cs_labels_count(labels), 1);
    assert_ptr_equal(histogram->exemplars[16].label, second);
    assert_int_equal(histogram->exemplars[16].value_ns, 11);
    cs_label_unref(labels, second);
    cs_histogram_free(histogram, labels);
    assert_int_equal(cs_labels_count(labels), 0);
    cs_labels_free(labels);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bounds_are_those_of_their_text),
        cmocka_unit_test(a_bound_belongs_to_its_bucket),
        cmocka_unit_test(exemplars_are_replaced_and_released),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
