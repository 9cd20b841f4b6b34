// SPDX-License-Identifier: Apache-2.0
/* Explanations: a finding's sentence with the evidence filled in. */
#include "core/findings/finding_private.h"

#include "base/util.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define WORD_MAX 512

struct telling {
    const struct cs_finding_container *container;
    const struct cs_finding_entry *entry;
    const struct cs_workload *workload;
};

typedef void (*word_fn)(const struct telling *telling, char to[WORD_MAX]);

static void copy(char to[WORD_MAX], const char *text)
{
    cs_text_copy(to, WORD_MAX, text, strlen(text));
}

static void put_mechanism(const struct telling *telling, char to[WORD_MAX])
{
    copy(to, telling->entry->mechanism == CS_MECHANISM_INTERCEPTED
                 ? "an unknown interceptor"
                 : cs_mechanism_info(telling->entry->mechanism)->name);
}

static void put_successor(const struct telling *telling, char to[WORD_MAX])
{
    copy(to, cs_mechanism_info(telling->entry->mechanism)->successor);
}

static void put_outcome(const struct telling *telling, char to[WORD_MAX])
{
    copy(to, telling->entry->outcome == CS_OUTCOME_UNOBSERVED
                 ? "no answer yet"
                 : cs_outcome_name(telling->entry->outcome));
}

static void put_status(const struct telling *telling, char to[WORD_MAX])
{
    snprintf(to, WORD_MAX, "%u", telling->entry->status);
}

static void put_detail(const struct telling *telling, char to[WORD_MAX])
{
    copy(to, telling->entry->detail);
}

/* " (role …)", or nothing. */
static void put_identity(const struct telling *telling, char to[WORD_MAX])
{
    if (telling->entry->detail[0])
        snprintf(to, WORD_MAX, " (%s)", telling->entry->detail);
}

static void put_declared(const struct telling *telling, char to[WORD_MAX])
{
    char text[CS_DECLARED_TEXT_MAX];

    cs_declared_format(telling->container->declared, text);
    copy(to, text);
}

static void put_account(const struct telling *telling, char to[WORD_MAX])
{
    snprintf(to, WORD_MAX, "%.200s/%.255s", telling->workload->namespace,
             telling->workload->service_account);
}

static void put_move(const struct telling *telling, char to[WORD_MAX])
{
    const char *successor = cs_mechanism_info(telling->entry->mechanism)->successor;
    char account[WORD_MAX];

    if (strcmp(successor, "none") == 0) {
        copy(to, "Find out which program answers, and replace it.");
        return;
    }
    put_account(telling, account);
    snprintf(to, WORD_MAX, "Move %.400s to %s.", account, successor);
}

static void put_address(const struct telling *telling, char to[WORD_MAX])
{
    copy(to, cs_finding_address_name(telling->entry->address));
}

static void put_seconds(const struct telling *telling, char to[WORD_MAX])
{
    uint64_t ms = telling->entry->span_ns / CS_NSEC_PER_MSEC;

    if (ms < 10000)
        snprintf(to, WORD_MAX, "%" PRIu64 ".%" PRIu64, ms / 1000, ms % 1000 / 100);
    else
        snprintf(to, WORD_MAX, "%" PRIu64, ms / 1000);
}

static void put_time(const struct telling *telling, char to[WORD_MAX])
{
    uint64_t us = telling->entry->span_ns / 1000;
    char seconds[WORD_MAX];

    put_seconds(telling, seconds);
    if (us < 100)
        copy(to, "less than 0.1 ms");
    else if (us < 1000000)
        snprintf(to, WORD_MAX, "%" PRIu64 ".%" PRIu64 " ms", us / 1000, us % 1000 / 100);
    else
        snprintf(to, WORD_MAX, "%.100s s", seconds);
}

#define BIT(outcome) (1u << CS_OUTCOME_##outcome)
#define NOBODY                                                                          \
    (BIT(REFUSED) | BIT(UNREACHABLE) | BIT(RESET) | BIT(NO_RESPONSE) | BIT(ABANDONED) | \
     BIT(UNOBSERVED))

/* What to do about a first call that failed: the first row that fits. */
static const struct {
    uint32_t outcomes; /* BIT()s */
    enum cs_mechanism mechanism;
    const char *text;
} firsts[] = {
    {NOBODY, CS_MECHANISM_EKS_POD_IDENTITY,
     "On a fresh node pods are faster than the agent: keep them away until it is ready (a startup "
     "taint). Else see the agent's pod on this node."},
    {BIT(NOT_FOUND), CS_MECHANISM_EKS_POD_IDENTITY,
     "The pod identity association is new or missing: it should be there before the pod is."},
    {BIT(THROTTLED), CS_MECHANISM_EKS_POD_IDENTITY,
     "Spread the start of pods, or raise the agent's limit."},
    {UINT32_MAX, CS_MECHANISM_EKS_POD_IDENTITY, "The agent's log says why."},
    {BIT(REFUSED), CS_MECHANISM_AAD_POD_IDENTITY,
     "NMI ended and left its rule behind: see its pod on this node."},
    {BIT(DENIED), CS_MECHANISM_AAD_POD_IDENTITY,
     "NMI has an identity for it, which IMDS or Entra refused: see its log, and whether the "
     "identity is assigned to the node's virtual machine."},
    {BIT(REFUSED), CS_MECHANISM_AZURE_WORKLOAD_IDENTITY_PROXY,
     "The pod's sidecar does not listen yet: run it as a native sidecar, or retry."},
    {BIT(CLIENT_ERROR), CS_MECHANISM_AZURE_WORKLOAD_IDENTITY_PROXY,
     "No client id: give the service account the annotation azure.workload.identity/client-id."},
    {UINT32_MAX, CS_MECHANISM_AZURE_WORKLOAD_IDENTITY_PROXY,
     "See the sidecar's own calls, its log, and the federated credential of the identity."},
    {UINT32_MAX, CS_MECHANISM_AAD_POD_IDENTITY,
     "NMI did not know the pod yet, or has no binding for it: see its log."},
    {UINT32_MAX, CS_MECHANISM_IRSA,
     "See the role's trust policy, and the way to STS: DNS, proxy, VPC end-point."},
    {UINT32_MAX, CS_MECHANISM_AZURE_WORKLOAD_IDENTITY,
     "See the federated credential of the identity, and the way to Entra: DNS, proxy."},
    {UINT32_MAX, CS_MECHANISM_END, "See what answers it, and its log."},
};

static void put_first(const struct telling *telling, char to[WORD_MAX])
{
    size_t i = 0;

    while (!(firsts[i].outcomes & 1u << telling->entry->outcome) ||
           (firsts[i].mechanism != CS_MECHANISM_END &&
            firsts[i].mechanism != telling->entry->mechanism))
        i++;
    copy(to, firsts[i].text);
}

/* Where to look when an address answers nobody. */
static void put_look(const struct telling *telling, char to[WORD_MAX])
{
    bool agent = telling->entry->address == CS_FINDING_AGENT_4 ||
                 telling->entry->address == CS_FINDING_AGENT_6;

    copy(to, agent ? "Look at the agent's pod on this node, the addresses it binds, and network "
                     "policies."
                   : "Look at the instance's metadata options (is the end-point enabled?), routes, "
                     "and network policies.");
}

/* Why an interceptor holds requests. */
static void put_hold(const struct telling *telling, char to[WORD_MAX])
{
    switch (telling->entry->mechanism) {
    case CS_MECHANISM_AAD_POD_IDENTITY:
        copy(to, "NMI waits up to 80 s for an identity that is not assigned yet: look at its log "
                 "and at the binding.");
        break;
    case CS_MECHANISM_AZURE_WORKLOAD_IDENTITY_PROXY:
        copy(to, "The sidecar answers when Entra has answered it: see its own calls, and its log.");
        break;
    default:
        copy(to, "Look at its log and at what it asks itself.");
        break;
    }
}

/* Pieces of evidence an hour; the first hour counts whole. */
static void put_rate(const struct telling *telling, char to[WORD_MAX])
{
    uint64_t hour = 3600 * CS_NSEC_PER_SEC;
    uint64_t span = telling->entry->last_ns - telling->entry->since_ns;

    snprintf(to, WORD_MAX, "%" PRIu64,
             span <= hour ? telling->entry->count
                          : telling->entry->count * 3600 / (span / CS_NSEC_PER_SEC));
}

static const struct {
    const char *name;
    word_fn put;
} words[] = {
    {"mechanism", put_mechanism}, {"successor", put_successor}, {"outcome", put_outcome},
    {"status", put_status},       {"detail", put_detail},       {"path", put_detail},
    {"identity", put_identity},   {"declared", put_declared},   {"sa", put_account},
    {"move", put_move},           {"address", put_address},     {"seconds", put_seconds},
    {"rate", put_rate},           {"hold", put_hold},           {"time", put_time},
    {"first", put_first},         {"look", put_look},
};

const char *cs_finding_address_name(uint8_t address)
{
    static const char *const NAMES[CS_FINDING_ADDRESSES] = {
        [CS_FINDING_AGENT_4] = "The Pod Identity Agent at 169.254.170.23",
        [CS_FINDING_AGENT_6] = "The Pod Identity Agent at fd00:ec2::23",
        [CS_FINDING_IMDS_4] = "Instance metadata over IPv4",
        [CS_FINDING_IMDS_6] = "Instance metadata over IPv6",
    };

    return address < CS_FINDING_ADDRESSES ? NAMES[address] : "The end-point";
}

void cs_finding_explain(const struct cs_finding_container *container,
                        const struct cs_finding_entry *entry, const struct cs_workload *workload,
                        char to[CS_FINDING_TEXT_MAX])
{
    const struct telling telling = {container, entry, workload};
    struct cs_slice rest = {cs_finding_info(entry->finding)->text, 0};
    size_t at = 0;

    rest.len = strlen(rest.data);
    while (rest.len > 0) {
        struct cs_slice plain = cs_slice_split(&rest, '{');
        struct cs_slice name = cs_slice_split(&rest, '}');
        char word[WORD_MAX] = "";

        for (size_t i = 0; i < CS_ARRAY_SIZE(words); i++)
            if (cs_slice_is(name, words[i].name))
                words[i].put(&telling, word);
        cs_text_copy(to + at, CS_FINDING_TEXT_MAX - at, plain.data, plain.len);
        at += strlen(to + at);
        cs_text_copy(to + at, CS_FINDING_TEXT_MAX - at, word, strlen(word));
        at += strlen(to + at);
    }
}
