/* SPDX-License-Identifier: Apache-2.0 */
/* What the pipeline knows beside an exchange reaches its classification: who opened a token, what
 * the pod declares (also when that is known later), who listens, what preceded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../core/facts/facts.h"
#include "app/pipeline/pipeline.h"
#include "app/serve/api_exchanges.h"
#include "base/util.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEC   UINT64_C(1000000000)
#define START (100 * SEC)
#define STS   "sts.us-east-1.amazonaws.com"

#define IRSA_ENV                                                                \
    "\"env\":[{\"name\":\"AWS_ROLE_ARN\",\"value\":\"arn:aws:iam::1:role/w\"}," \
    "{\"name\":\"AWS_WEB_IDENTITY_TOKEN_FILE\",\"value\":\"/t\"}]"

/* cgroups and the pods that they are of */
enum { WEB = 10, WEB_SIDECAR, PLAIN, NMI };
static const char *const uids[] = {
    [WEB] = "11111111-2222-3333-4444-555555555555",
    [WEB_SIDECAR] = "11111111-2222-3333-4444-555555555555",
    [PLAIN] = "21111111-2222-3333-4444-555555555555",
    [NMI] = "31111111-2222-3333-4444-555555555555",
};

static struct cs_watchlist watchlist;
static struct cs_pipeline *pipeline;

static int set_up(void **state)
{
    const struct cs_pipeline_options options = {
        .watchlist = &watchlist,
        .context = {.node = "node", .run_id = "0123"},
        .node_name = "node",
        .cloud = "aws",
        .told = true,
    };

    (void)state;
    pipeline = calloc(1, sizeof(*pipeline));
    assert_non_null(pipeline);
    cs_watchlist_init(&watchlist);
    assert_int_equal(cs_pipeline_make(pipeline, &options), 0);
    for (uint64_t id = WEB; id <= NMI; id++) {
        char path[160];
        int len = snprintf(path, sizeof(path), "/kubepods/burstable/pod%s/%064x", uids[id],
                           (unsigned int)id);

        assert_int_equal(cs_container_table_add(pipeline->containers, id,
                                                (struct cs_slice){path, (size_t)len}, false, SEC),
                         0);
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    cs_pipeline_free(pipeline);
    free(pipeline);
    return 0;
}

/* container: members of the container's object. */
static void pod_arrives(const char *uid, const char *name, const char *container)
{
    char pod[1024];
    int len = snprintf(pod, sizeof(pod),
                       "{\"metadata\":{\"uid\":\"%s\",\"name\":\"%s\",\"namespace\":\"shop\"},"
                       "\"spec\":{\"nodeName\":\"node\",\"serviceAccountName\":\"web\","
                       "\"containers\":[{\"name\":\"app\"%s%s}]},"
                       "\"status\":{\"phase\":\"Running\"}}",
                       uid, name, container[0] ? "," : "", container);
    const struct cs_kube_event event = {.kind = CS_KUBE_POD, .pod = {pod, (size_t)len}};

    cs_pod_index_event(pipeline->pods.index, &event, START);
}

static void token_opened(uint64_t cgroup_id, uint32_t tgid, uint64_t time_ns)
{
    struct cs_fact_token_open open = {
        .header = {.type = CS_FACT_TOKEN_OPEN, .size = sizeof(open), .time_ns = time_ns},
        .cgroup_id = cgroup_id,
        .tgid = tgid,
    };

    for (uint16_t i = 0; i < watchlist.token_count; i++) {
        if (watchlist.tokens[i].mechanism == CS_MECHANISM_IRSA)
            open.token = i;
    }
    cs_pipeline_fact(pipeline, &open, sizeof(open), time_ns);
}

struct call {
    uint64_t cgroup_id;
    uint32_t tgid;
    uint16_t records[2];
    uint32_t answer;
};

static void call_sts(const struct call *call)
{
    struct cs_connection connection = {.id = {.cookie = call->tgid == 7 ? 77 : 78},
                                       .cgroup_id = call->cgroup_id,
                                       .tgid = call->tgid,
                                       .kind = CS_WATCH_TLS,
                                       .family = 4,
                                       .dport = 443,
                                       .connect_ns = START - SEC / 100,
                                       .server_name = STS};
    struct cs_exchange exchange = {.connection = &connection,
                                   .start_ns = START,
                                   .answer_ns = START + SEC / 10,
                                   .end_ns = START + SEC / 10,
                                   .outcome = CS_OUTCOME_ANSWERED,
                                   .observed = true,
                                   .response_records = {.count = 1, .bytes = call->answer}};

    for (size_t i = 0; i < 2 && call->records[i]; i++) {
        exchange.request_records.lengths[exchange.request_records.count++] = call->records[i];
        exchange.request_records.bytes += call->records[i];
    }
    cs_pipeline_exchange(&exchange, pipeline);
}

/* The exchanges' lines, oldest first; free the buffer. */
static void read_lines(struct cs_buffer *buffer)
{
    cs_buffer_init(buffer, 1 << 20);
    cs_api_exchanges_write(pipeline->recent, 0, true, 100, buffer);
    cs_buffer_add(buffer, "", 1);
}

static const char *next_line(const char *at)
{
    return strstr(at, "\"kind\":\"exchange\"");
}

/* The newest exchange's line has the text, or hasn't. */
static void check_last(const char *text, bool wanted)
{
    struct cs_buffer buffer;
    const char *last = NULL;

    read_lines(&buffer);
    for (const char *at = buffer.data; (at = next_line(at)); at++)
        last = at;
    assert_non_null(last);
    if (!strstr(last, text) == wanted)
        fail_msg("%s%s in %s", wanted ? "no " : "", text, last);
    cs_buffer_free(&buffer);
}

static void assert_last(const char *text)
{
    check_last(text, true);
}

static void assert_lines(unsigned int count)
{
    struct cs_buffer buffer;
    unsigned int n = 0;

    read_lines(&buffer);
    for (const char *at = buffer.data; (at = next_line(at)); at++)
        n++;
    cs_buffer_free(&buffer);
    assert_int_equal(n, count);
}

/* The process has a connection of its own under way. */
static void connects(uint32_t tgid)
{
    union {
        char bytes[sizeof(struct cs_fact_client_hello) + sizeof(STS)];
        struct cs_fact_client_hello hello;
    } hello = {.hello = {.header = {.type = CS_FACT_CLIENT_HELLO,
                                    .size = sizeof(struct cs_fact_client_hello) + strlen(STS),
                                    .seq = 1,
                                    .time_ns = START,
                                    .cookie = 77},
                         .first_byte_ns = START,
                         .hello_length = 500,
                         .sni_len = strlen(STS)}};
    struct cs_fact_connect connect = {
        .header = {.type = CS_FACT_CONNECT,
                   .size = sizeof(connect),
                   .time_ns = START,
                   .cookie = 77},
        .cgroup_id = WEB,
        .tgid = tgid,
        .dport = 443,
        .family = 4,
        .kind = CS_WATCH_TLS,
    };

    memcpy(hello.bytes + sizeof(struct cs_fact_client_hello), STS, strlen(STS));
    cs_pipeline_fact(pipeline, &connect, sizeof(connect), START);
    cs_pipeline_fact(pipeline, hello.bytes, hello.hello.header.size, START);
}

static void tells_processes_apart(void **state)
{
    (void)state;
    pod_arrives(uids[WEB], "web", IRSA_ENV);
    token_opened(WEB, 7, START - SEC / 50);
    connects(7);
    /* Another process' signed call, handed over first, doesn't take the open. */
    call_sts(&(struct call){WEB, 8, {1795}, 650});
    assert_last("\"mechanism\":\"sts\"");
    call_sts(&(struct call){WEB, 7, {1724}, 2100});
    assert_last("\"mechanism\":\"irsa\"");
    assert_last("\"confidence\":\"high\"");
    assert_last("\"token_open\"");
    /* … and the open is used up. */
    call_sts(&(struct call){WEB, 7, {1724}, 650});
    assert_last("\"mechanism\":\"sts\"");
    assert_lines(3);
}

static void asks_the_spec_when_it_is_known(void **state)
{
    (void)state;
    pipeline->no_token_hook = true;
    call_sts(&(struct call){WEB, 7, {1724}, 2100});
    assert_lines(0);
    pod_arrives(uids[WEB], "web", IRSA_ENV);
    assert_lines(1);
    assert_last("\"mechanism\":\"irsa\"");
    assert_last("\"no_token_hook\"");
    assert_last("\"declared\"");
    call_sts(&(struct call){PLAIN, 9, {1724}, 2100});
    pod_arrives(uids[PLAIN], "plain", "");
    assert_lines(2);
    assert_last("\"mechanism\":\"sts\"");
}

/* What opened the token makes no call itself: `cat`. */
static void follows_the_token_to_another_process(void **state)
{
    (void)state;
    pod_arrives(uids[WEB], "web", IRSA_ENV);
    token_opened(WEB, 7, START - SEC / 50);
    call_sts(&(struct call){WEB, 8, {620, 1330}, 2100});
    assert_last("\"mechanism\":\"irsa\"");
    assert_last("\"token_open_other_process\"");
    assert_last("\"confidence\":\"low\"");
}

/* Rust: the token's exchange stays open on its connection while the signed call, begun later, is
 * reported first. The open is for the call that began first. */
static void gives_the_open_to_the_call_that_began_first(void **state)
{
    struct script script = {.assembler = pipeline->assembler, .now_ns = START};

    (void)state;
    assert_int_equal(
        cs_container_table_add(pipeline->containers, 77, (struct cs_slice){"/x", 2}, false, 1), 0);
    token_opened(77, 4242, START);
    script_run(&script, "connect.tls hello:" STS " est c>22:512 shello13.384 c<22:122 c<20:1 <23 "
                        "<1000 <281 <69 c>20:1 >69 >1780 +40 <2275");
    script_run(&script, "2:connect.tls 2:hello:" STS " 2:est 2:c>22:512 2:shello13.384 2:c<22:122 "
                        "2:c<20:1 2:<23 2:<1000 2:<281 2:<69 2:c>20:1 2:>69 2:>2041 +30 2:<1964 "
                        "+60 2:>1912");
    assert_lines(1);
    assert_last("[2041]");
    assert_last("\"mechanism\":\"sts\"");
    script_run(&script, "+600 tick");
    assert_last("[1780]");
    assert_last("\"mechanism\":\"irsa\"");
    assert_last("\"token_open\"");
}

/* The open that explained a call before its pod was known explains it still, and no other. */
static void keeps_evidence_while_it_waits(void **state)
{
    struct cs_buffer buffer;
    const char *first;

    (void)state;
    token_opened(WEB, 7, START - SEC / 50);
    call_sts(&(struct call){WEB, 7, {1724}, 2100});
    call_sts(&(struct call){WEB, 7, {1932}, 2100});
    pod_arrives(uids[WEB], "web", IRSA_ENV);
    assert_lines(2);
    assert_last("\"mechanism\":\"sts\"");
    read_lines(&buffer);
    first = next_line(buffer.data);
    assert_non_null(strstr(first, "\"mechanism\":\"irsa\""));
    assert_non_null(strstr(first, "\"confidence\":\"high\""));
    assert_true(strstr(first, "\"confidence\":\"high\"") < next_line(first + 1));
    cs_buffer_free(&buffer);
}

/* A sidecar that makes TLS itself: the application has no connection that could be watched. */
static void joins_the_evidence_of_a_pod(void **state)
{
    (void)state;
    pod_arrives(uids[WEB], "web", IRSA_ENV ",\"image\":\"docker.io/istio/proxyv2:1.24\"");
    token_opened(WEB, 7, START - SEC / 50);
    call_sts(&(struct call){WEB_SIDECAR, 70, {459, 1330}, 2100});
    assert_last("\"mechanism\":\"irsa\"");
    assert_last("\"token_open_of_pod\"");
    assert_lines(1);
}

static void call_imds(uint64_t cgroup_id, uint64_t listener, uint16_t port)
{
    struct cs_connection connection = {
        .cgroup_id = cgroup_id,
        .tgid = 7,
        .kind = CS_WATCH_PLAIN,
        .family = 4,
        .daddr = {[10] = 0xff, 0xff, 169, 254, 169, 254},
        .dport = 80,
        .connect_ns = START,
        .intercept_place = listener ? CS_INTERCEPT_NODE : 0,
        .intercept_port = port,
        .intercept_cgroup_id = listener,
    };
    struct cs_exchange exchange = {
        .connection = &connection,
        .start_ns = START,
        .answer_ns = START + 1,
        .end_ns = START + 1,
        .outcome = CS_OUTCOME_OK,
        .observed = true,
        .status = 200,
        .request_flags = CS_REQUEST_METADATA,
        .response_length = 1800,
        .method = "GET",
        .path = "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=x"};

    cs_pipeline_exchange(&exchange, pipeline);
}

static void knows_who_listens(void **state)
{
    (void)state;
    pod_arrives(uids[PLAIN], "plain", "");
    call_imds(PLAIN, NMI, 9999);
    assert_last("\"mechanism\":\"intercepted\"");
    pod_arrives(uids[NMI], "nmi-x", "\"image\":\"registry.example/aad-pod-identity/nmi:v1.8.17\"");
    call_imds(PLAIN, NMI, 9999);
    assert_last("\"mechanism\":\"azure-imds\""); /* no binding is declared */
    assert_last("\"listener_pod\"");
    assert_last("\"not_declared\"");
}

static void bound_pod_arrives(const char *uid, bool host_network)
{
    char pod[1024];
    int len = snprintf(pod, sizeof(pod),
                       "{\"metadata\":{\"uid\":\"%s\",\"name\":\"b\",\"namespace\":\"shop\","
                       "\"labels\":{\"aadpodidbinding\":\"b\"}},\"spec\":{\"nodeName\":\"node\","
                       "\"hostNetwork\":%s,\"containers\":[{\"name\":\"app\"}]},"
                       "\"status\":{\"phase\":\"Running\"}}",
                       uid, host_network ? "true" : "false");
    const struct cs_kube_event event = {.kind = CS_KUBE_POD, .pod = {pod, (size_t)len}};

    cs_pod_index_event(pipeline->pods.index, &event, START);
}

/* NMI answers this node's pods: that it didn't answer one that is bound to it was hardly so. */
static void doubts_an_interception_that_was_missed(void **state)
{
    (void)state;
    bound_pod_arrives(uids[WEB], false);
    call_imds(WEB, 0, 0);
    assert_last("\"confidence\":\"medium\"");
    pod_arrives(uids[PLAIN], "plain", "");
    call_imds(PLAIN, NMI, 2579);
    call_imds(WEB, 0, 0);
    assert_last("\"mechanism\":\"azure-imds\"");
    assert_last("\"confidence\":\"low\"");
    call_imds(PLAIN, 0, 0);
    assert_last("\"confidence\":\"medium\"");
    bound_pod_arrives(uids[PLAIN], true);
    call_imds(PLAIN, 0, 0);
    assert_last("\"confidence\":\"medium\"");
}

/* Where the sockets' owner is a node's proxy, the caller is unknown: never the proxy. */
static void leaves_a_proxied_call_to_nobody(void **state)
{
    (void)state;
    pod_arrives(uids[NMI], "ztunnel-x", "\"image\":\"docker.io/istio/ztunnel:1.24\"");
    call_sts(&(struct call){NMI, 7, {459, 1330}, 2100});
    assert_last("\"proxied\"");
    check_last("ztunnel", false);
    check_last("\"namespace\"", false);
    assert_int_equal(pipeline->stats.attributions[CS_ATTRIBUTION_PROXIED], 1);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(tells_processes_apart),
        TEST(follows_the_token_to_another_process),
        TEST(gives_the_open_to_the_call_that_began_first),
        TEST(asks_the_spec_when_it_is_known),
        TEST(keeps_evidence_while_it_waits),
        TEST(joins_the_evidence_of_a_pod),
        TEST(knows_who_listens),
        TEST(doubts_an_interception_that_was_missed),
        TEST(leaves_a_proxied_call_to_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
