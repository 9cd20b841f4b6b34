/* SPDX-License-Identifier: Apache-2.0 */
/* Looking pods up. */
#include "core/pods/pod_index_private.h"
#include "core/pods/pod_workload.h"

#include <errno.h>
#include <string.h>

static struct cs_pod_entry *find_uid(const struct cs_pod_index *index, const char *uid)
{
    struct cs_pod_entry *entry = uid[0] == '\0' ? NULL : cs_pod_entry_find(index, uid);
    struct cs_pod_alias *alias;

    if (entry)
        return entry;
    alias = cs_pod_alias_find(index, 's', uid);
    return alias ? alias->entry : NULL;
}

/* A container's id in the directory of a pod that it isn't of is no help. */
static struct cs_pod_entry *find_subject(const struct cs_pod_index *index,
                                         const struct cs_subject *subject)
{
    struct cs_pod_alias *alias;

    if (subject->attribution == CS_ATTRIBUTION_KERNEL)
        return NULL;
    if (subject->pod_uid[0] != '\0')
        return find_uid(index, subject->pod_uid);
    alias = cs_pod_alias_find(index, 'c', subject->container_id);
    return alias ? alias->entry : NULL;
}

static bool is_of(const struct cs_pod_alias *alias, const struct cs_subject *subject)
{
    char text[CS_POD_KEY_TEXT_MAX];

    if (!alias)
        return false;
    cs_pod_alias_text(alias, text);
    /* Containers within a container have another id than the pod knows, below the one it knows. */
    return strcmp(text, subject->container_id) == 0 || strstr(subject->cgroup, text);
}

/* The container's place, or NULL: its status hasn't come yet. */
static const struct cs_pod_entry_container *find_container(const struct cs_pod_entry *entry,
                                                           const struct cs_subject *subject,
                                                           const struct cs_pod_alias **alias)
{
    *alias = NULL;
    for (uint32_t i = 0; i < entry->container_count; i++) {
        for (size_t k = 0; k < 2; k++) {
            if (is_of(entry->containers[i].ids[k], subject)) {
                *alias = entry->containers[i].ids[k];
                return &entry->containers[i];
            }
        }
    }
    return entry->container_count == 1 ? &entry->containers[0] : NULL;
}

bool cs_pod_index_key(const struct cs_subject *subject, char key[CS_POD_UID_LEN])
{
    if (subject->attribution != CS_ATTRIBUTION_POD_UID)
        return false;
    memcpy(key, subject->pod_uid, CS_POD_UID_LEN);
    return true;
}

static void put(char *to, size_t size, const char *text)
{
    if (text)
        cs_text_copy(to, size, text, strlen(text));
    else
        to[0] = '\0';
}

static void fill_subject(const struct cs_pod_entry *entry, struct cs_subject *subject,
                         const struct cs_pod_entry_container *container,
                         const struct cs_pod_alias *alias)
{
    cs_pod_workload_read(entry->workload, &subject->workload);
    subject->attribution = CS_ATTRIBUTION_POD;
    subject->host_network = entry->host_network;
    put(subject->pod, sizeof(subject->pod), entry->name);
    put(subject->pod_uid, sizeof(subject->pod_uid), entry->uid);
    if (alias)
        cs_pod_alias_text(alias, subject->container_id);
    put(subject->container, sizeof(subject->container),
        container ? cs_pod_label_text(container->name) : NULL);
    put(subject->image, sizeof(subject->image),
        container ? cs_pod_label_text(container->image) : NULL);
}

static bool is_running(const struct cs_pod_entry *entry)
{
    return entry->phase == CS_POD_RUNNING && entry->deleted_ns == 0;
}

/* What all containers agree on: NULL when there are two. */
static const struct cs_label *merge(const struct cs_label *one, const struct cs_label *other,
                                    bool *differ)
{
    if (one && other && one != other)
        *differ = true;
    return one ? one : other;
}

/* Init steps and debuggers are no company. A sidecar may be an init container as well, so whoever
 * is one is not alone. */
static bool is_alone(const struct cs_pod_entry *entry,
                     const struct cs_pod_entry_container *container)
{
    if (!container || container->kind != CS_CONTAINER_REGULAR)
        return false;
    for (uint32_t i = 0; i < entry->container_count; i++) {
        if (&entry->containers[i] != container && entry->containers[i].kind == CS_CONTAINER_REGULAR)
            return false;
    }
    return true;
}

static void fill_facts(const struct cs_pod_entry *entry,
                       const struct cs_pod_entry_container *container, struct cs_pod_facts *facts)
{
    const struct cs_label *role = NULL, *client = NULL;
    bool roles = false, clients = false;

    *facts = (struct cs_pod_facts){
        .known = true,
        .of_container = container != NULL,
        .alone = is_alone(entry, container),
        .running = is_running(entry),
        .created_s = entry->created_s,
        .iam_role = cs_pod_label_text(entry->iam_role),
        .aad_binding = cs_pod_label_text(entry->aad_binding),
    };
    for (uint32_t i = 0; i < entry->container_count; i++) {
        const struct cs_pod_entry_container *each = &entry->containers[i];

        if (container && each != container)
            continue;
        facts->declared |= each->declared;
        facts->proxy |= each->proxy;
        role = merge(role, each->role_arn, &roles);
        client = merge(client, each->client_id, &clients);
    }
    facts->role_arn = roles ? NULL : cs_pod_label_text(role);
    facts->client_id = clients ? NULL : cs_pod_label_text(client);
}

int cs_pod_index_name(struct cs_pod_index *index, struct cs_subject *subject,
                      struct cs_pod_facts *facts)
{
    const struct cs_pod_entry *entry = find_subject(index, subject);
    const struct cs_pod_entry_container *container;
    const struct cs_pod_alias *alias;

    if (facts)
        *facts = (struct cs_pod_facts){0};
    if (!entry) {
        index->stats.unnamed++;
        return -ENOENT;
    }
    index->stats.named++;
    container = find_container(entry, subject, &alias);
    fill_subject(entry, subject, container, alias);
    if (facts)
        fill_facts(entry, container, facts);
    return 0;
}

static void view_of(const struct cs_pod_entry *entry, struct cs_pod_view *view)
{
    *view = (struct cs_pod_view){
        .uid = entry->uid,
        .name = entry->name,
        .workload = entry->workload,
        .running = is_running(entry),
        .deleted = entry->deleted_ns != 0,
        .phase = entry->phase,
        .containers = entry->container_count,
    };
    for (uint32_t i = 0; i < entry->container_count; i++)
        view->declared |= entry->containers[i].declared;
}

int cs_pod_index_each(const struct cs_pod_index *index,
                      int (*visit)(void *user, const struct cs_pod_view *pod), void *user)
{
    for (const struct cs_pod_entry *entry = index->entries; entry; entry = entry->hh.next) {
        struct cs_pod_view view;
        int r;

        view_of(entry, &view);
        r = visit(user, &view);
        if (r != 0)
            return r;
    }
    return 0;
}

bool cs_pod_index_view(const struct cs_pod_index *index, const char *uid, struct cs_pod_view *view)
{
    const struct cs_pod_entry *entry = find_uid(index, uid);

    if (entry)
        view_of(entry, view);
    return entry != NULL;
}

uint64_t cs_pod_index_changes(const struct cs_pod_index *index)
{
    return index->changes;
}

struct identities {
    int (*visit)(void *user, const struct cs_pod_identity *identity);
    void *user;
};

static int visit_identity(const struct identities *walk, const struct cs_pod_entry *entry,
                          enum cs_mechanism mechanism, const struct cs_label *identity)
{
    const struct cs_pod_identity row = {
        .pod_name = entry->name,
        .workload = entry->workload,
        .mechanism = mechanism,
        .identity = cs_pod_label_text(identity),
    };

    return identity ? walk->visit(walk->user, &row) : 0;
}

static int visit_identities(const struct identities *walk, const struct cs_pod_entry *entry)
{
    int r = visit_identity(walk, entry, CS_MECHANISM_KUBE2IAM, entry->iam_role);

    if (r == 0)
        r = visit_identity(walk, entry, CS_MECHANISM_AAD_POD_IDENTITY, entry->aad_binding);
    for (uint32_t i = 0; i < entry->container_count && r == 0; i++) {
        const struct cs_pod_entry_container *container = &entry->containers[i];

        r = visit_identity(walk, entry, CS_MECHANISM_IRSA, container->role_arn);
        if (r == 0)
            r = visit_identity(walk, entry, CS_MECHANISM_AZURE_WORKLOAD_IDENTITY,
                               container->client_id);
    }
    return r;
}

int cs_pod_index_identities(const struct cs_pod_index *index,
                            int (*visit)(void *user, const struct cs_pod_identity *identity),
                            void *user)
{
    const struct identities walk = {visit, user};
    int r = 0;

    for (const struct cs_pod_entry *entry = index->entries; entry && r == 0; entry = entry->hh.next)
        if (is_running(entry))
            r = visit_identities(&walk, entry);
    return r;
}
