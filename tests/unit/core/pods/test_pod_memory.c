/* SPDX-License-Identifier: Apache-2.0 */
/* What a node's pods cost: 110 of 20 KB and three containers each. */
#include "core/pods/pod_index.h"

#include "pod_samples.h"

#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void costs_little(void **state)
{
    _cleanup_pod_index_ struct cs_pod_index *index = NULL;
    _cleanup_free_ char *json = malloc(32768);
    struct cs_kube_event event = {.kind = CS_KUBE_POD};
    struct cs_pod_index_stats stats;
    size_t before, used;

    (void)state;
    assert_non_null(json);
    assert_int_equal(cs_pod_index_new(&cs_pod_index_limits_default, "n1", &index), 0);
    before = mallinfo2().uordblks;
    for (int i = 0; i < 110; i++) {
        char *at = json;

        at += sprintf(at,
                      "{\"metadata\":{\"uid\":\"%08x-4e5f-6071-8293-a4b5c6d7e8f9\",\"name\":"
                      "\"web-%d-6d4cf56db6-x7k2p\",\"namespace\":\"team-%d\",\"annotations\":{"
                      "\"last-applied\":\"",
                      i, i, i % 7);
        memset(at, 'x', 16000);
        at += 16000;
        at += sprintf(at,
                      "\"},\"labels\":{\"pod-template-hash\":\"6d4cf56db6\"},\"ownerReferences\":[{"
                      "\"kind\":\"ReplicaSet\",\"name\":\"web-%d-6d4cf56db6\",\"controller\":true}]"
                      "},\"spec\":{\"nodeName\":\"n1\",\"serviceAccountName\":\"sa-%d\","
                      "\"containers\":[",
                      i, i % 40);
        for (int c = 0; c < 3; c++) {
            at += sprintf(at,
                          "%s{\"name\":\"container-%d\",\"image\":\"registry.example/team/"
                          "service-%d:1.2.3\",\"env\":[",
                          c ? "," : "", c, i);
            for (int e = 0; e < 20; e++)
                at += sprintf(at, "%s{\"name\":\"VARIABLE_%d\",\"value\":\"something-%d\"}",
                              e ? "," : "", e, e);
            at += sprintf(at, "]}");
        }
        at += sprintf(at, "]},\"status\":{\"phase\":\"Running\",\"containerStatuses\":[");
        for (int c = 0; c < 3; c++)
            at +=
                sprintf(at, "%s{\"name\":\"container-%d\",\"containerID\":\"containerd://%064x\"}",
                        c ? "," : "", c, i * 4 + c);
        sprintf(at, "]}}");
        assert_true(strlen(json) > 18000);
        event.pod = slice_of(json);
        cs_pod_index_event(index, &event, 1);
    }
    used = mallinfo2().uordblks - before;
    cs_pod_index_stats(index, &stats);
    assert_int_equal(stats.live, 110);
    assert_int_equal(stats.containers, 330);
    print_message("110 pods of %zu bytes: %zu bytes, %llu by its own account\n", strlen(json), used,
                  (unsigned long long)stats.bytes);
    assert_true(stats.bytes > 30000 && stats.bytes < 300000);
    assert_true(used < 300000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(costs_little)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
