// SPDX-License-Identifier: Apache-2.0
/* Findings that only time shows: what did not come. */
#include "core/findings/finding_private.h"

#include "base/util.h"

#define HOP_LIMIT_NS (60 * CS_NSEC_PER_SEC)
/* The read of a token, a connect with a lost SYN or two, and the answer. */
#define SETTLE_NS (30 * CS_NSEC_PER_SEC)

static struct cs_finding_case case_of(struct cs_findings *findings,
                                      struct cs_finding_container *container, uint64_t now_ns,
                                      uint64_t at_ns, enum cs_mechanism mechanism)
{
    return (struct cs_finding_case){
        .findings = findings,
        .container = container,
        .now_ns = now_ns,
        .at_ns = at_ns,
        .mechanism = mechanism,
        .outcome = CS_OUTCOME_UNOBSERVED,
        .address = CS_FINDING_NO_ADDRESS,
    };
}

static bool has_credentials(const struct cs_findings *findings,
                            const struct cs_finding_container *container, uint64_t now_ns)
{
    return container->credentials_ns != 0 &&
           now_ns <= container->credentials_ns +
                         cs_credential_life(&findings->options.life, CS_MECHANISM_IMDSV2);
}

/* Instance metadata answers this node, or answered this very container something else. */
static bool imds_answers(const struct cs_findings *findings,
                         const struct cs_finding_container *container)
{
    uint64_t from =
        container->put_ns > CS_FINDING_HOLD_NS ? container->put_ns - CS_FINDING_HOLD_NS : 0;

    return container->imds_answer_ns > from ||
           findings->addresses[CS_FINDING_IMDS_4].host_ns > from ||
           findings->addresses[CS_FINDING_IMDS_6].host_ns > from;
}

static void judge_put(struct cs_findings *findings, struct cs_finding_container *container,
                      uint64_t now_ns)
{
    struct cs_finding_case c =
        case_of(findings, container, now_ns, container->put_ns, CS_MECHANISM_IMDSV2);

    if (has_credentials(findings, container, now_ns))
        cs_finding_note(&c, CS_FINDING_HOP_LIMIT_HARMLESS);
    else if (imds_answers(findings, container))
        cs_finding_note(&c, CS_FINDING_HOP_LIMIT);
    container->put_ns = 0;
}

/* Three reads and no success since the first; the agent's own answers have findings of their
 * own. */
static void judge_token(struct cs_findings *findings, struct cs_finding_container *container,
                        uint64_t now_ns)
{
    uint64_t first_ns = container->token_first_ns;
    uint64_t last_ns = container->token_due_ns;
    struct cs_finding_case c =
        case_of(findings, container, now_ns, last_ns, container->token_mechanism);

    container->token_due_ns = 0;
    if (container->proxy || container->pod->success_ns >= first_ns)
        return;
    if (container->token_mechanism == CS_MECHANISM_EKS_POD_IDENTITY &&
        container->agent_ns >= first_ns)
        return;
    c.span_ns = last_ns - first_ns;
    cs_finding_note(&c, CS_FINDING_TOKEN_READ_NO_EXCHANGE);
}

void cs_finding_time(struct cs_findings *findings, struct cs_finding_container *container,
                     uint64_t now_ns)
{
    if (!container->pod)
        return;
    if (container->put_ns != 0 && now_ns >= container->put_ns + HOP_LIMIT_NS)
        judge_put(findings, container, now_ns);
    /* Whether a proxy is declared must be known. */
    if (container->token_due_ns != 0 && container->spec_known &&
        now_ns >= container->token_due_ns + SETTLE_NS)
        judge_token(findings, container, now_ns);
}
