/* SPDX-License-Identifier: Apache-2.0 */
#include "core/pods/owner.h"

#include "base/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define MADE_S INT64_C(1763697300) /* 2025-11-21T03:55:00Z, minute 29394955 */

static const struct {
    const char *name;
    const char *owner_kind, *owner_name, *pod_name, *generate_name;
    const char *template_hash, *rollout_hash, *node;
    int64_t created_s;
    bool is_static;
    const char *kind, *workload;
} cases[] = {
    {"deployment", "ReplicaSet", "web-6d4cf56db6", .template_hash = "6d4cf56db6",
     .kind = "Deployment", .workload = "web"},
    {"deployment with dashes", "ReplicaSet", "web-v2-api-6d4cf56db6", .template_hash = "6d4cf56db6",
     .kind = "Deployment", .workload = "web-v2-api"},
    {"replica set that only ends like its hash", "ReplicaSet", "web6d4cf56db6",
     .template_hash = "6d4cf56db6", .kind = "ReplicaSet", .workload = "web6d4cf56db6"},
    {"replica set that is nothing but its hash", "ReplicaSet", "-6d4cf56db6",
     .template_hash = "6d4cf56db6", .kind = "ReplicaSet", .workload = "-6d4cf56db6"},
    {"replica set of nobody", "ReplicaSet", "web", .kind = "ReplicaSet", .workload = "web"},
    {"replica set, another hash", "ReplicaSet", "web-6d4cf56db6", .template_hash = "77777",
     .kind = "ReplicaSet", .workload = "web-6d4cf56db6"},
    {"argo rollout", "ReplicaSet", "web-6d4cf56db6", .rollout_hash = "6d4cf56db6",
     .kind = "Rollout", .workload = "web"},
    {"argo rollout that took over a deployment's pods", "ReplicaSet", "web-6d4cf56db6",
     .rollout_hash = "6d4cf56db6", .template_hash = "abcdef1234", .kind = "Rollout",
     .workload = "web"},
    {"cron job", "Job", "backup-29394955", .created_s = MADE_S, .kind = "CronJob",
     .workload = "backup"},
    {"cron job's pod, retried for two days", "Job", "backup-29392075", .created_s = MADE_S,
     .kind = "CronJob", .workload = "backup"},
    {"cron job, clock ahead by an hour", "Job", "backup-29395015", .created_s = MADE_S,
     .kind = "CronJob", .workload = "backup"},
    {"cron job before 1.21: seconds", "Job", "backup-1763697300", .created_s = MADE_S,
     .kind = "CronJob", .workload = "backup"},
    {"cron job, creation not known", "Job", "backup-29394955", .kind = "CronJob",
     .workload = "backup"},
    {"nine digits are minutes after 2160", "Job", "backup-100000000", .created_s = MADE_S,
     .kind = "Job", .workload = "backup"},
    {"a date is no schedule", "Job", "backup-20251121", .created_s = MADE_S, .kind = "Job",
     .workload = "backup"},
    {"a date, creation not known", "Job", "backup-20251121", .kind = "Job", .workload = "backup"},
    {"a year earlier is no schedule", "Job", "backup-28869355", .created_s = MADE_S, .kind = "Job",
     .workload = "backup"},
    {"seven digits", "Job", "backup-2939495", .created_s = MADE_S, .kind = "Job",
     .workload = "backup"},
    {"nothing but a schedule", "Job", "-29394955", .created_s = MADE_S, .kind = "Job",
     .workload = "-29394955"},
    {"one-shot job", "Job", "migrate", .kind = "Job", .workload = "migrate"},
    {"one-shot job of a generated name", "Job", "migrate-x7k2p", .kind = "Job",
     .workload = "migrate"},
    {"one-shot job of a revision", "Job", "migrate-v12", .kind = "Job", .workload = "migrate-v12"},
    {"one-shot job after a database", "Job", "init-pgsql", .kind = "Job", .workload = "init-pgsql"},
    {"one-shot job, time and random", "Job", "load-1763697300-x7k2p", .kind = "Job",
     .workload = "load"},
    {"stateful set", "StatefulSet", "kafka", "kafka-0", .kind = "StatefulSet", .workload = "kafka"},
    {"stateful set keeps a generated look", "StatefulSet", "db-x7k2p", .kind = "StatefulSet",
     .workload = "db-x7k2p"},
    {"daemon set", "DaemonSet", "node-exporter", .kind = "DaemonSet", .workload = "node-exporter"},
    {"replication controller", "ReplicationController", "app-3", .kind = "ReplicationController",
     .workload = "app-3"},
    {"mirror pod", "Node", "n1.internal", "kube-proxy-n1.internal", .node = "n1.internal",
     .is_static = true, .kind = "StaticPod", .workload = "kube-proxy"},
    {"mirror pod, node not known", "Node", "n1", "kube-proxy-n1", .kind = "StaticPod",
     .workload = "kube-proxy-n1"},
    {"static pod as kubelet has it", .pod_name = "etcd-n1", .node = "n1", .is_static = true,
     .kind = "StaticPod", .workload = "etcd"},
    {"bare pod", .pod_name = "debug", .kind = "Pod", .workload = "debug"},
    {"bare pod of a generated name", .pod_name = "runner-x7k2p", .generate_name = "runner-",
     .kind = "Pod", .workload = "runner"},
    {"bare pod, stem without dash", .pod_name = "runnerx7k2p", .generate_name = "runner",
     .kind = "Pod", .workload = "runner"},
    {"bare pod, stem of dashes only", .pod_name = "--x7k2p", .generate_name = "--", .kind = "Pod",
     .workload = "-"},
    {"bare pod with a client's UUID", .pod_name = "task-0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9",
     .kind = "Pod", .workload = "task"},
    {"bare pod that is a UUID", .pod_name = "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9", .kind = "Pod",
     .workload = "0a1b2c3d-4e5f-6071-8293"},
    {"custom controller", "Workflow", "etl-x7k2p", .kind = "Workflow", .workload = "etl"},
    {"custom controller, plain name", "SparkApplication", "daily-report",
     .kind = "SparkApplication", .workload = "daily-report"},
    {"custom controller, hash", "PipelineRun", "build-9f8e7d6c5b", .kind = "PipelineRun",
     .workload = "build"},
    {"executor of a pod", "Pod", "spark-pi-1763697300-driver", .kind = "Pod",
     .workload = "spark-pi-1763697300-driver"},
    {"eight letters are no hash", "Workflow", "etl-deadbeef", .kind = "Workflow",
     .workload = "etl-deadbeef"},
    {"vowels are no random", "Workflow", "etl-train", .kind = "Workflow", .workload = "etl-train"},
    {"owner without a name", "Workflow", .pod_name = "debug", .kind = "Pod", .workload = "debug"},
};

static void put(char *to, size_t size, const char *text)
{
    if (text)
        cs_text_copy(to, size, text, strlen(text));
}

static void names_the_workload(void **state)
{
    (void)state;
    for (size_t i = 0; i < CS_ARRAY_SIZE(cases); i++) {
        struct cs_pod pod = {.created_s = cases[i].created_s, .is_static = cases[i].is_static};
        struct cs_workload workload;

        memset(&workload, 'Z', sizeof(workload));
        put(pod.namespace, sizeof(pod.namespace), "shop");
        put(pod.service_account, sizeof(pod.service_account), "payer");
        put(pod.name, sizeof(pod.name), cases[i].pod_name ? cases[i].pod_name : "p");
        put(pod.owner_kind, sizeof(pod.owner_kind), cases[i].owner_kind);
        put(pod.owner_name, sizeof(pod.owner_name), cases[i].owner_name);
        put(pod.generate_name, sizeof(pod.generate_name), cases[i].generate_name);
        put(pod.template_hash, sizeof(pod.template_hash), cases[i].template_hash);
        put(pod.rollout_hash, sizeof(pod.rollout_hash), cases[i].rollout_hash);
        put(pod.node_name, sizeof(pod.node_name), cases[i].node);
        cs_owner_workload(&pod, &workload);
        if (strcmp(workload.workload_kind, cases[i].kind) != 0 ||
            strcmp(workload.workload, cases[i].workload) != 0)
            fail_msg("%s: %s %s, not %s %s", cases[i].name, workload.workload_kind,
                     workload.workload, cases[i].kind, cases[i].workload);
        assert_string_equal(workload.namespace, "shop");
        assert_string_equal(workload.service_account, "payer");
    }
}

/* A name that is generated all through ends somewhere. */
static void folds_a_bounded_part(void **state)
{
    char name[CS_NAME_MAX] = "a", stem[CS_NAME_MAX];

    (void)state;
    for (size_t at = 1; at + 7 < sizeof(name); at += 6)
        memcpy(name + at, "-x7k2p", 7);
    cs_owner_stem(name, stem);
    assert_int_equal(strlen(stem), strlen(name) - 8 * 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_the_workload),
        cmocka_unit_test(folds_a_bounded_part),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
