// SPDX-License-Identifier: Apache-2.0
#include "core/findings/finding_private.h"

#include "base/util.h"
#include "core/pods/pod_workload.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SWEEP_NS       CS_NSEC_PER_SEC
#define JUDGE_NS       (60 * CS_NSEC_PER_SEC)
#define TOKEN_READS_NS (600 * CS_NSEC_PER_SEC)

int cs_findings_new(const struct cs_findings_options *options, struct cs_labels *labels,
                    struct cs_findings **findings)
{
    _cleanup_findings_ struct cs_findings *made = calloc(1, sizeof(*made));
    int r;

    if (!made)
        return -ENOMEM;
    made->options = *options;
    made->labels = labels;
    if (made->options.containers_max == 0)
        made->options.containers_max = CS_FINDINGS_CONTAINERS_MAX;
    r = cs_finding_node_new(made);
    if (r < 0)
        return r;
    *findings = TAKE_PTR(made);
    return 0;
}

void cs_findings_free(struct cs_findings **findings)
{
    if (!*findings)
        return;
    cs_finding_gauges_free(*findings);
    cs_finding_state_free(*findings);
    free(*findings);
    *findings = NULL;
}

void cs_findings_set_wall_offset(struct cs_findings *findings, int64_t wall_offset_ns)
{
    findings->wall_offset_ns = wall_offset_ns;
}

static void tell_sdk(struct cs_findings *findings, struct cs_finding_container *container,
                     const struct cs_findings_input *input)
{
    const struct cs_exchange *exchange = input->exchange;
    struct cs_sdk sdk;
    uint64_t hash;

    /* An interceptor passes on what those who ask it say of themselves. */
    if (!exchange->user_agent[0] || !container->pod || input->verdict->upstream ||
        !cs_sdk_parse(exchange->user_agent, exchange->request_flags & CS_REQUEST_USER_AGENT_CUT,
                      &sdk))
        return;
    hash = cs_hash(CS_HASH_START, sdk.name, strlen(sdk.name));
    hash = cs_hash(hash, sdk.version, strlen(sdk.version)) | 1;
    for (size_t i = 0; i < CS_FINDING_SDKS_MAX; i++) {
        if (container->sdks[i] == hash)
            return;
        if (container->sdks[i] == 0) {
            container->sdks[i] = hash;
            findings->options.sink.sdk(findings->options.sink.user, input->subject, &sdk);
            return;
        }
    }
    findings->stats.refused++;
}

/* What later evidence is judged by. */
static void remember(struct cs_finding_container *container, const struct cs_findings_input *input,
                     uint64_t at_ns)
{
    const struct cs_exchange *exchange = input->exchange;
    const struct cs_verdict *verdict = input->verdict;
    bool tls = verdict->endpoint == CS_ENDPOINT_STS || verdict->endpoint == CS_ENDPOINT_ENTRA ||
               verdict->endpoint == CS_ENDPOINT_PROXY;

    container->interceptor = container->interceptor || verdict->upstream;
    if (verdict->endpoint == CS_ENDPOINT_POD_IDENTITY_AGENT)
        container->agent_ns = at_ns;
    if (verdict->endpoint == CS_ENDPOINT_IMDS && exchange->status != 0)
        container->imds_answer_ns = at_ns;
    if (verdict->endpoint == CS_ENDPOINT_IMDS &&
        ((exchange->status > 0 && exchange->status < 400) || exchange->status == 404))
        container->imds_served_ns = at_ns;
    if (container->put_ns == 0 && !container->host_network &&
        cs_exchange_is_unanswered_put(exchange))
        container->put_ns = exchange->start_ns;
    if (exchange->status != 0 && cs_exchange_is_put(exchange))
        container->put_ns = 0;
    if (verdict->delivered && at_ns > container->credentials_ns)
        container->credentials_ns = at_ns;
    /* An answer that can't be read may have been one. */
    if (container->pod &&
        (verdict->delivered || (tls && cs_outcome_result(verdict->outcome) != CS_RESULT_FAILURE)))
        container->pod->success_ns = at_ns;
}

static void judge_delivery(struct cs_finding_case *c)
{
    struct cs_finding_container *container = c->container;

    if (cs_finding_spec_tells(container)) {
        container->unjudged &= ~(UINT32_C(1) << c->mechanism);
        cs_finding_rules(c, CS_FINDING_ON_DELIVERY);
    } else {
        container->unjudged |= UINT32_C(1) << c->mechanism;
    }
}

static void delivered(struct cs_finding_case *c)
{
    struct cs_finding_container *container = c->container;
    struct cs_finding_association *association;

    memset(container->failing_ns, 0, sizeof(container->failing_ns));
    container->renewal = (struct cs_finding_tries){0};
    cs_finding_succeeded(c->findings, container, CS_SUCCESS_CREDENTIALS);
    if (c->mechanism == CS_MECHANISM_EKS_POD_IDENTITY)
        cs_finding_succeeded(c->findings, container, CS_SUCCESS_AGENT);
    /* The agent serves a token that it knows from its cache for hours after the association went:
     * only a token that it did not serve before says that there is one. */
    if (c->mechanism == CS_MECHANISM_EKS_POD_IDENTITY &&
        (container->missing || container->delivered_ns[c->mechanism] == 0)) {
        container->missing = false;
        cs_finding_succeeded(c->findings, container, CS_SUCCESS_ASSOCIATION);
        association = cs_finding_association_get(c->findings, c->input->subject, c->now_ns, false);
        if (association)
            cs_finding_association_served(c->findings, association);
    }
    if (c->input->verdict->confidence < CS_CONFIDENCE_MEDIUM || !container->pod)
        return;
    if (c->at_ns > container->delivered_ns[c->mechanism])
        container->delivered_ns[c->mechanism] = c->at_ns;
    /* What was lost may have told of an interceptor, or whose answer it was. */
    if (c->input->exchange->observed)
        judge_delivery(c);
}

void cs_findings_exchange(struct cs_findings *findings, const struct cs_findings_input *input,
                          uint64_t now_ns)
{
    const struct cs_exchange *exchange = input->exchange;
    uint64_t at_ns = exchange->answer_ns ? exchange->answer_ns : exchange->end_ns;
    struct cs_finding_case c = {
        .findings = findings,
        .input = input,
        .now_ns = now_ns,
        .at_ns = at_ns ? at_ns : now_ns,
        .mechanism = input->verdict->mechanism,
        .outcome = input->verdict->outcome,
        .status = exchange->status,
        .address = CS_FINDING_NO_ADDRESS,
        .span_ns = cs_exchange_duration(exchange),
    };

    cs_finding_address_exchange(findings, input, now_ns);
    /* A node's proxy is nobody's consumer. */
    if (input->verdict->proxied)
        return;
    c.container = cs_finding_container_get(findings, input->subject, now_ns);
    if (!c.container)
        return;
    if (input->ended && c.container->ended_ns == 0)
        c.container->ended_ns = now_ns;
    cs_finding_container_spec(c.container, input->facts);
    remember(c.container, input, c.at_ns);
    tell_sdk(findings, c.container, input);
    cs_finding_rules(&c, CS_FINDING_ON_EXCHANGE);
    if (input->verdict->delivered)
        delivered(&c);
}

void cs_findings_in_flight(struct cs_findings *findings, const struct cs_findings_input *input,
                           uint64_t now_ns)
{
    struct cs_finding_case c = {
        .findings = findings,
        .input = input,
        .now_ns = now_ns,
        .at_ns = now_ns,
        .mechanism = input->verdict->mechanism,
        .outcome = CS_OUTCOME_UNOBSERVED,
        .address = CS_FINDING_NO_ADDRESS,
        .span_ns = now_ns - input->exchange->start_ns,
    };

    if (now_ns < input->exchange->start_ns + CS_FINDINGS_HUNG_NS)
        return;
    /* Its answer may have been among what was lost. */
    if (!input->exchange->observed || input->exchange->start_ns <= findings->lost_ns)
        return;
    cs_finding_address_in_flight(findings, input, now_ns);
    if (input->verdict->proxied)
        return;
    c.container = cs_finding_container_get(findings, input->subject, now_ns);
    if (!c.container)
        return;
    cs_finding_container_spec(c.container, input->facts);
    if (c.container->put_ns == 0 && !c.container->host_network &&
        cs_exchange_is_unanswered_put(input->exchange))
        c.container->put_ns = input->exchange->start_ns;
    cs_finding_rules(&c, CS_FINDING_ON_IN_FLIGHT);
}

void cs_findings_facts_lost(struct cs_findings *findings, uint64_t now_ns)
{
    findings->lost_ns = now_ns;
}

void cs_findings_token_open(struct cs_findings *findings, const struct cs_subject *subject,
                            const struct cs_pod_facts *facts, enum cs_mechanism mechanism,
                            uint64_t time_ns)
{
    struct cs_finding_container *container = NULL;
    uint64_t *reads;

    if (subject->pod_uid[0])
        container = cs_finding_container_get(findings, subject, time_ns);
    if (!container)
        return;
    cs_finding_container_spec(container, facts);
    reads = container->token_reads;
    if (container->token_mechanism != mechanism) {
        memset(container->token_reads, 0, sizeof(container->token_reads));
        container->token_due_ns = 0;
    }
    container->token_mechanism = mechanism;
    memmove(&reads[0], &reads[1], (CS_FINDING_TOKEN_READS - 1) * sizeof(reads[0]));
    reads[CS_FINDING_TOKEN_READS - 1] = time_ns;
    if (container->token_due_ns != 0 || reads[0] == 0 || time_ns - reads[0] > TOKEN_READS_NS)
        return;
    container->token_due_ns = time_ns;
    container->token_first_ns = reads[0];
}

/* Ask again who it is and what it declares, if anything waits for that. */
static void identify(struct cs_findings *findings, struct cs_finding_container *container)
{
    struct cs_subject subject = {.attribution = CS_ATTRIBUTION_POD_UID};
    struct cs_pod_facts facts = {0};
    bool waits = container->unjudged != 0 || container->token_due_ns != 0 ||
                 (container->entry_count > 0 && container->attribution != CS_ATTRIBUTION_POD);

    if (!findings->options.name || !container->pod || !waits || container->spec_whole)
        return;
    memcpy(subject.pod_uid, container->pod->uid, sizeof(subject.pod_uid));
    if (strcmp(container->key, container->pod->uid) != 0)
        cs_text_copy(subject.container_id, sizeof(subject.container_id), container->key,
                     strlen(container->key));
    if (findings->options.name(findings->options.name_user, &subject, &facts) < 0)
        return;
    cs_finding_container_name(findings, container, &subject);
    cs_finding_container_spec(container, &facts);
}

static void judge_late(struct cs_findings *findings, struct cs_finding_container *container,
                       uint64_t now_ns)
{
    for (enum cs_mechanism i = 0; i < CS_MECHANISM_END && container->unjudged != 0; i++) {
        struct cs_finding_case c = {
            .findings = findings,
            .container = container,
            .now_ns = now_ns,
            .at_ns = container->delivered_ns[i],
            .mechanism = i,
            .outcome = CS_OUTCOME_OK,
            .address = CS_FINDING_NO_ADDRESS,
        };

        if (container->unjudged & (UINT32_C(1) << i))
            judge_delivery(&c);
    }
}

static bool is_over(const struct cs_findings *findings,
                    const struct cs_finding_container *container, uint64_t now_ns)
{
    if (container->entry_count > 0)
        return false;
    if (container->ended_ns != 0 && now_ns > container->ended_ns + CS_FINDING_HOLD_NS)
        return true;
    return now_ns > container->last_ns + cs_credential_life_longest(&findings->options.life);
}

void cs_findings_tick(struct cs_findings *findings, uint64_t now_ns)
{
    struct cs_finding_container *each, *next;
    bool judge = now_ns >= findings->judged_ns + JUDGE_NS;

    if (now_ns < findings->swept_ns + SWEEP_NS)
        return;
    findings->swept_ns = now_ns;
    if (judge)
        findings->judged_ns = now_ns;
    HASH_ITER (hh, findings->containers, each, next) {
        if (each->ended_ns == 0 && each->pod && findings->options.gone &&
            findings->options.gone(findings->options.name_user, each->pod->uid))
            each->ended_ns = now_ns;
        identify(findings, each);
        judge_late(findings, each, now_ns);
        cs_finding_time(findings, each, now_ns);
        cs_finding_sweep(findings, each, now_ns);
        if (judge)
            cs_finding_judge(findings, each, now_ns);
        if (is_over(findings, each, now_ns))
            cs_finding_container_free(findings, each);
    }
    cs_finding_sweep(findings, findings->node, now_ns);
    cs_finding_associations_expire(findings, now_ns);
}

uint64_t cs_findings_deadline(const struct cs_findings *findings)
{
    if (findings->stats.containers == 0 && findings->node->entry_count == 0)
        return UINT64_MAX;
    return findings->swept_ns + SWEEP_NS;
}

static void ended(struct cs_finding_container *container, uint64_t now_ns)
{
    if (container && container->ended_ns == 0)
        container->ended_ns = now_ns > 0 ? now_ns : 1;
}

void cs_findings_container_ended(struct cs_findings *findings, const char *container_id,
                                 uint64_t now_ns)
{
    ended(cs_finding_container_find(findings, container_id), now_ns);
}

void cs_findings_cgroup_removed(struct cs_findings *findings, const struct cs_container *container)
{
    if (cs_container_is_own(container))
        cs_findings_container_ended(findings, container->identity.container_id,
                                    container->removed_ns);
}

static int visit_entries(const struct cs_findings *findings,
                         const struct cs_finding_container *container,
                         int (*visit)(void *user, const struct cs_finding_view *view), void *user)
{
    struct cs_workload workload;
    int r = 0;

    if (!container->workload)
        return 0;
    cs_pod_workload_read(container->workload, &workload);
    for (uint32_t i = 0; i < container->entry_count && r == 0; i++) {
        struct cs_finding_view view;

        cs_finding_view(findings, container, &container->entries[i], &workload, &view);
        r = visit(user, &view);
    }
    return r;
}

int cs_findings_each(const struct cs_findings *findings,
                     int (*visit)(void *user, const struct cs_finding_view *view), void *user)
{
    int r = visit_entries(findings, findings->node, visit, user);

    for (const struct cs_finding_container *each = findings->containers; each && r == 0;
         each = each->hh.next)
        r = visit_entries(findings, each, visit, user);
    return r;
}

void cs_findings_stats(const struct cs_findings *findings, struct cs_findings_stats *stats)
{
    *stats = findings->stats;
}
