// SPDX-License-Identifier: Apache-2.0
/* The addresses of the agent and of instance metadata, as all callers of this node see them. */
#include "core/findings/finding_private.h"

#include "base/util.h"
#include "core/classify/classify_path.h"

#include <string.h>

#define FAILING_NS (60 * CS_NSEC_PER_SEC)
/* An address that answers some callers and not others (a network policy) is not unreachable for
 * all: it must be silent for longer than the others' usual pause. */
#define PARTIAL_NS (900 * CS_NSEC_PER_SEC)

static uint8_t index_of(const struct cs_findings_input *input)
{
    bool ipv6 = input->exchange->connection->family == 6;

    switch (input->verdict->endpoint) {
    case CS_ENDPOINT_POD_IDENTITY_AGENT:
        return ipv6 ? CS_FINDING_AGENT_6 : CS_FINDING_AGENT_4;
    case CS_ENDPOINT_IMDS:
        return ipv6 ? CS_FINDING_IMDS_6 : CS_FINDING_IMDS_4;
    default:
        return CS_FINDING_NO_ADDRESS;
    }
}

static bool is_silence(enum cs_outcome outcome)
{
    switch (outcome) {
    case CS_OUTCOME_REFUSED:
    case CS_OUTCOME_UNREACHABLE:
    case CS_OUTCOME_RESET:
    case CS_OUTCOME_NO_RESPONSE:
    case CS_OUTCOME_ABANDONED:
        return true;
    default:
        return false;
    }
}

static struct cs_finding_case case_of(struct cs_findings *findings, uint8_t index,
                                      enum cs_outcome outcome, uint64_t at_ns, uint64_t now_ns)
{
    return (struct cs_finding_case){
        .findings = findings,
        .container = findings->node,
        .now_ns = now_ns,
        .at_ns = at_ns,
        .mechanism =
            index <= CS_FINDING_AGENT_6 ? CS_MECHANISM_EKS_POD_IDENTITY : CS_MECHANISM_METADATA,
        .outcome = outcome,
        .address = index,
        .span_ns = at_ns - findings->addresses[index].failing_ns,
    };
}

/* The end-point answers over this family: over the other it is less than it was said to be. */
static void only_one_family(struct cs_findings *findings, uint8_t index, uint64_t at_ns)
{
    uint8_t other = index ^ 1;
    const struct cs_finding_entry *entry =
        cs_finding_find(findings->node, CS_FINDING_ENDPOINT_UNREACHABLE, other);
    struct cs_finding_case c;

    if (!entry || at_ns <= findings->addresses[other].failing_ns)
        return;
    c = case_of(findings, other, entry->outcome, entry->last_ns, at_ns);
    cs_finding_clear(findings, findings->node, CS_FINDING_ENDPOINT_UNREACHABLE, other);
    cs_finding_note(&c, CS_FINDING_FAMILY_UNREACHABLE);
}

static void answered(struct cs_findings *findings, uint8_t index,
                     const struct cs_findings_input *input, uint64_t at_ns)
{
    struct cs_finding_address *address = &findings->addresses[index];
    uint64_t caller = input->exchange->connection->cgroup_id;

    if (at_ns > address->answer_ns)
        address->answer_ns = at_ns;
    if ((input->subject->host_network || input->subject->attribution == CS_ATTRIBUTION_HOST) &&
        at_ns > address->host_ns)
        address->host_ns = at_ns;
    if (address->stubborn == caller)
        address->stubborn = 0;
    /* An answer from before the failures, told late, ends nothing. */
    if (address->failing_ns != 0 && at_ns >= address->failing_ns) {
        if (address->failing_caller != caller)
            address->stubborn = address->failing_caller;
        address->failing_ns = 0;
    }
    if (address->failing_ns == 0 && findings->node->entry_count > 0) {
        cs_finding_clear(findings, findings->node, CS_FINDING_ENDPOINT_UNREACHABLE, index);
        cs_finding_clear(findings, findings->node, CS_FINDING_FAMILY_UNREACHABLE, index);
    }
    only_one_family(findings, index, at_ns);
}

/* That one pod gets no answer of instance metadata is as often the pod's (a network policy): it
 * takes another pod, the node itself, or an address that had answered. On another cloud, or none,
 * there is nobody to answer. */
static bool is_of_node(const struct cs_findings *findings, uint8_t index)
{
    const struct cs_finding_address *address = &findings->addresses[index];
    bool agent = index <= CS_FINDING_AGENT_6;
    const char *cloud = findings->options.cloud;

    if (agent)
        return !cloud || strcmp(cloud, "aws") == 0;
    return address->answer_ns != 0 || (cloud && address->several);
}

static bool is_nodes(const struct cs_findings_input *input)
{
    return input->subject->host_network || input->subject->attribution == CS_ATTRIBUTION_HOST;
}

static void silent(struct cs_findings *findings, uint8_t index,
                   const struct cs_findings_input *input, enum cs_outcome outcome, uint64_t at_ns,
                   uint64_t now_ns)
{
    struct cs_finding_address *address = &findings->addresses[index];
    uint64_t other_ns = findings->addresses[index ^ 1].answer_ns;
    uint64_t caller = input->exchange->connection->cgroup_id;
    uint64_t start_ns = input->exchange->start_ns;
    struct cs_finding_case c;
    uint64_t from_ns;
    bool family;

    /* Told late, and somebody has had an answer since. */
    if (at_ns <= address->answer_ns)
        return;
    if (address->failing_ns == 0) {
        address->failing_ns = start_ns > address->answer_ns ? start_ns : address->answer_ns;
        address->failing_caller = caller;
        address->several = false;
        address->tries = (struct cs_finding_tries){0};
    }
    from_ns =
        cs_finding_try_failed(&address->tries, start_ns, at_ns, FAILING_NS, address->failing_ns);
    address->several |= caller != address->failing_caller || is_nodes(input);
    if (address->stubborn == caller)
        address->partial_ns = at_ns + PARTIAL_NS;
    if (at_ns < from_ns + (at_ns < address->partial_ns ? PARTIAL_NS : FAILING_NS))
        return;
    if (!is_of_node(findings, index))
        return;
    c = case_of(findings, index, outcome, at_ns, now_ns);
    family = other_ns > address->failing_ns;
    cs_finding_clear(findings, findings->node,
                     family ? CS_FINDING_ENDPOINT_UNREACHABLE : CS_FINDING_FAMILY_UNREACHABLE,
                     index);
    cs_finding_note(&c, family ? CS_FINDING_FAMILY_UNREACHABLE : CS_FINDING_ENDPOINT_UNREACHABLE);
}

void cs_finding_address_exchange(struct cs_findings *findings,
                                 const struct cs_findings_input *input, uint64_t now_ns)
{
    const struct cs_exchange *exchange = input->exchange;
    uint8_t index = index_of(input);

    if (index == CS_FINDING_NO_ADDRESS || exchange->connection->intercept_place ||
        !exchange->observed)
        return;
    if (exchange->status != 0)
        answered(findings, index, input, exchange->answer_ns ? exchange->answer_ns : now_ns);
    else if (is_silence(input->verdict->outcome) && !cs_exchange_is_unanswered_put(exchange))
        silent(findings, index, input, input->verdict->outcome,
               exchange->end_ns ? exchange->end_ns : now_ns, now_ns);
}

void cs_finding_address_in_flight(struct cs_findings *findings,
                                  const struct cs_findings_input *input, uint64_t now_ns)
{
    uint8_t index = index_of(input);

    if (index != CS_FINDING_NO_ADDRESS && !input->exchange->connection->intercept_place &&
        !cs_exchange_is_put(input->exchange))
        silent(findings, index, input, CS_OUTCOME_UNOBSERVED, now_ns, now_ns);
}
