/* SPDX-License-Identifier: Apache-2.0 */
/* Workloads as JSON: running pods, what they declare and use, and what waits for an answer. */
#include "core/report/workloads.h"

#include "../facts/facts.h"
#include "../pods/pod_samples.h"
#include "core/classify/watchlist.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/metrics/record.h"

#include <cjson/cJSON.h>

#define SECOND CS_NSEC_PER_SEC

struct world {
    struct cs_recorder *recorder;
    struct cs_pod_index *index;
    struct cs_usage *usage;
    struct cs_assembler *assembler;
    struct cs_watchlist watchlist;
    bool with_index;
    char *text;
};

static void ignore(const struct cs_exchange *exchange, void *user)
{
    (void)exchange;
    (void)user;
}

static int make(void **state)
{
    static struct world world;

    world = (struct world){.with_index = true};
    assert_int_equal(cs_recorder_new(&(struct cs_recorder_options){0}, &world.recorder), 0);
    assert_int_equal(cs_pod_index_new(&cs_pod_index_limits_default, NULL, &world.index), 0);
    assert_int_equal(
        cs_usage_new(&(struct cs_usage_options){0}, cs_pod_index_labels(world.index), &world.usage),
        0);
    world.assembler = cs_assembler_new(&(struct cs_assembler_options){.sink = ignore});
    assert_non_null(world.assembler);
    cs_watchlist_init(&world.watchlist);
    *state = &world;
    return 0;
}

static int unmake(void **state)
{
    struct world *world = *state;

    free(world->text);
    cs_assembler_free(world->assembler);
    cs_usage_free(&world->usage);
    cs_pod_index_free(&world->index);
    cs_recorder_free(world->recorder);
    return 0;
}

static void add_pod(struct world *world, const char *uid, const char *name, const char *variable,
                    const char *phase)
{
    struct cs_kube_event event = {.kind = CS_KUBE_POD};
    char json[1024];

    snprintf(json, sizeof(json),
             "{\"metadata\":{\"uid\":\"%s\",\"name\":\"%s\",\"namespace\":\"shop\","
             "\"ownerReferences\":[{\"kind\":\"DaemonSet\",\"name\":\"web\",\"controller\":true}]},"
             "\"spec\":{\"serviceAccountName\":\"web\","
             "\"containers\":[{\"name\":\"app\",\"env\":[{\"name\":\"%s\"}]}]},"
             "\"status\":{\"phase\":\"%s\"}}",
             uid, name, variable, phase);
    event.pod = slice_of(json);
    cs_pod_index_event(world->index, &event, SECOND);
}

static void deliver(struct world *world, const char *uid, const char *id)
{
    struct cs_connection connection = {0};
    struct cs_exchange exchange = {.connection = &connection, .answer_ns = SECOND};
    struct cs_verdict verdict = {.mechanism = CS_MECHANISM_IRSA, .delivered = true};
    struct cs_subject subject = {.workload = {"~unknown", "~unknown", "Pod", ""}};
    struct cs_usage_first first;

    strcpy(subject.pod_uid, uid);
    strcpy(subject.workload.workload, uid);
    strcpy(subject.container_id, id);
    cs_usage_exchange(world->usage, &exchange, &verdict, &subject, &(struct cs_usage_life){0},
                      SECOND, &first);
}

/* Connections of the tests are pod A's, or the host's with an address that is not the agent's. */
static enum cs_mechanism identify(void *user, const struct cs_exchange *exchange,
                                  struct cs_subject *subject)
{
    struct world *world = user;
    struct cs_evidence evidence = {.exchange = exchange, .watchlist = &world->watchlist};
    struct cs_verdict verdict;

    cs_classify(&evidence, &verdict);
    *subject = (struct cs_subject){.workload = {"~host", "~host", "SystemdUnit", "x.service"}};
    if (verdict.mechanism == CS_MECHANISM_EKS_POD_IDENTITY) {
        *subject = (struct cs_subject){.workload = {"~unknown", "~unknown", "Pod", UID_A}};
        strcpy(subject->pod_uid, UID_A);
        if (world->with_index)
            assert_int_equal(cs_pod_index_name(world->index, subject, NULL), 0);
    }
    return verdict.mechanism;
}

/* The "workloads" array without white space. */
static const char *workloads_of(struct world *world, uint64_t now_ns)
{
    const struct cs_workloads_sources sources = {
        .registry = cs_recorder_registry(world->recorder),
        .usage = world->usage,
        .index = world->with_index ? world->index : NULL,
        .labels = cs_pod_index_labels(world->index),
        .assembler = world->assembler,
        .identify = identify,
        .user = world,
        .now_ns = now_ns,
    };
    struct cs_buffer buffer;
    cJSON *json;

    cs_buffer_init(&buffer, 4u << 20);
    cs_buffer_add_text(&buffer, "{");
    assert_int_equal(cs_workloads_write(&sources, NULL, &buffer), 0);
    cs_buffer_add(&buffer, "}", 2);
    json = cJSON_Parse(buffer.data);
    assert_non_null(json);
    free(world->text);
    world->text = cJSON_PrintUnformatted(cJSON_GetObjectItem(json, "workloads"));
    cJSON_Delete(json);
    cs_buffer_free(&buffer);
    return world->text;
}

#define NOTHING_ASKED                                                         \
    "\"requests\":{},\"total\":0,\"failures\":0,\"credentials\":0,"           \
    "\"duration_seconds\":{\"count\":0,\"sum\":0,\"p50\":null,\"p99\":null}," \
    "\"last_success\":null,\"last_failure\":null,"
#define IRSA_OF(pods)                                                                       \
    "{\"mechanism\":\"irsa\",\"class\":\"retiring\",\"pods_using\":" pods "," NOTHING_ASKED \
    "\"in_flight\":0,\"oldest_in_flight_seconds\":null}"

static void counts_pods_that_declare_and_use(void **state)
{
    struct world *world = *state;
    const char *text;

    add_pod(world, UID_A, "web-1", "AWS_WEB_IDENTITY_TOKEN_FILE", "Running");
    add_pod(world, UID_B, "web-2", "PATH", "Running");
    add_pod(world, "2a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9", "web-0", "PATH", "Succeeded");
    deliver(world, UID_A, ID_A);
    text = workloads_of(world, 2 * SECOND);
    if (!strstr(text,
                "\"declared\":[{\"set\":\"irsa\",\"pods\":1},{\"set\":\"none\",\"pods\":1}]") &&
        !strstr(text, "\"declared\":[{\"set\":\"none\",\"pods\":1},{\"set\":\"irsa\",\"pods\":1}]"))
        fail_msg("%s", text);
    assert_ptr_equal(strstr(text, "[{\"namespace\":\"shop\",\"service_account\":\"web\","
                                  "\"workload_kind\":\"DaemonSet\",\"workload\":\"web\","
                                  "\"pods\":2,\"declared\":["),
                     text);
    assert_non_null(strstr(text, "\"mechanisms\":[" IRSA_OF("1") "]}]"));
}

static void without_a_source_of_pods(void **state)
{
    struct world *world = *state;

    world->with_index = false;
    deliver(world, UID_A, ID_A);
    assert_string_equal(
        workloads_of(world, 2 * SECOND),
        "[{\"namespace\":\"~unknown\",\"service_account\":\"~unknown\","
        "\"workload_kind\":\"Pod\",\"workload\":\"" UID_A "\","
        "\"pods\":1,\"declared\":null,\"identities\":[],\"findings\":null,\"mechanisms\":[" IRSA_OF(
            "1") "]}]");
}

static void names_who_waits(void **state)
{
    struct world *world = *state;
    struct script script = {.assembler = world->assembler};

    add_pod(world, UID_A, "web-1", "PATH", "Running");
    script_run(&script, "connect est req:GET,/v1/credentials +1500 2:connect 2:est "
                        "2:req:GET,/v1/credentials 3:connect 3:est 3:req:GET,/");
    assert_string_equal(
        workloads_of(world, script.now_ns + 500 * MS),
        "[{\"namespace\":\"shop\",\"service_account\":\"web\","
        "\"workload_kind\":\"DaemonSet\",\"workload\":\"web\","
        "\"pods\":1,\"declared\":[{\"set\":\"none\",\"pods\":1}],\"identities\":[],\"findings\":"
        "null,\"mechanisms\":["
        "{\"mechanism\":\"eks-pod-identity\",\"class\":\"current\",\"pods_using\":0," NOTHING_ASKED
        "\"in_flight\":2,\"oldest_in_flight_seconds\":2.006}]},"
        "{\"namespace\":\"~host\",\"service_account\":\"~host\","
        "\"workload_kind\":\"SystemdUnit\",\"workload\":\"x.service\","
        "\"pods\":null,\"declared\":null,\"identities\":[],\"findings\":null,\"mechanisms\":["
        "{\"mechanism\":\"metadata\",\"class\":\"other\",\"pods_using\":null," NOTHING_ASKED
        "\"in_flight\":1,\"oldest_in_flight_seconds\":0.5}]}]");
    script_run(&script, "resp:200 2:resp:200 3:resp:404");
    assert_null(strstr(workloads_of(world, script.now_ns), "\"mechanism\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(counts_pods_that_declare_and_use, make, unmake),
        cmocka_unit_test_setup_teardown(without_a_source_of_pods, make, unmake),
        cmocka_unit_test_setup_teardown(names_who_waits, make, unmake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
