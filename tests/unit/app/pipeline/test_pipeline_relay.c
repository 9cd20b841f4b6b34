/* SPDX-License-Identifier: Apache-2.0 */
/* Meshes: what is seen on an application's connection and again on its proxy's counts once, as the
 * application's; what is seen on a proxy's alone counts, and is nobody's where it is a node's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../core/facts/facts.h"
#include "app/pipeline/pipeline.h"
#include "app/serve/api_exchanges.h"
#include "base/util.h"

#define START (UINT64_C(100) * 1000 * MS)

/* Who connects, by the letter before a fact's ':'. Several share a pod, or its name. */
static const struct actor {
    char letter;
    uint64_t cgroup_id;
    const char *pod_uid;
    const char *name, *container;
} actors[] = {
    {'a', 10, "11111111-2222-3333-4444-555555555555", "web", "app"},
    {'s', 11, "11111111-2222-3333-4444-555555555555", NULL, "istio-proxy"},
    {'o', 12, "21111111-2222-3333-4444-555555555555", "other", "app"},
    {'z', 13, "31111111-2222-3333-4444-555555555555", "ztunnel-x", "istio-proxy"},
    {'u', 14, "41111111-2222-3333-4444-555555555555", NULL, "istio-proxy"}, /* unknown */
    {'g', 15, "51111111-2222-3333-4444-555555555555", "egress-x", "istio-proxy"},
    {'m', 16, "61111111-2222-3333-4444-555555555555", "migrating", "azwi-proxy"},
    {'w', 17, "61111111-2222-3333-4444-555555555555", NULL, "app"},
};

static struct cs_watchlist watchlist;

static void pod_arrives(struct cs_pipeline *pipeline, const struct actor *actor)
{
    char pod[1024];
    int len = snprintf(pod, sizeof(pod),
                       "{\"metadata\":{\"uid\":\"%s\",\"name\":\"%s\",\"namespace\":\"shop\"},"
                       "\"spec\":{\"nodeName\":\"node\",\"serviceAccountName\":\"web\","
                       "\"containers\":[{\"name\":\"%s\",\"image\":\"istio/%s:1\"}]},"
                       "\"status\":{\"phase\":\"Running\"}}",
                       actor->pod_uid, actor->name, actor->container,
                       actor->letter == 'z'   ? "ztunnel"
                       : actor->letter == 'g' ? "proxyv2"
                                              : "app");
    const struct cs_kube_event event = {.kind = CS_KUBE_POD, .pod = {pod, (size_t)len}};

    cs_pod_index_event(pipeline->pods.index, &event, START);
}

static struct cs_pipeline *pipeline_new(void)
{
    const struct cs_pipeline_options options = {
        .watchlist = &watchlist,
        .context = {.node = "node", .run_id = "0123"},
        .node_name = "node",
        .cloud = "aws",
        .told = true,
    };
    struct cs_pipeline *pipeline = calloc(1, sizeof(*pipeline));

    assert_non_null(pipeline);
    cs_watchlist_init(&watchlist);
    assert_int_equal(cs_pipeline_make(pipeline, &options), 0);
    for (size_t i = 0; i < CS_ARRAY_SIZE(actors); i++) {
        char path[160];
        int len = snprintf(path, sizeof(path), "/kubepods/burstable/pod%s/%064x", actors[i].pod_uid,
                           (unsigned int)actors[i].cgroup_id);

        assert_int_equal(cs_container_table_add(pipeline->containers, actors[i].cgroup_id,
                                                (struct cs_slice){path, (size_t)len}, false, 1),
                         0);
        if (actors[i].name)
            pod_arrives(pipeline, &actors[i]);
    }
    return pipeline;
}

static size_t actor_of(char letter)
{
    for (size_t i = 0; i < CS_ARRAY_SIZE(actors); i++) {
        if (actors[i].letter == letter)
            return i;
    }
    fail_msg("no actor %c", letter);
    return 0;
}

/* Words of facts.h behind an actor's letter and, for a second connection, a digit: "a:", "a2:". */
static void play(struct cs_pipeline *pipeline, const char *text)
{
    uint32_t seq[CS_ARRAY_SIZE(actors)][10] = {{0}};
    uint64_t now_ns = START;
    char word[200];
    int used;

    for (; sscanf(text, "%199s%n", word, &used) == 1; text += used) {
        size_t actor = actor_of(word[0]);
        unsigned int number = word[1] == ':' ? 1 : (unsigned int)(word[1] - '0');
        union raw_fact raw = {.bytes = {0}};

        now_ns += MS;
        raw.header.time_ns = now_ns;
        raw.header.cookie = (uint64_t)word[0] * 10 + number;
        raw.header.seq = seq[actor][number]++;
        raw_fact_of(&raw, strchr(word, ':') + 1);
        if (raw.header.type == CS_FACT_CONNECT) {
            raw.connect.cgroup_id = actors[actor].cgroup_id;
            raw.connect.tgid = (__u32)actor + 100;
        }
        cs_pipeline_fact(pipeline, raw.bytes, raw.header.size, now_ns);
    }
}

#define TAKEN(x) x ":connect.tls " x ":icept.pod:15001 " x ":est:2 " x ":hello "
#define HELLO(x) x ":connect.tls " x ":est:2 " x ":hello "
#define CALL(x)  x ":shello13 " x ":>53 " x ":>708 " x ":>60 " x ":<650 "
#define GET(x)   x ":req:GET,/latest/meta-data/iam/security-credentials/r "
#define END(x)   x ":close.local "
#define BEGIN(x) x ":connect " x ":est:2 "
#define OPEN(x)  x ":connect " x ":icept.pod:15001 " x ":est:2 "

static const struct {
    const char *name;
    const char *script;
    unsigned int lines, relayed;
    const char *last; /* in the last line; NULL nothing */
    const char *not_in_it;
} rows[] = {
    {"a sidecar", TAKEN("a") HELLO("s") CALL("s") CALL("a") END("a") END("s"), 1, 1,
     "\"container\":\"app\"", "intercepted_by"},
    {"… whose end comes first", TAKEN("a") HELLO("s") CALL("s") END("s") CALL("a") END("a"), 1, 1,
     "\"via\":\"[::1]:15001\"", NULL},
    {"two calls on it",
     TAKEN("a") HELLO("s") CALL("s") CALL("a") "s:>708 s:>60 s:<650 a:>708 "
                                               "a:>60 a:<650 " END("s") END("a"),
     2, 2, "\"exchange\":1", NULL},
    {"a sidecar's own, before any other", HELLO("s") CALL("s") END("s"), 1, 0, "\"pod\":\"web\"",
     "proxied"},
    {"a sidecar's own, after another",
     TAKEN("a") HELLO("s") CALL("s") CALL("a") HELLO("s2") CALL("s2") END("s2"), 1, 0,
     "\"pod\":\"web\"", "via"},
    {"another pod's, while one waits",
     TAKEN("a") "o:connect.tls o:est:9 o:hello " CALL("o") END("o"), 1, 0, "\"pod\":\"other\"",
     NULL},
    {"the application's own second",
     TAKEN("a") TAKEN("a2") HELLO("s") CALL("s") CALL("a") CALL("a2") END("a2") END("a") END("s"),
     2, 1, "\"pod\":\"web\"", NULL},

    {"in clear", OPEN("a") GET("a") BEGIN("s") GET("s") "s:resp:200 a:resp:200", 1, 1,
     "\"outcome\":\"ok\"", "intercepted"},
    {"in clear, connected before", OPEN("a") BEGIN("s") GET("a") GET("s") "s:resp:200 a:resp:200",
     1, 1, "\"via\"", NULL},
    {"the migration sidecar asks anew",
     OPEN("w") GET("w") BEGIN("m") GET("m") "m:resp:200 w:resp:200", 1, 1,
     "\"intercepted_by\":\"[::1]:15001\"", "via"},
    {"another container that is redirected too",
     OPEN("a") GET("a") OPEN("s") GET("s") "a:resp:200 s:resp:200", 2, 0, "intercepted_by", NULL},
    {"refused to the sidecar", OPEN("a") GET("a") "s:connect s:failed.refused a:close.rst", 1, 1,
     "\"outcome\":\"reset\"", NULL},
    {"refused to it, in TLS", TAKEN("a") "s:connect.tls s:failed.refused a:close.rst", 1, 1,
     "\"outcome\":\"reset\"", NULL},
    {"given up by both", TAKEN("a") "s:connect.tls a:close.local s:failed.givenup", 1, 1,
     "\"outcome\":\"abandoned\"", NULL},

    {"given up by both, in clear", OPEN("a") GET("a") "s:connect a:close.local s:failed.givenup", 1,
     1, "abandoned", NULL},
    {"… of two at once",
     OPEN("a") GET("a") "s:connect z:connect z:failed.refused a:close.local "
                        "s:failed.givenup",
     1, 2, "abandoned", NULL},
    {"a node's proxy in the pod's namespace",
     TAKEN("a") HELLO("z") CALL("z") CALL("a") END("a") END("z"), 1, 1, "\"pod\":\"web\"",
     "proxied"},
    {"… of an unknown name", TAKEN("a") HELLO("u") CALL("u") CALL("a") END("a") END("u"), 1, 1,
     "\"pod\":\"web\"", "proxied"},
    {"… in clear", OPEN("a") GET("a") BEGIN("u") GET("u") "u:resp:200 a:resp:200", 1, 1,
     "\"pod\":\"web\"", NULL},
    {"a node's proxy elsewhere", HELLO("a") HELLO("z") CALL("z") CALL("a") END("a") END("z"), 1, 1,
     "\"pod\":\"web\"", "proxied"},
    {"a node's proxy, for nobody seen", HELLO("z") CALL("z") END("z"), 1, 0, "\"proxied\"",
     "ztunnel"},
    {"a gateway, for nobody seen", HELLO("g") CALL("g") END("g"), 1, 0, "\"proxied\"", "egress"},
    {"a gateway's own", BEGIN("g") GET("g") "g:resp:200 ", 1, 0, "\"pod\":\"egress-x\"", NULL},
    {"a node's proxy, for nobody seen, while others wait",
     TAKEN("a") "z:connect.tls z:est:9 z:hello " CALL("z") END("z"), 1, 0, "\"proxied\"", NULL},
    {"… in clear", OPEN("a") GET("a") "z:connect z:est:9 " GET("z") "z:resp:200", 1, 0,
     "\"proxied\"", NULL},
    {"an unknown one elsewhere", HELLO("a") HELLO("u") CALL("u") END("u"), 0, 0, NULL, NULL},
    {"a node's proxy is refused", TAKEN("a") "z:connect.tls z:failed.refused a:close.rst", 1, 1,
     "\"pod\":\"web\"", NULL},
};

/* The exchanges' lines, oldest first; the last one. */
static const char *read_lines(struct cs_pipeline *pipeline, struct cs_buffer *buffer,
                              unsigned int *count)
{
    const char *last = NULL;

    cs_buffer_init(buffer, 1 << 20);
    cs_api_exchanges_write(pipeline->recent, 0, true, 100, buffer);
    cs_buffer_add(buffer, "", 1);
    *count = 0;
    for (const char *at = buffer->data; (at = strstr(at, "\"kind\":\"exchange\"")); at++) {
        last = at;
        (*count)++;
    }
    return last;
}

static void test_rows(void **state)
{
    unsigned int failed = 0;

    (void)state;
    for (size_t i = 0; i < CS_ARRAY_SIZE(rows); i++) {
        struct cs_pipeline *pipeline = pipeline_new();
        struct cs_buffer buffer;
        unsigned int lines;
        const char *last;

        play(pipeline, rows[i].script);
        last = read_lines(pipeline, &buffer, &lines);
        if (lines != rows[i].lines || pipeline->stats.relayed != rows[i].relayed ||
            (rows[i].last && (!last || !strstr(last, rows[i].last))) ||
            (rows[i].not_in_it && last && strstr(last, rows[i].not_in_it))) {
            print_error("%s: %u lines, %u relayed: %s\n", rows[i].name, lines,
                        (unsigned int)pipeline->stats.relayed, last ? last : "");
            failed++;
        }
        cs_buffer_free(&buffer);
        cs_pipeline_free(pipeline);
        free(pipeline);
    }
    assert_int_equal(failed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
