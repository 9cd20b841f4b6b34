/* SPDX-License-Identifier: Apache-2.0 */
/* No flapping, aggregates by workload, expectations, and bounds. */
#include "findings_support.h"

#define D(flag) CS_DECLARED_BIT(flag)

/* What comes back again and again is opened once. */
static const struct {
    const char *name;
    struct scene scene;
    struct act act;
    unsigned int every, times;
} recurring[] = {
    {"irsa renewed every hour", {.declared = D(IRSA)}, IRSA_OK, HOUR, 30},
    {"the node's identity every six", {0}, IMDS_OK, 6 * HOUR, 8},
    {"a role chain every hour",
     {.declared = D(IRSA)},
     {AT_STS(STS), SILENT(ANSWERED), .answer = 700, .server_name = "sts.amazonaws.com"},
     HOUR,
     30},
    {"metadata without a token every 40 minutes",
     {0},
     {AT_IMDS(METADATA, "/latest/meta-data/tags"), STATUS(200, OK)},
     2400,
     30},
    {"throttled every ten minutes", {0}, {AT_AGENT, STATUS(429, THROTTLED)}, 600, 30},
    {"404 every minute", {0}, PIA_404, 61, 60},
    {"the agent down, tried every half hour", {0}, PIA_REFUSED, 1800, 20},
};

static void flaps_not(void **state)
{
    (void)state;
    for (size_t i = 0; i < CS_ARRAY_SIZE(recurring); i++) {
        struct play play;
        char open[256];
        unsigned int allowed = strcmp(recurring[i].name, "404 every minute") == 0 ? 2 : 1;

        play_begin(&play, &recurring[i].scene);
        for (unsigned int k = 1; k <= recurring[i].times; k++) {
            play_until(&play, k * recurring[i].every);
            play_act(&play, WEB, &recurring[i].act);
        }
        open_now(&play, open, sizeof(open));
        if (open[0] == '\0' || play.opened != allowed || play.closed != allowed - 1)
            fail_msg("%s: %u opened, %u closed, open \"%s\"", recurring[i].name, play.opened,
                     play.closed, open);
        play_end(&play);
    }
}

static void play_one(struct play *play, unsigned int at, enum who who, struct act act)
{
    play_until(play, at);
    play_act(play, who, &act);
}

/* The gauge of a workload is 1 while any of its containers has it. */
static void aggregates(void **state)
{
    const struct scene scene = {.declared = D(IRSA)};
    struct play play;

    (void)state;
    play_begin(&play, &scene);
    play_one(&play, 10, WEB, (struct act)IRSA_OK);
    play_one(&play, 11, SIDECAR, (struct act)IRSA_OK);
    play_one(&play, 12, OTHER, (struct act)IRSA_OK);
    assert_string_equal(play.log, "+web:retiring-mechanism +other:retiring-mechanism");
    play_one(&play, 20, WEB, (struct act)THE_END);
    play_until(&play, 2 * HOUR);
    assert_int_equal(play.closed, 1);
    assert_int_equal(play.gauges, 2);
    play_one(&play, 2 * HOUR, SIDECAR, (struct act)THE_END);
    play_until(&play, 4 * HOUR);
    assert_string_equal(play.log, "+web:retiring-mechanism +other:retiring-mechanism "
                                  "-web:retiring-mechanism");
    play_end(&play);
}

static void regauges(void **state)
{
    const struct scene scene = {.declared = D(IRSA)};
    struct play play;

    (void)state;
    play_begin(&play, &scene);
    play_one(&play, 10, WEB, (struct act)IRSA_OK);
    play.log[0] = '\0';
    cs_findings_regauge(play.findings);
    assert_string_equal(play.log, "+web:retiring-mechanism");
    play_end(&play);
}

/* A pod whose name comes late: the gauge moves to it. */
static void moves_with_the_name(void **state)
{
    const struct scene scene = {
        .declared = D(IRSA), .spec_late = true, .expect = "shop/payer irsa - as agreed"};
    struct cs_connection connection = {.family = 4};
    struct cs_exchange exchange = {
        .connection = &connection, .end_ns = SECOND, .answer_ns = SECOND, .observed = true};
    const struct cs_verdict verdict = {.mechanism = CS_MECHANISM_IRSA,
                                       .endpoint = CS_ENDPOINT_STS,
                                       .confidence = CS_CONFIDENCE_HIGH,
                                       .outcome = CS_OUTCOME_OK_INFERRED,
                                       .delivered = true};
    struct cs_subject subject;
    const struct cs_findings_input input = {&exchange, &verdict, &subject, NULL, NULL, false};
    struct play play;

    (void)state;
    play_begin(&play, &scene);
    subject_of(&play, WEB, &subject);
    subject.attribution = CS_ATTRIBUTION_POD_UID;
    subject.workload = (struct cs_workload){"~unknown", "~unknown", "Pod", UID_A};
    cs_findings_exchange(play.findings, &input, SECOND);
    assert_string_equal(play.log, "+" UID_A ":retiring-mechanism");
    play_until(&play, 5);
    play_one(&play, 5, WEB, (struct act)SPEC);
    play_until(&play, 7);
    assert_string_equal(play.log, "+" UID_A ":retiring-mechanism +web:retiring-mechanism! -" UID_A
                                  ":retiring-mechanism");
    play_end(&play);
}

/* 2026-11-21T00:00:00Z is 1795219200. */
static void expects(void **state)
{
    const struct scene scene = {
        .declared = D(IRSA),
        .wall_s = 1795219200,
        .expect = "shop/payer irsa 2026-11-21 waits for SDK 2\nshop/other irsa - not this one\n"};
    struct play play;

    (void)state;
    play_begin(&play, &scene);
    play_one(&play, 10, WEB, (struct act)IRSA_OK);
    assert_string_equal(play.log, "+web:retiring-mechanism!");
    play_one(&play, 11 * HOUR, WEB, (struct act)IRSA_OK);
    play_one(&play, 22 * HOUR, WEB, (struct act)IRSA_OK);
    assert_string_equal(play.log, "+web:retiring-mechanism!");
    play_until(&play, 24 * HOUR + 91);
    assert_string_equal(play.log, "+web:retiring-mechanism! +web:retiring-mechanism "
                                  "-web:retiring-mechanism!");
    assert_int_equal(play.opened, 1);
    play_end(&play);
}

/* Another mechanism of the same account is not what was expected. */
static void expects_that_alone(void **state)
{
    const struct scene scene = {.declared = D(IRSA), .expect = "shop/payer irsa - all right\n"};
    struct play play;

    (void)state;
    play_begin(&play, &scene);
    play_one(&play, 10, WEB, (struct act)IRSA_OK);
    play_one(&play, 11, WEB, (struct act)IMDS_OK);
    assert_string_equal(play.log, "+web:retiring-mechanism! +web:node-identity-fallback");
    play_end(&play);
}

static void is_bounded(void **state)
{
    struct cs_findings_options options = {
        .sink = {on_changed, on_gauge, on_sdk, NULL}, .containers_max = 10, .cloud = "aws"};
    struct cs_connection connection = {.family = 4};
    struct cs_exchange exchange = {
        .connection = &connection, .end_ns = SECOND, .answer_ns = SECOND, .observed = true};
    struct cs_verdict verdict = {.mechanism = CS_MECHANISM_IRSA,
                                 .endpoint = CS_ENDPOINT_STS,
                                 .confidence = CS_CONFIDENCE_HIGH,
                                 .delivered = true};
    struct cs_subject subject;
    const struct cs_findings_input input = {&exchange, &verdict, &subject, NULL, NULL, false};
    struct cs_findings_stats stats;
    struct play play;

    (void)state;
    play_begin(&play, &(struct scene){0});
    cs_findings_free(&play.findings);
    options.watchlist = &play.watchlist;
    options.sink.user = &play;
    assert_int_equal(cs_findings_new(&options, play.labels, &play.findings), 0);
    subject_of(&play, WEB, &subject);
    for (unsigned int i = 0; i < 30; i++) {
        snprintf(subject.container_id, sizeof(subject.container_id), "%064x", i);
        /* The first ten show nothing and may go, the next ten have a finding and stay. */
        verdict.delivered = i >= 10;
        cs_findings_exchange(play.findings, &input, SECOND);
    }
    cs_findings_stats(play.findings, &stats);
    assert_int_equal(stats.containers, 10);
    assert_int_equal(stats.evicted, 10);
    assert_int_equal(stats.refused, 10);
    assert_int_equal(stats.open, 10);
    play_end(&play);
}

static void bounds_associations(void **state)
{
    struct cs_findings_stats stats;
    struct play play;
    static char namespaces[600][16];

    (void)state;
    play_begin(&play, &(struct scene){0});
    for (unsigned int i = 0; i < 600; i++) {
        snprintf(namespaces[i], sizeof(namespaces[i]), "ns-%u", i);
        play.scene.namespace = namespaces[i];
        play_act(&play, WEB, &(struct act)PIA_404);
    }
    cs_findings_stats(play.findings, &stats);
    assert_int_equal(stats.associations, 512);
    assert_int_equal(stats.refused, 2 * 88); /* two rules ask for each */
    play_until(&play, 2 * HOUR);
    cs_findings_stats(play.findings, &stats);
    assert_int_equal(stats.associations, 0);
    assert_int_equal(stats.open, 0);
    play_end(&play);
}

/* Whatever comes in whatever order: who never got credentials through a retiring mechanism is not
 * said to, and who did is. The sequence is xorshift's, the same each time. */
static void never_says_retiring_in_vain(void **state)
{
    static const struct act ACTS[] = {
        PIA_OK,
        PIA_404,
        PIA_REFUSED,
        IMDS_OK,
        PUT_LOST,
        {AT_AGENT, STATUS(500, SERVER_ERROR)},
        {AT_STS(STS), SILENT(ANSWERED), .answer = 1700, .confidence = CS_CONFIDENCE_MEDIUM},
        {AT_STS(IRSA), SILENT(OK_INFERRED), .delivered = true, .confidence = CS_CONFIDENCE_LOW},
        {AT_STS(IRSA), SILENT(REJECTED_INFERRED), .confidence = CS_CONFIDENCE_HIGH},
        {AT_IMDS(AAD_POD_IDENTITY, TOKEN_URL), STATUS(404, NOT_FOUND),
         .intercepted = CS_INTERCEPT_NODE},
        READS(IRSA),
    };
    const struct scene scene = {.declared = D(EKS_POD_IDENTITY)};
    uint32_t random = 2463534242;
    bool open[CS_FINDING_END];
    struct play play;

    (void)state;
    play_begin(&play, &scene);
    for (unsigned int i = 0; i < 10000; i++) {
        random ^= random << 13;
        random ^= random >> 17;
        random ^= random << 5;
        play_until(&play, play.now_s + random % 7);
        play_act(&play, random / 7 % HOST, &ACTS[random / 64 % CS_ARRAY_SIZE(ACTS)]);
        memset(open, 0, sizeof(open));
        cs_findings_each(play.findings, collect, open);
        assert_false(open[CS_FINDING_RETIRING_MECHANISM] || open[CS_FINDING_IRSA_LEFT_BEHIND]);
    }
    play_act(&play, WEB, &(struct act)IRSA_OK);
    cs_findings_each(play.findings, collect, open);
    assert_true(open[CS_FINDING_RETIRING_MECHANISM] && open[CS_FINDING_IRSA_LEFT_BEHIND]);
    play_end(&play);
}

static void tells_sdks_once(void **state)
{
    struct play play;

    (void)state;
    play_begin(&play, &(struct scene){0});
    for (unsigned int i = 0; i < 100; i++) {
        char agent[64];
        struct act act = {AT_IMDS(METADATA, "/latest/meta-data/x"), STATUS(200, OK),
                          .flags = CS_REQUEST_IMDS_TOKEN, .user_agent = agent};

        snprintf(agent, sizeof(agent), "Boto3/1.%u.0 Botocore/1.40.0", i / 2);
        play_act(&play, WEB, &act);
    }
    assert_int_equal(play.sdks, 4);
    play_end(&play);
}

static void tells_no_sdks_of_those_who_ask_an_interceptor(void **state)
{
    struct play play;
    struct act act = {AT_IMDS(METADATA, "/latest/meta-data/x"), STATUS(200, OK), .upstream = true,
                      .user_agent = "Boto3/1.40.0 Botocore/1.40.0"};

    (void)state;
    play_begin(&play, &(struct scene){0});
    play_act(&play, WEB, &act);
    assert_int_equal(play.sdks, 0);
    play_end(&play);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flaps_not),
        cmocka_unit_test(aggregates),
        cmocka_unit_test(regauges),
        cmocka_unit_test(moves_with_the_name),
        cmocka_unit_test(expects),
        cmocka_unit_test(expects_that_alone),
        cmocka_unit_test(is_bounded),
        cmocka_unit_test(bounds_associations),
        cmocka_unit_test(never_says_retiring_in_vain),
        cmocka_unit_test(tells_sdks_once),
        cmocka_unit_test(tells_no_sdks_of_those_who_ask_an_interceptor),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
