/* SPDX-License-Identifier: Apache-2.0 */
/* Plays what a node's containers do into the findings, second by second, and says what is open. */
#ifndef TESTS_UNIT_CORE_FINDINGS_SUPPORT_H
#define TESTS_UNIT_CORE_FINDINGS_SUPPORT_H

#include "core/findings/findings.h"

#include "../pods/pod_samples.h"
#include "base/util.h"
#include "core/classify/watchlist.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define SECOND CS_NSEC_PER_SEC
#define MINUTE 60
#define HOUR   3600

enum who { WEB, SIDECAR, OTHER, HOST, WHO_END }; /* the first two are one pod's */

enum what {
    NOTHING_HAPPENS,
    EXCHANGE,
    HANGS,
    READS_TOKEN,
    ENDS,
    POD_ENDS,
    SPEC_COMES,
    FACTS_ARE_LOST
};

/* One thing that happens. Times in seconds. */
struct act {
    enum what what;
    enum cs_mechanism mechanism;
    enum cs_endpoint endpoint;
    enum cs_outcome outcome;
    uint16_t status;
    enum cs_confidence confidence;
    bool delivered, probe, first_failed, connect_failed, upstream, proxied, gap;
    const char *method, *path, *user_agent, *server_name;
    uint16_t flags;
    uint8_t intercepted; /* enum cs_intercept_place */
    bool ipv6;
    unsigned int took; /* seconds it lasted, or has lasted */
    unsigned int late; /* seconds after its end it is told */
    uint32_t answer;   /* bytes of a TLS answer */
};

struct step {
    unsigned int at;
    enum who who;
    struct act act;
    const char *open; /* what must be open then, in the table's order, joined by blanks */
};

/* What the pods are. */
struct scene {
    uint16_t declared;
    const char *namespace;
    bool spec_late; /* unknown until SPEC_COMES */
    bool host_network, proxy;
    const char *expect;
    int64_t wall_s; /* CLOCK_REALTIME at second 0 */
    const char *cloud;
};

struct scenario {
    const char *name;
    struct scene scene;
    struct step steps[8];
};

struct play {
    struct cs_findings *findings;
    struct cs_labels *labels;
    struct cs_expect *expect;
    struct cs_watchlist watchlist;
    struct scene scene;
    bool spec_known;
    bool pod_gone; /* that of the first two */
    uint64_t now_s;
    unsigned int opened, closed, gauges, sdks;
    char log[4096]; /* gauge changes */
};

static inline void on_changed(void *user, const struct cs_finding_view *view, bool open)
{
    struct play *play = user;

    assert_true(view->explanation[0] != '\0');
    assert_null(strchr(view->explanation, '{'));
    play->opened += open;
    play->closed += !open;
}

static inline void on_gauge(void *user, const struct cs_workload *workload, enum cs_finding finding,
                            bool expected, bool open)
{
    struct play *play = user;
    size_t at = strlen(play->log);

    if (open)
        play->gauges++;
    else
        play->gauges--;
    snprintf(play->log + at, sizeof(play->log) - at, "%s%s%s:%s%s", at ? " " : "", open ? "+" : "-",
             workload->workload, cs_finding_info(finding)->name, expected ? "!" : "");
}

static inline void on_sdk(void *user, const struct cs_subject *subject, const struct cs_sdk *sdk)
{
    struct play *play = user;

    (void)subject;
    (void)sdk;
    play->sdks++;
}

static inline void subject_of(const struct play *play, enum who who, struct cs_subject *subject)
{
    static const char *const IDS[] = {[WEB] = ID_A, [SIDECAR] = ID_B, [OTHER] = ID_C};

    *subject = (struct cs_subject){.attribution = CS_ATTRIBUTION_POD,
                                   .workload = {"shop", "payer", "Deployment", "web"}};
    if (who == HOST) {
        subject->attribution = CS_ATTRIBUTION_HOST;
        subject->workload = (struct cs_workload){"~host", "~host", "SystemdUnit", "agent.service"};
        return;
    }
    strcpy(subject->container_id, IDS[who]);
    strcpy(subject->pod_uid, who == OTHER ? UID_B : UID_A);
    strcpy(subject->container, who == SIDECAR ? "proxy" : "main");
    if (who == OTHER)
        strcpy(subject->workload.workload, "other");
    if (play->scene.namespace)
        strcpy(subject->workload.namespace, play->scene.namespace);
    subject->host_network = play->scene.host_network;
}

static inline struct cs_pod_facts facts_of(const struct play *play)
{
    if (!play->spec_known)
        return (struct cs_pod_facts){0};
    return (struct cs_pod_facts){.known = true,
                                 .of_container = true,
                                 .running = true,
                                 .declared = play->scene.declared,
                                 .proxy = play->scene.proxy};
}

static inline int name_again(void *user, struct cs_subject *subject, struct cs_pod_facts *facts)
{
    struct play *play = user;

    *facts = facts_of(play);
    if (!play->spec_known)
        return -1;
    subject_of(play, strcmp(subject->pod_uid, UID_B) == 0 ? OTHER : WEB, subject);
    return 0;
}

static inline bool is_gone(void *user, const char *pod_uid)
{
    const struct play *play = user;

    return play->pod_gone && strcmp(pod_uid, UID_A) == 0;
}

static inline void play_begin(struct play *play, const struct scene *scene)
{
    struct cs_findings_options options = {
        .sink = {on_changed, on_gauge, on_sdk, play},
        .watchlist = &play->watchlist,
        .cloud = scene->cloud ? scene->cloud : "aws",
        .node = "node-1",
        .name = name_again,
        .gone = is_gone,
        .name_user = play,
    };
    char error[CS_EXPECT_ERROR_MAX];

    memset(play, 0, sizeof(*play));
    play->scene = *scene;
    play->spec_known = !scene->spec_late;
    cs_watchlist_init(&play->watchlist);
    assert_int_equal(cs_labels_new(&play->labels), 0);
    assert_int_equal(cs_expect_new(&play->expect), 0);
    if (scene->expect)
        assert_int_equal(cs_expect_parse(play->expect, scene->expect, strlen(scene->expect), error),
                         0);
    options.expect = play->expect;
    assert_int_equal(cs_findings_new(&options, play->labels, &play->findings), 0);
    cs_findings_set_wall_offset(play->findings, scene->wall_s * (int64_t)SECOND);
}

static inline void play_end(struct play *play)
{
    cs_findings_free(&play->findings);
    cs_expect_free(&play->expect);
    assert_int_equal(cs_labels_count(play->labels), 0);
    cs_labels_free(play->labels);
}

/* Let the seconds pass; where they are many, half a minute at a time. */
static inline void play_until(struct play *play, uint64_t at_s)
{
    while (play->now_s < at_s) {
        play->now_s += at_s - play->now_s > 120 ? 30 : 1;
        cs_findings_tick(play->findings, play->now_s * SECOND);
    }
}

static inline void play_exchange(struct play *play, enum who who, const struct act *act)
{
    struct cs_connection connection = {
        .family = act->ipv6 ? 6 : 4, .cgroup_id = 100 + who, .intercept_place = act->intercepted};
    struct cs_exchange exchange = {.connection = &connection,
                                   .start_ns = (play->now_s - act->late - act->took) * SECOND,
                                   .end_ns =
                                       act->what == HANGS ? 0 : (play->now_s - act->late) * SECOND,
                                   .observed = !act->gap,
                                   .outcome = act->outcome,
                                   .connect_failed = act->connect_failed,
                                   .status = act->status,
                                   .request_flags = act->flags,
                                   .response_records = {1, {0}, act->answer}};
    const struct cs_verdict verdict = {.mechanism = act->mechanism,
                                       .endpoint = act->endpoint,
                                       .outcome = act->outcome,
                                       .confidence = act->confidence,
                                       .delivered = act->delivered,
                                       .probe = act->probe,
                                       .upstream = act->upstream,
                                       .proxied = act->proxied};
    const struct cs_usage_first first = {.attempt = act->first_failed};
    struct cs_pod_facts facts = facts_of(play);
    struct cs_subject subject;
    const struct cs_findings_input input = {&exchange, &verdict, &subject, &facts, &first, false};

    subject_of(play, who, &subject);
    if (act->status != 0 || act->answer != 0)
        exchange.answer_ns = exchange.end_ns;
    snprintf(exchange.method, sizeof(exchange.method), "%s", act->method ? act->method : "GET");
    snprintf(exchange.path, sizeof(exchange.path), "%s", act->path ? act->path : "");
    snprintf(exchange.user_agent, sizeof(exchange.user_agent), "%s",
             act->user_agent ? act->user_agent : "");
    snprintf(connection.server_name, sizeof(connection.server_name), "%s",
             act->server_name ? act->server_name : "");
    if (act->what == HANGS)
        cs_findings_in_flight(play->findings, &input, play->now_s * SECOND);
    else
        cs_findings_exchange(play->findings, &input, play->now_s * SECOND);
}

static inline void play_act(struct play *play, enum who who, const struct act *act)
{
    struct cs_pod_facts facts = facts_of(play);
    struct cs_subject subject;

    subject_of(play, who, &subject);
    switch (act->what) {
    case EXCHANGE:
    case HANGS:
        play_exchange(play, who, act);
        break;
    case READS_TOKEN:
        cs_findings_token_open(play->findings, &subject, &facts, act->mechanism,
                               play->now_s * SECOND);
        break;
    case ENDS:
        cs_findings_container_ended(play->findings, subject.container_id, play->now_s * SECOND);
        break;
    case POD_ENDS:
        play->pod_gone = true;
        break;
    case SPEC_COMES:
        play->spec_known = true;
        break;
    case FACTS_ARE_LOST:
        cs_findings_facts_lost(play->findings, play->now_s * SECOND);
        break;
    default:
        break;
    }
}

static inline int collect(void *user, const struct cs_finding_view *view)
{
    bool *open = user;

    open[view->finding] = true;
    return 0;
}

static inline void open_now(const struct play *play, char *to, size_t size)
{
    bool open[CS_FINDING_END] = {0};
    size_t at = 0;

    to[0] = '\0';
    cs_findings_each(play->findings, collect, open);
    for (enum cs_finding i = 0; i < CS_FINDING_END; i++)
        if (open[i])
            at += (size_t)snprintf(to + at, size - at, "%s%s", at ? " " : "",
                                   cs_finding_info(i)->name);
}

/* Plays the steps and checks after each; false: one differed (printed). */
static inline bool play_steps(struct play *play, const char *name, const struct step *steps,
                              size_t count)
{
    bool right = true;

    for (size_t i = 0; i < count && steps[i].open; i++) {
        char open[512];

        play_until(play, steps[i].at);
        play_act(play, steps[i].who, &steps[i].act);
        open_now(play, open, sizeof(open));
        if (strcmp(open, steps[i].open) != 0) {
            print_error("%s, second %u: open are \"%s\", not \"%s\"\n", name, steps[i].at, open,
                        steps[i].open);
            right = false;
        }
    }
    return right;
}

static inline void play_scenarios(const struct scenario *scenarios, size_t count)
{
    bool right = true;

    for (size_t i = 0; i < count; i++) {
        const struct scenario *scenario = &scenarios[i];
        struct play play;

        play_begin(&play, &scenario->scene);
        right =
            play_steps(&play, scenario->name, scenario->steps, CS_ARRAY_SIZE(scenario->steps)) &&
            right;
        play_end(&play);
    }
    assert_true(right);
}

/* ---- what SDKs and agents do ---- */
/* clang-format off */
#define AT_AGENT \
    EXCHANGE, .mechanism = CS_MECHANISM_EKS_POD_IDENTITY, .path = "/v1/credentials", \
    .endpoint = CS_ENDPOINT_POD_IDENTITY_AGENT, .confidence = CS_CONFIDENCE_HIGH
#define AT_IMDS(m, p) \
    EXCHANGE, .mechanism = CS_MECHANISM_##m, .endpoint = CS_ENDPOINT_IMDS, .path = p, \
    .confidence = CS_CONFIDENCE_HIGH
#define AT_STS(m)          EXCHANGE, .mechanism = CS_MECHANISM_##m, .endpoint = CS_ENDPOINT_STS
#define CREDENTIALS        .status = 200, .outcome = CS_OUTCOME_OK, .delivered = true
#define ROLE               "/latest/meta-data/iam/security-credentials/node-role"
#define TOKEN_URL          "/metadata/identity/oauth2/token?resource=https%3A%2F%2Fvault.azure.net"
#define STATUS(code, name) .status = code, .outcome = CS_OUTCOME_##name
#define SILENT(name)       .outcome = CS_OUTCOME_##name

#define PIA_OK      {AT_AGENT, CREDENTIALS}
#define PIA_404     {AT_AGENT, STATUS(404, NOT_FOUND)}
#define PIA_REFUSED {AT_AGENT, SILENT(REFUSED), .connect_failed = true}
#define IRSA_OK \
    {AT_STS(IRSA), SILENT(OK_INFERRED), .delivered = true, .confidence = CS_CONFIDENCE_HIGH, \
     .answer = 1800, .server_name = "sts.eu-west-1.amazonaws.com"}
#define IMDS_OK {AT_IMDS(IMDSV2, ROLE), CREDENTIALS, .flags = CS_REQUEST_IMDS_TOKEN}
#define PUT_LOST \
    {AT_IMDS(METADATA, "/latest/api/token"), SILENT(ABANDONED), .method = "PUT", .took = 1}
#define NMI_OK \
    {AT_IMDS(AAD_POD_IDENTITY, TOKEN_URL), CREDENTIALS, .intercepted = CS_INTERCEPT_NODE}
#define READS(m) {.what = READS_TOKEN, .mechanism = CS_MECHANISM_##m}
#define NOTHING  {.what = NOTHING_HAPPENS}
#define THE_END  {.what = ENDS}
#define SPEC     {.what = SPEC_COMES}
/* clang-format on */

#endif
