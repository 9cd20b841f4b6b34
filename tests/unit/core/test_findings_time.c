/* SPDX-License-Identifier: Apache-2.0 */
/* Findings that time makes: what fails on, hangs, or does not come; and an address's health. */
#include "findings_support.h"

#define D(flag)     CS_DECLARED_BIT(flag)
#define UNREACHABLE "endpoint-unreachable"
#define FAMILY      "family-unreachable"

/* clang-format off */
#define IMDS_REFUSED \
    {.what = EXCHANGE, .mechanism = CS_MECHANISM_UNKNOWN, .endpoint = CS_ENDPOINT_IMDS, \
     SILENT(REFUSED), .connect_failed = true}
#define IMDS_READ \
    {AT_IMDS(METADATA, "/latest/meta-data/instance-id"), STATUS(200, OK), \
     .flags = CS_REQUEST_IMDS_TOKEN}
#define PIA6_REFUSED {AT_AGENT, SILENT(REFUSED), .connect_failed = true, .ipv6 = true}
#define PIA6_OK      {AT_AGENT, CREDENTIALS, .ipv6 = true}
#define PIA_HANGS(s) \
    {HANGS, .mechanism = CS_MECHANISM_EKS_POD_IDENTITY, .path = "/v1/credentials", \
     .endpoint = CS_ENDPOINT_POD_IDENTITY_AGENT, .took = s}
#define IRSA_DENIED                                                                       \
    {AT_STS(IRSA), SILENT(REJECTED_INFERRED), .confidence = CS_CONFIDENCE_HIGH, .answer = 500}
#define PROBE \
    {EXCHANGE, .mechanism = CS_MECHANISM_METADATA, .endpoint = CS_ENDPOINT_POD_IDENTITY_AGENT, \
     .path = "/", STATUS(404, NOT_FOUND), .probe = true}
/* clang-format on */

static const struct {
    const char *name;
    struct scene scene;
    struct step steps[8];
} cases[] = {
    {"a renewal that fails on",
     {.declared = D(EKS_POD_IDENTITY)},
     {{10, WEB, PIA_OK, ""},
      {1000, WEB, {AT_AGENT, STATUS(500, SERVER_ERROR)}, ""},
      {1290, WEB, {AT_AGENT, STATUS(500, SERVER_ERROR)}, ""},
      {1301, WEB, {AT_AGENT, STATUS(500, SERVER_ERROR)}, "refresh-failing"},
      {2700, WEB, {AT_AGENT, STATUS(500, SERVER_ERROR)}, "refresh-failing"},
      {4500, WEB, NOTHING, "refresh-failing"},
      {4600, WEB, PIA_OK, ""}}},
    {"one failure and an hour later another, renewed between",
     {.declared = D(EKS_POD_IDENTITY)},
     {{10, WEB, PIA_OK, ""},
      {1000, WEB, {AT_AGENT, STATUS(500, SERVER_ERROR)}, ""},
      {1001, WEB, PIA_OK, ""},
      {4000, WEB, {AT_AGENT, STATUS(500, SERVER_ERROR)}, ""}}},
    {"one who never had any has nothing to renew",
     {.declared = D(EKS_POD_IDENTITY)},
     {{10, WEB, {AT_AGENT, STATUS(500, SERVER_ERROR)}, ""},
      {1000, WEB, {AT_AGENT, STATUS(500, SERVER_ERROR)}, ""}}},
    {"another mechanism's failures are no renewal's",
     {.declared = D(EKS_POD_IDENTITY)},
     {{10, WEB, PIA_OK, ""},
      {20, WEB, {AT_IMDS(IMDSV2, ROLE), STATUS(404, NOT_FOUND)}, ""},
      {900, WEB, {AT_IMDS(IMDSV2, ROLE), STATUS(404, NOT_FOUND)}, ""}}},
    {"two failures far apart",
     {.declared = D(EKS_POD_IDENTITY)},
     {{1, WEB, PIA_OK, ""},
      {600, WEB, {AT_AGENT, STATUS(500, SERVER_ERROR)}, ""},
      {3600, WEB, {AT_AGENT, STATUS(500, SERVER_ERROR)}, ""},
      {5400, WEB, {AT_AGENT, STATUS(500, SERVER_ERROR)}, "refresh-failing"},
      {5401, WEB, PIA_OK, ""}}},
    {"another role of the container is denied",
     {.declared = D(IRSA)},
     {{1, WEB, IRSA_OK, "retiring-mechanism"},
      {2, WEB, IRSA_DENIED, "retiring-mechanism"},
      {400, WEB, IRSA_DENIED, "retiring-mechanism"},
      {3700, WEB, IRSA_DENIED, "retiring-mechanism"},
      {4100, WEB, IRSA_DENIED, "retiring-mechanism refresh-failing"}}},
    {"metadata is read without its token request's answer",
     {0},
     {{1, WEB, {AT_IMDS(IMDSV1, ROLE), CREDENTIALS}, "undeclared-node-identity imdsv1"},
      {60, WEB, PUT_LOST, "undeclared-node-identity imdsv1"},
      {61, WEB, IMDS_READ, "undeclared-node-identity imdsv1"},
      {240, WEB, PUT_LOST, "undeclared-node-identity imdsv1 hop-limit-harmless"},
      {241, WEB, IMDS_READ, "undeclared-node-identity imdsv1 hop-limit-harmless"},
      {420, WEB, PUT_LOST, "undeclared-node-identity imdsv1 hop-limit-harmless"}}},
    {"one pod's network policy",
     {0},
     {{10, WEB, IMDS_REFUSED, ""},
      {80, WEB, IMDS_REFUSED, ""},
      {90, OTHER, IMDS_REFUSED, UNREACHABLE}}},
    {"a renewal that hangs",
     {.declared = D(EKS_POD_IDENTITY)},
     {{10, WEB, PIA_OK, ""},
      {1000, WEB, PIA_HANGS(10), ""},
      {1040, WEB, PROBE, ""},
      {1280, WEB, PROBE, ""},
      {1295, WEB, PIA_HANGS(305), "refresh-failing"},
      {1300, WEB, PIA_OK, ""}}},
    {"instance metadata gone: what it would have been is what was used",
     {0},
     {{10, HOST, IMDS_READ, ""},
      {20, OTHER, IMDS_OK, "undeclared-node-identity"},
      {100, OTHER, IMDS_REFUSED, "undeclared-node-identity"},
      {150, HOST, IMDS_READ, "undeclared-node-identity"},
      {401, OTHER, IMDS_REFUSED, "undeclared-node-identity refresh-failing"}}},

    {"the agent is down for all",
     {.declared = D(EKS_POD_IDENTITY)},
     {{10, WEB, PIA_REFUSED, ""},
      {69, OTHER, PIA_REFUSED, ""},
      {70, WEB, PIA_REFUSED, UNREACHABLE},
      {1200, WEB, PIA_REFUSED, UNREACHABLE},
      {1300, OTHER, PIA_OK, ""}}},
    {"the agent's probe of itself shows that it is up",
     {.declared = D(EKS_POD_IDENTITY)},
     {{10, WEB, PIA_REFUSED, ""}, {60, HOST, PROBE, ""}, {80, WEB, PIA_REFUSED, ""}}},
    {"any answer is one", /* the agent's or EKS Auth's failure has findings of its own */
     {.declared = D(EKS_POD_IDENTITY)},
     {{10, WEB, {AT_AGENT, STATUS(500, SERVER_ERROR)}, ""},
      {90, WEB, {AT_AGENT, STATUS(500, SERVER_ERROR)}, ""}}},
    {"it hangs for all",
     {.declared = D(EKS_POD_IDENTITY)},
     {{100, WEB, PIA_HANGS(4), ""},
      {150, OTHER, PIA_HANGS(54), ""},
      {157, WEB, PIA_HANGS(61), UNREACHABLE},
      {160, WEB, PIA_OK, ""}}},
    {"it hangs for one and answers others",
     {.declared = D(EKS_POD_IDENTITY)},
     {{100, WEB, PIA_HANGS(6), ""}, {140, OTHER, PIA_OK, ""}, {160, WEB, PIA_HANGS(66), ""}}},
    {"only over one family",
     {.declared = D(EKS_POD_IDENTITY)},
     {{10, WEB, PIA6_REFUSED, ""},
      {30, WEB, PIA_OK, ""},
      {90, WEB, PIA6_REFUSED, FAMILY},
      {95, WEB, PIA_OK, FAMILY},
      {99, WEB, PIA6_OK, ""}}},
    {"the other family is down too, then comes back",
     {.declared = D(EKS_POD_IDENTITY)},
     {{10, WEB, PIA6_REFUSED, ""},
      {90, WEB, PIA6_REFUSED, UNREACHABLE},
      {95, WEB, PIA_OK, UNREACHABLE},
      {99, WEB, PIA6_REFUSED, FAMILY}}},
    {"a policy keeps one pod out: others are answered now and then",
     {.declared = D(EKS_POD_IDENTITY)},
     {{10, WEB, IMDS_REFUSED, ""},
      {50, HOST, IMDS_READ, ""},
      {60, WEB, IMDS_REFUSED, ""},
      {130, WEB, IMDS_REFUSED, ""},
      {180, HOST, IMDS_READ, ""},
      {190, WEB, IMDS_REFUSED, ""},
      {270, WEB, IMDS_REFUSED, ""},
      {300, HOST, IMDS_READ, ""}}},
    {"a hop limit of 1 makes nothing unreachable",
     {0},
     {{10, WEB, PUT_LOST, ""}, {50, WEB, PUT_LOST, ""}, {90, WEB, PUT_LOST, ""}}},
    {"failures that are told late, after somebody got an answer",
     {.declared = D(EKS_POD_IDENTITY)},
     {{100, OTHER, PIA_OK, ""},
      {101, WEB, {AT_AGENT, SILENT(REFUSED), .connect_failed = true, .late = 90}, ""},
      {102, WEB, {AT_AGENT, SILENT(REFUSED), .connect_failed = true, .late = 5}, ""},
      {165, WEB, PIA_REFUSED, ""}}},
    {"an interceptor's silence is not the service's",
     {.declared = D(KUBE2IAM)},
     {{10, WEB, {AT_IMDS(KUBE2IAM, ROLE), SILENT(RESET), .intercepted = CS_INTERCEPT_NODE}, ""},
      {90, WEB, {AT_IMDS(KUBE2IAM, ROLE), SILENT(RESET), .intercepted = CS_INTERCEPT_NODE}, ""}}},

    {"hop limit 1, and no credentials",
     {.declared = 0},
     {{5, HOST, IMDS_READ, ""},
      {10, WEB, PUT_LOST, ""},
      {40, WEB, PUT_LOST, ""},
      {70, WEB, NOTHING, "hop-limit"},
      {200, WEB, PIA_OK, ""}}},
    {"… an answer without a token shows that the service is there",
     {0},
     {{10, WEB, PUT_LOST, ""},
      {11,
       WEB,
       {AT_IMDS(METADATA, "/latest/meta-data/iam/security-credentials/"), STATUS(401, DENIED)},
       "imdsv1-attempted"},
      {75, WEB, NOTHING, "imdsv1-attempted hop-limit"}}},
    {"… but it has credentials",
     {.declared = D(EKS_POD_IDENTITY)},
     {{5, HOST, IMDS_READ, ""},
      {10, WEB, PUT_LOST, ""},
      {12, WEB, PIA_OK, ""},
      {75, WEB, NOTHING, "hop-limit-harmless"}}},
    {"… or nobody can say that the service is there",
     {0},
     {{10, WEB, PUT_LOST, ""}, {75, WEB, NOTHING, ""}}},
    {"… or the pod is on the node's network, and it is something else",
     {.host_network = true},
     {{5, HOST, IMDS_READ, ""}, {10, WEB, PUT_LOST, ""}, {75, WEB, NOTHING, ""}}},

    {"three token reads and nothing",
     {.declared = D(IRSA)},
     {{10, WEB, READS(IRSA), ""},
      {100, WEB, READS(IRSA), ""},
      {200, WEB, READS(IRSA), ""},
      {235, WEB, NOTHING, "token-read-no-exchange"},
      {300, WEB, IRSA_OK, "retiring-mechanism"}}},
    {"two are not three",
     {.declared = D(IRSA)},
     {{10, WEB, READS(IRSA), ""}, {100, WEB, READS(IRSA), ""}, {300, WEB, NOTHING, ""}}},
    {"three in more than ten minutes",
     {.declared = D(IRSA)},
     {{10, WEB, READS(IRSA), ""},
      {300, WEB, READS(IRSA), ""},
      {620, WEB, READS(IRSA), ""},
      {700, WEB, NOTHING, ""}}},
    {"the sidecar sends what the application reads",
     {.declared = D(IRSA)},
     {{10, WEB, READS(IRSA), ""},
      {11, SIDECAR, IRSA_OK, "retiring-mechanism"},
      {100, WEB, READS(IRSA), "retiring-mechanism"},
      {200, WEB, READS(IRSA), "retiring-mechanism"},
      {260, WEB, NOTHING, "retiring-mechanism"}}},
    {"another pod's doesn't count",
     {.declared = D(IRSA)},
     {{10, WEB, READS(IRSA), ""},
      {11, OTHER, IRSA_OK, "retiring-mechanism"},
      {100, WEB, READS(IRSA), "retiring-mechanism"},
      {200, WEB, READS(IRSA), "retiring-mechanism"},
      {260, WEB, NOTHING, "retiring-mechanism token-read-no-exchange"}}},
    {"an answer that can't be read may have been a success",
     {.declared = D(IRSA)},
     {{10, WEB, READS(IRSA), ""},
      {100, WEB, READS(IRSA), ""},
      {200, WEB, READS(IRSA), ""},
      {201, WEB, {AT_STS(STS), SILENT(ANSWERED), .answer = 900}, ""},
      {260, WEB, NOTHING, ""}}},
    {"a proxy is declared",
     {.declared = D(IRSA), .proxy = true},
     {{10, WEB, READS(IRSA), ""},
      {100, WEB, READS(IRSA), ""},
      {200, WEB, READS(IRSA), ""},
      {260, WEB, NOTHING, ""}}},
    {"what the agent says has findings of its own",
     {.declared = D(EKS_POD_IDENTITY)},
     {{10, WEB, READS(EKS_POD_IDENTITY), ""},
      {11, WEB, PIA_404, "association-propagating"},
      {20, WEB, READS(EKS_POD_IDENTITY), "association-propagating"},
      {30, WEB, READS(EKS_POD_IDENTITY), "association-propagating"},
      {65, WEB, NOTHING, "association-propagating"}}},
};

static void time_shows(void **state)
{
    bool right = true;

    (void)state;
    for (size_t i = 0; i < CS_ARRAY_SIZE(cases); i++) {
        struct play play;

        play_begin(&play, &cases[i].scene);
        right = play_steps(&play, cases[i].name, cases[i].steps, CS_ARRAY_SIZE(cases[i].steps)) &&
                right;
        play_end(&play);
    }
    assert_true(right);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(time_shows)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
