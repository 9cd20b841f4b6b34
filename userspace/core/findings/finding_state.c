// SPDX-License-Identifier: Apache-2.0
/* The containers that evidence is kept of, their pods, and service accounts at the agent. */
#include "core/findings/finding_private.h"

#include "base/util.h"
#include "core/pods/pod_workload.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ACCOUNT_KEEP CS_FINDING_LONG_HOLD_NS

/* True if it is of somebody: a container, a pod, or a unit of the host. */
static bool key_of(const struct cs_subject *subject, char key[CS_NAME_MAX + 8])
{
    if (subject->pod_uid[0])
        snprintf(key, CS_NAME_MAX + 8, "%s",
                 subject->container_id[0] ? subject->container_id : subject->pod_uid);
    else if (subject->attribution == CS_ATTRIBUTION_HOST)
        snprintf(key, CS_NAME_MAX + 8, CS_LABEL_HOST "/%s", subject->workload.workload);
    else
        return false;
    return true;
}

static struct cs_finding_pod *pod_get(struct cs_findings *findings, const char *uid)
{
    struct cs_finding_pod *pod;

    HASH_FIND_STR(findings->pods, uid, pod);
    if (pod) {
        pod->references++;
        return pod;
    }
    pod = calloc(1, sizeof(*pod));
    if (!pod)
        return NULL;
    pod->references = 1;
    cs_text_copy(pod->uid, sizeof(pod->uid), uid, strlen(uid));
    HASH_ADD_STR(findings->pods, uid, pod);
    if (!pod->hh.tbl) {
        free(pod);
        return NULL;
    }
    return pod;
}

static void pod_put(struct cs_findings *findings, struct cs_finding_pod *pod)
{
    if (!pod || --pod->references > 0)
        return;
    HASH_DEL(findings->pods, pod);
    free(pod);
}

static void release(struct cs_findings *findings, struct cs_finding_container *container)
{
    cs_label_unref(findings->labels, container->workload);
    cs_label_unref(findings->labels, container->pod_name);
    cs_label_unref(findings->labels, container->name);
    pod_put(findings, container->pod);
    free(container->entries);
    free(container);
}

void cs_finding_container_free(struct cs_findings *findings, struct cs_finding_container *container)
{
    HASH_DEL(findings->containers, container);
    findings->stats.containers--;
    release(findings, container);
}

/* One that has ended and shows nothing goes first, then the one that was silent longest of those
 * that show nothing. */
static void make_room(struct cs_findings *findings)
{
    struct cs_finding_container *worst = NULL;

    if (findings->stats.containers < findings->options.containers_max)
        return;
    for (struct cs_finding_container *each = findings->containers; each; each = each->hh.next) {
        if (each->entry_count > 0)
            continue;
        if (!worst || (each->ended_ns != 0) > (worst->ended_ns != 0) ||
            ((each->ended_ns != 0) == (worst->ended_ns != 0) && each->last_ns < worst->last_ns))
            worst = each;
    }
    if (!worst)
        return;
    findings->stats.evicted++;
    cs_finding_container_free(findings, worst);
}

static struct cs_finding_container *container_new(struct cs_findings *findings, const char *key,
                                                  const struct cs_subject *subject)
{
    struct cs_finding_container *container;

    make_room(findings);
    if (findings->stats.containers >= findings->options.containers_max)
        return NULL;
    container = calloc(1, sizeof(*container));
    if (!container)
        return NULL;
    cs_text_copy(container->key, sizeof(container->key), key, strlen(key));
    if (subject->pod_uid[0]) {
        container->pod = pod_get(findings, subject->pod_uid);
        if (!container->pod) {
            release(findings, container);
            return NULL;
        }
    }
    HASH_ADD_STR(findings->containers, key, container);
    if (!container->hh.tbl) {
        release(findings, container);
        return NULL;
    }
    findings->stats.containers++;
    return container;
}

static void set_text(struct cs_findings *findings, struct cs_label **label, const char *text)
{
    if (*label || text[0] == '\0')
        return;
    *label = cs_labels_get(findings->labels, text, strlen(text));
}

void cs_finding_container_name(struct cs_findings *findings, struct cs_finding_container *container,
                               const struct cs_subject *subject)
{
    struct cs_label *workload;

    set_text(findings, &container->pod_name, subject->pod);
    set_text(findings, &container->name, subject->container);
    container->host_network = container->host_network || subject->host_network;
    /* A name once known is kept: a look-up after the pod has gone knows less. */
    if (container->workload && (container->attribution == subject->attribution ||
                                subject->attribution == CS_ATTRIBUTION_POD_UID))
        return;
    workload = cs_pod_workload_get(findings->labels, &subject->workload);
    if (!workload)
        return;
    container->attribution = subject->attribution;
    cs_finding_rename(findings, container, workload);
}

struct cs_finding_container *cs_finding_container_find(const struct cs_findings *findings,
                                                       const char *key)
{
    struct cs_finding_container *container;

    HASH_FIND_STR(findings->containers, key, container);
    return container;
}

struct cs_finding_container *cs_finding_container_get(struct cs_findings *findings,
                                                      const struct cs_subject *subject,
                                                      uint64_t now_ns)
{
    struct cs_finding_container *container;
    char key[CS_NAME_MAX + 8];

    if (!key_of(subject, key))
        return NULL;
    container = cs_finding_container_find(findings, key);
    if (!container)
        container = container_new(findings, key, subject);
    if (!container) {
        findings->stats.refused++;
        return NULL;
    }
    cs_finding_container_name(findings, container, subject);
    container->last_ns = now_ns;
    return container;
}

int cs_finding_node_new(struct cs_findings *findings)
{
    struct cs_workload workload = {CS_LABEL_HOST, CS_LABEL_HOST, "Node", CS_LABEL_UNKNOWN};
    const char *node = findings->options.node;

    if (node && node[0])
        cs_text_copy(workload.workload, sizeof(workload.workload), node, strlen(node));
    findings->node = calloc(1, sizeof(*findings->node));
    if (!findings->node)
        return -ENOMEM;
    findings->node->attribution = CS_ATTRIBUTION_HOST;
    findings->node->workload = cs_pod_workload_get(findings->labels, &workload);
    return findings->node->workload ? 0 : -ENOMEM;
}

void cs_finding_container_spec(struct cs_finding_container *container,
                               const struct cs_pod_facts *facts)
{
    if (!facts || !facts->known || (container->spec_whole && !facts->of_container))
        return;
    container->spec_known = true;
    container->spec_whole = facts->of_container;
    container->proxy = facts->proxy;
    container->declared = facts->declared;
}

struct cs_finding_association *cs_finding_association_get(struct cs_findings *findings,
                                                          const struct cs_subject *subject,
                                                          uint64_t now_ns, bool make)
{
    const struct cs_workload *workload = &subject->workload;
    /* Of a pod without names the UID stands for the account. */
    const char *name =
        subject->attribution == CS_ATTRIBUTION_POD ? workload->service_account : subject->pod_uid;
    struct cs_finding_association *association;
    char text[2 * CS_NAME_MAX];
    size_t namespace = strlen(workload->namespace) + 1;
    size_t account = strlen(name) + 1;
    struct cs_label *label;

    memcpy(text, workload->namespace, namespace);
    memcpy(text + namespace, name, account);
    label = cs_labels_get(findings->labels, text, namespace + account);
    if (!label)
        return NULL;
    HASH_FIND_PTR(findings->associations, &label, association);
    if (association || !make || findings->stats.associations >= CS_FINDING_ASSOCIATIONS_MAX) {
        findings->stats.refused += !association && make;
        cs_label_unref(findings->labels, label);
        if (association)
            association->last_ns = now_ns;
        return association;
    }
    association = calloc(1, sizeof(*association));
    if (association) {
        association->account = label;
        association->last_ns = now_ns;
        HASH_ADD_PTR(findings->associations, account, association);
        if (association->hh.tbl) {
            findings->stats.associations++;
            return association;
        }
        free(association);
    }
    cs_label_unref(findings->labels, label);
    return NULL;
}

static void association_free(struct cs_findings *findings,
                             struct cs_finding_association *association)
{
    HASH_DEL(findings->associations, association);
    cs_label_unref(findings->labels, association->account);
    findings->stats.associations--;
    free(association);
}

void cs_finding_associations_expire(struct cs_findings *findings, uint64_t now_ns)
{
    struct cs_finding_association *each, *next;

    HASH_ITER (hh, findings->associations, each, next)
        if (each->missing_ns == 0 || now_ns > each->last_ns + ACCOUNT_KEEP)
            association_free(findings, each);
}

void cs_finding_association_served(struct cs_findings *findings,
                                   struct cs_finding_association *association)
{
    size_t len, have;
    const char *account = cs_label_text(association->account, &len);

    for (struct cs_finding_container *each = findings->containers; each; each = each->hh.next) {
        const char *workload = each->workload ? cs_label_text(each->workload, &have) : NULL;

        /* The workload's text begins with the account's. */
        if (workload && have >= len && memcmp(workload, account, len) == 0)
            cs_finding_succeeded(findings, each, CS_SUCCESS_ASSOCIATION);
    }
    association_free(findings, association);
}

void cs_finding_state_free(struct cs_findings *findings)
{
    struct cs_finding_container *container, *next;
    struct cs_finding_association *association, *following;

    HASH_ITER (hh, findings->containers, container, next)
        cs_finding_container_free(findings, container);
    HASH_ITER (hh, findings->associations, association, following)
        association_free(findings, association);
    if (findings->node)
        release(findings, findings->node);
}

bool cs_finding_uses(const struct cs_findings *findings,
                     const struct cs_finding_container *container, enum cs_mechanism mechanism,
                     uint64_t now_ns)
{
    uint64_t since_ns = container->delivered_ns[mechanism];

    return since_ns != 0 && container->ended_ns == 0 &&
           now_ns <= since_ns + cs_credential_life(&findings->options.life, mechanism);
}

uint64_t cs_finding_try_failed(struct cs_finding_tries *tries, uint64_t start_ns, uint64_t at_ns,
                               uint64_t apart_ns, uint64_t since_ns)
{
    if (tries->count > 0 && start_ns > tries->failed_ns + CS_FINDING_HOLD_NS)
        tries->resumed_ns = start_ns;
    if (tries->count == 0 || start_ns > tries->counted_ns + apart_ns) {
        tries->count += tries->count < CS_FINDING_TRIES_MIN;
        tries->counted_ns = at_ns;
    }
    if (at_ns > tries->failed_ns)
        tries->failed_ns = at_ns;
    return tries->count < CS_FINDING_TRIES_MIN && tries->resumed_ns > since_ns ? tries->resumed_ns
                                                                               : since_ns;
}
