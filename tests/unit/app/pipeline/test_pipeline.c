/* SPDX-License-Identifier: Apache-2.0 */
/* The stages together: whose an exchange is on nodes with cgroup v1, and which lines go where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "app/pipeline/pipeline.h"
#include "app/serve/api_exchanges.h"
#include "base/util.h"
#include "core/waiting/in_flight.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define POD_UID "11111111-2222-3333-4444-555555555555"

static struct cs_watchlist watchlist;
static struct cs_pipeline *pipeline;
static bool told; /* of pods */

static int set_up(void **state)
{
    const struct cs_pipeline_options options = {
        .watchlist = &watchlist,
        .context = {.node = "node", .run_id = "0123"},
        .node_name = "node",
        .cloud = "aws",
        .told = told,
    };

    (void)state;
    pipeline = calloc(1, sizeof(*pipeline));
    assert_non_null(pipeline);
    cs_watchlist_init(&watchlist);
    assert_int_equal(cs_pipeline_make(pipeline, &options), 0);
    return cs_container_table_add(pipeline->containers, 1, (struct cs_slice){"/", 1}, false, 0);
}

static int tear_down(void **state)
{
    (void)state;
    cs_pipeline_free(pipeline);
    free(pipeline);
    return 0;
}

/* A process in that cgroup is refused by the Pod Identity agent. */
static void refused_connect_from(uint64_t cgroup_id)
{
    static uint32_t generation;
    static const uint8_t agent[16] = {[10] = 0xff, 0xff, 169, 254, 170, 23};
    struct cs_fact_connect connect = {
        .header = {.type = CS_FACT_CONNECT, .size = sizeof(connect), .time_ns = 1, .cookie = 7},
        .cgroup_id = cgroup_id,
        .tgid = 42,
        .dport = 80,
        .family = 4,
        .kind = CS_WATCH_PLAIN,
        .comm = "curl",
    };
    struct cs_fact_connect_failed failed = {
        .header = {.type = CS_FACT_CONNECT_FAILED,
                   .size = sizeof(failed),
                   .seq = 1,
                   .time_ns = 2,
                   .cookie = 7},
        .reason = CS_CONNECT_REFUSED,
    };

    uint64_t before = cs_assembler_stats(pipeline->assembler)->exchanges;

    generation++;
    connect.header.generation = failed.header.generation = generation;
    memcpy(connect.daddr, agent, sizeof(agent));
    cs_pipeline_fact(pipeline, &connect, sizeof(connect), 1);
    cs_pipeline_fact(pipeline, &failed, sizeof(failed), 2);
    assert_int_equal(cs_assembler_stats(pipeline->assembler)->exchanges, before + 1);
}

static void refused_connect(void)
{
    refused_connect_from(1);
}

static void token_opened(void)
{
    struct cs_fact_token_open open = {
        .header = {.type = CS_FACT_TOKEN_OPEN, .size = sizeof(open), .time_ns = 1},
        .cgroup_id = 1,
        .tgid = 42,
    };

    cs_pipeline_fact(pipeline, &open, sizeof(open), 1);
}

static int path_of_pod(uint32_t pid, char *path, size_t size)
{
    static const char text[] = "/kubepods/burstable/pod" POD_UID;

    assert_int_equal(pid, 42);
    cs_text_copy(path, size, text, sizeof(text) - 1);
    return 0;
}

static int path_of_nobody(uint32_t pid, char *path, size_t size)
{
    (void)pid;
    (void)path;
    (void)size;
    return -ESRCH;
}

static void names_a_process_in_the_root(void **state)
{
    static const struct {
        const char *name;
        bool root_shared;
        int (*process_path)(uint32_t pid, char *path, size_t size);
        enum cs_attribution attribution;
        uint64_t tokens_kept;
    } cases[] = {
        {"cgroup v2", false, NULL, CS_ATTRIBUTION_HOST, 1},
        {"v1, seen", true, path_of_pod, CS_ATTRIBUTION_POD_UID, 1},
        {"v1, ended", true, path_of_nobody, CS_ATTRIBUTION_NO_CGROUP, 0},
        {"v1, no hostPID", true, NULL, CS_ATTRIBUTION_NO_CGROUP, 0},
    };

    for (size_t i = 0; i < CS_ARRAY_SIZE(cases); i++) {
        if (i > 0)
            set_up(state);
        pipeline->root_shared = cases[i].root_shared;
        pipeline->process_path = cases[i].process_path;
        token_opened();
        refused_connect();
        if (pipeline->stats.attributions[cases[i].attribution] != 1)
            fail_msg("%s: attributed otherwise: %s", cases[i].name, pipeline->line);
        assert_int_equal(cs_token_opens_count(pipeline->token_opens), cases[i].tokens_kept);
        assert_int_equal(pipeline->stats.tokens_unattributed, 1 - cases[i].tokens_kept);
        if (i + 1 < CS_ARRAY_SIZE(cases))
            tear_down(state);
    }
}

/* The live page shows each line of the ring as an exchange. */
static void keeps_losses_out_of_the_exchanges(void **state)
{
    struct cs_buffer buffer;

    (void)state;
    cs_buffer_init(&buffer, 1 << 20);
    cs_pipeline_loss(pipeline, "ring", "connect", 3);
    refused_connect();
    cs_pipeline_loss(pipeline, "ring", "connect", 4);
    cs_api_exchanges_write(pipeline->recent, 0, true, 100, &buffer);
    cs_buffer_add(&buffer, "", 1);
    assert_null(strstr(buffer.data, "\"kind\":\"loss\""));
    assert_non_null(strstr(buffer.data, "\"seq\":1,"));
    assert_non_null(strstr(buffer.data, "\"outcome\":\"refused\""));
    assert_int_equal(pipeline->context.seq, 3);
    cs_buffer_free(&buffer);
}

#define CGROUP      9
#define CONTAINER   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define CGROUP_PATH "/kubepods/burstable/pod" POD_UID "/" CONTAINER
#define SECOND      UINT64_C(1000000000)

static int set_up_told(void **state)
{
    int error;

    told = true;
    error = set_up(state);
    told = false;
    if (error == 0)
        error =
            cs_container_table_add(pipeline->containers, CGROUP,
                                   (struct cs_slice){CGROUP_PATH, strlen(CGROUP_PATH)}, false, 1);
    return error;
}

static void pod_arrives(uint64_t now_ns)
{
    static const char pod[] =
        "{\"metadata\":{\"uid\":\"" POD_UID "\",\"name\":\"web-1\",\"namespace\":\"shop\"},"
        "\"spec\":{\"nodeName\":\"node\",\"serviceAccountName\":\"web\",\"containers\":[{"
        "\"name\":\"app\",\"env\":[{\"name\":\"AWS_ROLE_ARN\",\"value\":"
        "\"arn:aws:iam::111122223333:role/web\"},{\"name\":\"AWS_WEB_IDENTITY_TOKEN_FILE\","
        "\"value\":\"/t\"}]}]},\"status\":{\"phase\":\"Running\"}}";
    const struct cs_kube_event event = {.kind = CS_KUBE_POD, .pod = {pod, sizeof(pod) - 1}};

    cs_pod_index_event(pipeline->pods.index, &event, now_ns);
}

static bool logged(const char *text)
{
    struct cs_buffer buffer;
    bool found;

    cs_buffer_init(&buffer, 1 << 20);
    cs_api_exchanges_write(pipeline->recent, 0, true, 100, &buffer);
    cs_buffer_add(&buffer, "", 1);
    found = strstr(buffer.data, text) != NULL;
    cs_buffer_free(&buffer);
    return found;
}

static void assert_waiting(uint32_t count)
{
    struct cs_pending_stats stats;

    cs_pending_stats(pipeline->pods.pending, &stats);
    assert_int_equal(stats.waiting, count);
}

static void names_what_waited_for_its_pod(void **state)
{
    (void)state;
    refused_connect_from(CGROUP);
    assert_waiting(1);
    assert_false(logged("refused"));
    assert_int_equal(pipeline->stats.attributions[CS_ATTRIBUTION_POD_UID], 0);
    pod_arrives(SECOND);
    assert_waiting(0);
    assert_int_equal(pipeline->stats.attributions[CS_ATTRIBUTION_POD], 1);
    assert_true(logged("\"workload\":\"web-1\""));
    assert_true(logged("\"declared\":\"irsa\""));
    assert_true(logged("\"container\":\"app\""));
}

static int count_running(void *user, const struct cs_usage_view *usage)
{
    (*(unsigned int *)user)++;
    assert_string_equal(usage->pod_uid, POD_UID);
    return 0;
}

static unsigned int running(void)
{
    unsigned int count = 0;

    cs_usage_each(pipeline->pods.usage, 3 * SECOND, count_running, &count);
    return count;
}

static void cgroup_removed(uint64_t cgroup_id)
{
    static const char path[] = "/gone";
    _Alignas(struct cs_fact_cgroup) uint8_t fact[sizeof(struct cs_fact_cgroup) + sizeof(path) - 1];
    const struct cs_fact_cgroup removed = {
        .header = {.type = CS_FACT_CGROUP_REMOVED, .size = sizeof(fact), .time_ns = SECOND},
        .cgroup_id = cgroup_id,
        .path_len = sizeof(path) - 1,
    };
    uint64_t before = pipeline->stats.facts[CS_FACT_CGROUP_REMOVED];

    memcpy(fact, &removed, sizeof(removed));
    memcpy(fact + sizeof(removed), path, sizeof(path) - 1);
    cs_pipeline_fact(pipeline, fact, sizeof(fact), SECOND);
    assert_int_equal(pipeline->stats.facts[CS_FACT_CGROUP_REMOVED], before + 1);
}

/* A container ends with its own directory, not with one below it, whichever is told first. */
static void a_container_ends_with_its_own_directory(void **state)
{
    static const char BELOW[] = CGROUP_PATH "/job";

    (void)state;
    assert_int_equal(cs_container_table_add(pipeline->containers, CGROUP + 1,
                                            (struct cs_slice){BELOW, strlen(BELOW)}, false, 1),
                     0);
    refused_connect_from(CGROUP + 1);
    cgroup_removed(CGROUP + 1);
    pod_arrives(SECOND);
    assert_int_equal(running(), 1);
    cgroup_removed(CGROUP);
    assert_int_equal(running(), 0);
}

static void what_ended_before_its_pod_came_has_ended(void **state)
{
    (void)state;
    refused_connect_from(CGROUP);
    cgroup_removed(CGROUP);
    pod_arrives(SECOND);
    assert_int_equal(running(), 0);
}

/* Of its processes' cgroups nothing tells when they go: their places in the table are lent. */
static void a_container_of_v1_runs(void **state)
{
    (void)state;
    pipeline->root_shared = true;
    pipeline->process_path = path_of_pod;
    refused_connect();
    assert_int_equal(running(), 1);
}

static int find_nothing(void *data, uint64_t cgroup_id, char *path, size_t size)
{
    unsigned int *asked = data;

    (void)cgroup_id;
    (void)path;
    (void)size;
    (*asked)++;
    return -ENOENT;
}

/* It may read every directory of the node. */
static void looks_for_no_cgroup_that_there_cannot_be(void **state)
{
    unsigned int asked = 0;

    (void)state;
    pipeline->resolve = find_nothing;
    pipeline->resolve_data = &asked;
    refused_connect_from(77);
    assert_int_equal(asked, 1);
    pipeline->root_shared = true;
    refused_connect();
    assert_int_equal(asked, 1);
    assert_int_equal(pipeline->stats.attributions[CS_ATTRIBUTION_NO_CGROUP], 2);
}

/* Time's up, or the program ends: told as what it is, a pod's whose name isn't known. */
static void records_what_waited_in_vain(void **state)
{
    uint64_t due;

    (void)state;
    refused_connect_from(CGROUP);
    due = cs_pipeline_deadline(pipeline);
    assert_in_range(due, 60 * SECOND, 61 * SECOND);
    cs_pipeline_tick(pipeline, due);
    assert_waiting(0);
    assert_int_equal(pipeline->stats.attributions[CS_ATTRIBUTION_POD_UID], 1);
    assert_false(logged("\"namespace\""));
    assert_true(logged("\"pod_uid\":\"" POD_UID "\""));
    assert_false(logged("\"declared\""));
    refused_connect_from(CGROUP);
    cs_pipeline_flush(pipeline);
    assert_waiting(0);
    assert_int_equal(pipeline->stats.attributions[CS_ATTRIBUTION_POD_UID], 2);
}

static void names_a_known_pod_at_once(void **state)
{
    struct cs_usage_stats usage;

    (void)state;
    pod_arrives(1);
    refused_connect_from(CGROUP);
    refused_connect_from(1);
    assert_waiting(0);
    assert_int_equal(pipeline->stats.attributions[CS_ATTRIBUTION_POD], 1);
    assert_int_equal(pipeline->stats.attributions[CS_ATTRIBUTION_HOST], 1);
    cs_usage_stats(pipeline->pods.usage, &usage);
    assert_int_equal(usage.first_failed, 1);
}

struct waiting {
    unsigned int count;
    enum cs_mechanism mechanism;
    struct cs_subject subject;
};

static void look(const struct cs_exchange *exchange, void *user)
{
    struct waiting *waiting = user;

    waiting->count++;
    waiting->mechanism = cs_pipeline_identify(pipeline, exchange, &waiting->subject);
}

/* To look at it changes nothing of it. */
static void identifies_what_is_in_flight(void **state)
{
    struct cs_fact_connect connect = {
        .header = {.type = CS_FACT_CONNECT, .size = sizeof(connect), .time_ns = 1, .cookie = 8},
        .cgroup_id = CGROUP,
        .dport = 80,
        .family = 4,
        .kind = CS_WATCH_PLAIN,
        .daddr = {[10] = 0xff, 0xff, 169, 254, 170, 23},
    };
    struct waiting waiting = {0};
    struct cs_in_flight gauge;

    (void)state;
    cs_pipeline_fact(pipeline, &connect, sizeof(connect), 1);
    cs_in_flight_collect(pipeline->assembler, cs_pipeline_identify, pipeline, &gauge);
    assert_int_equal(gauge.count[CS_MECHANISM_EKS_POD_IDENTITY], 1);
    assert_int_equal(gauge.oldest_ns[CS_MECHANISM_EKS_POD_IDENTITY], 1);
    cs_assembler_each_in_flight(pipeline->assembler, look, &waiting);
    assert_int_equal(waiting.count, 1);
    assert_int_equal(waiting.mechanism, CS_MECHANISM_EKS_POD_IDENTITY);
    assert_string_equal(waiting.subject.workload.workload, POD_UID);
    pod_arrives(SECOND);
    cs_assembler_each_in_flight(pipeline->assembler, look, &waiting);
    assert_int_equal(waiting.count, 2);
    assert_string_equal(waiting.subject.workload.workload, "web-1");
    assert_string_equal(waiting.subject.workload.namespace, "shop");
    assert_waiting(0);
    for (unsigned int i = 0; i < CS_ATTRIBUTION_END; i++)
        assert_int_equal(pipeline->stats.attributions[i], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(names_a_process_in_the_root, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keeps_losses_out_of_the_exchanges, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_what_waited_for_its_pod, set_up_told, tear_down),
        cmocka_unit_test_setup_teardown(a_container_ends_with_its_own_directory, set_up_told,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_ended_before_its_pod_came_has_ended, set_up_told,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_container_of_v1_runs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(looks_for_no_cgroup_that_there_cannot_be, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(records_what_waited_in_vain, set_up_told, tear_down),
        cmocka_unit_test_setup_teardown(names_a_known_pod_at_once, set_up_told, tear_down),
        cmocka_unit_test_setup_teardown(identifies_what_is_in_flight, set_up_told, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
