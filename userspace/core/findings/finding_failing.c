// SPDX-License-Identifier: Apache-2.0
/* What opens the findings about requests that fail, hang or are refused. */
#include "core/findings/finding_private.h"

#include "base/util.h"
#include "core/classify/classify_path.h"

#define PROPAGATING_NS (60 * CS_NSEC_PER_SEC)
#define FAILING_NS     (300 * CS_NSEC_PER_SEC)
#define SLOW_NS        (5 * CS_NSEC_PER_SEC)
/* TLS hides which of a container's roles is denied: a renewal's only after a session's usual life.
 */
#define SESSION_NS (3600 * CS_NSEC_PER_SEC)

/* What an interceptor asks is refused to those who ask it: theirs, as is what they fail to renew.
 */
bool cs_finding_shows_first_call_failed(struct cs_finding_case *c)
{
    const struct cs_usage_first *first = c->input->first;

    return first && first->attempt && !first->attempt_ok && !c->container->interceptor;
}

/* Of an IMDS that says nothing it can't be told which mechanism it would have been: the one that
 * the container has used. */
static enum cs_mechanism used_at_imds(const struct cs_finding_case *c)
{
    static const enum cs_mechanism AT_IMDS[] = {
        CS_MECHANISM_IMDSV2,     CS_MECHANISM_IMDSV1, CS_MECHANISM_AZURE_IMDS,
        CS_MECHANISM_KUBE2IAM,   CS_MECHANISM_KIAM,   CS_MECHANISM_AAD_POD_IDENTITY,
        CS_MECHANISM_INTERCEPTED};

    for (size_t i = 0; i < CS_ARRAY_SIZE(AT_IMDS); i++)
        if (cs_finding_uses(c->findings, c->container, AT_IMDS[i], c->now_ns))
            return AT_IMDS[i];
    return CS_MECHANISM_END;
}

static enum cs_mechanism failing_mechanism(const struct cs_finding_case *c, bool in_flight)
{
    const struct cs_exchange *exchange = c->input->exchange;
    const struct cs_verdict *verdict = c->input->verdict;
    bool failed = in_flight || cs_outcome_result(verdict->outcome) == CS_RESULT_FAILURE;

    if (!failed || c->at_ns <= c->container->credentials_ns)
        return CS_MECHANISM_END;
    if (verdict->endpoint == CS_ENDPOINT_IMDS &&
        (exchange->connect_failed || exchange->path[0] == '\0' || cs_exchange_is_put(exchange)))
        return used_at_imds(c);
    if (!cs_usage_is_attempt(exchange, verdict, c->findings->options.cloud) ||
        !cs_finding_uses(c->findings, c->container, verdict->mechanism, c->now_ns))
        return CS_MECHANISM_END;
    /* TLS hides whose: perhaps another role's, until a session's usual life is over. */
    if (verdict->outcome == CS_OUTCOME_REJECTED_INFERRED &&
        c->at_ns < c->container->delivered_ns[verdict->mechanism] + SESSION_NS)
        return CS_MECHANISM_END;
    return verdict->mechanism;
}

/* What one thread waits for while others are served fails from their success on. */
static uint64_t failing_since(const struct cs_finding_case *c)
{
    uint64_t start_ns = c->input->exchange->start_ns;
    uint64_t credentials_ns = c->container->credentials_ns;

    return start_ns > credentials_ns ? start_ns : credentials_ns;
}

static bool keeps_failing(struct cs_finding_case *c, bool in_flight)
{
    enum cs_mechanism mechanism = failing_mechanism(c, in_flight);
    struct cs_finding_container *container = c->container;
    uint64_t *since_ns = &container->failing_ns[mechanism % CS_MECHANISM_END];
    uint64_t from_ns;

    if (mechanism == CS_MECHANISM_END || container->interceptor)
        return false;
    if (*since_ns == 0)
        *since_ns = failing_since(c);
    if (c->input->verdict->endpoint == CS_ENDPOINT_IMDS && container->imds_served_ns > *since_ns)
        *since_ns = failing_since(c);
    from_ns = cs_finding_try_failed(&container->renewal, c->input->exchange->start_ns, c->at_ns,
                                    FAILING_NS, *since_ns);
    if (c->at_ns < from_ns + FAILING_NS)
        return false;
    c->mechanism = mechanism;
    c->span_ns = c->at_ns - *since_ns;
    return true;
}

bool cs_finding_shows_refresh_failing(struct cs_finding_case *c)
{
    return keeps_failing(c, false);
}

bool cs_finding_shows_refresh_hanging(struct cs_finding_case *c)
{
    return keeps_failing(c, true);
}

static bool asks_agent(const struct cs_finding_case *c)
{
    return c->input->verdict->endpoint == CS_ENDPOINT_POD_IDENTITY_AGENT &&
           cs_path_classify(c->input->exchange->path) == CS_PATH_AGENT;
}

/* How long the agent has known no association of this account; 0: it isn't that. */
static bool without_association(struct cs_finding_case *c)
{
    struct cs_finding_association *association;

    if (c->input->exchange->status != 404 || !asks_agent(c))
        return false;
    association = cs_finding_association_get(c->findings, c->input->subject, c->now_ns, true);
    if (!association)
        return false;
    c->container->missing = true;
    if (association->missing_ns == 0 || c->at_ns < association->missing_ns)
        association->missing_ns = c->at_ns;
    c->span_ns = c->at_ns - association->missing_ns;
    return true;
}

bool cs_finding_shows_association_missing(struct cs_finding_case *c)
{
    if (!without_association(c) || c->span_ns <= PROPAGATING_NS)
        return false;
    cs_finding_clear(c->findings, c->container, CS_FINDING_ASSOCIATION_PROPAGATING,
                     CS_FINDING_NO_ADDRESS);
    return true;
}

bool cs_finding_shows_association_propagating(struct cs_finding_case *c)
{
    return without_association(c) && c->span_ns <= PROPAGATING_NS;
}

bool cs_finding_shows_credentials_refused(struct cs_finding_case *c)
{
    uint16_t status = c->input->exchange->status;

    return (status == 400 || status == 401 || status == 403) && asks_agent(c);
}

bool cs_finding_shows_throttled(struct cs_finding_case *c)
{
    return c->input->verdict->outcome == CS_OUTCOME_THROTTLED;
}

bool cs_finding_shows_interceptor_slow(struct cs_finding_case *c)
{
    return c->input->exchange->connection->intercept_place != 0 &&
           c->input->verdict->endpoint == CS_ENDPOINT_IMDS && c->span_ns > SLOW_NS;
}
