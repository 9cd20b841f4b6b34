/* SPDX-License-Identifier: Apache-2.0 */
/* One pod in the index, and the keys by which it is found. */
#include "core/pods/pod_index_private.h"

#include "core/pods/owner.h"
#include "core/pods/pod_workload.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int digit_of(char c)
{
    return c <= '9' ? c - '0' : c - 'a' + 10;
}

/* False: not of that kind's form. */
static bool key_make(uint8_t key[CS_POD_KEY_LEN], char kind, const char *text)
{
    size_t len = strlen(text);

    memset(key, 0, CS_POD_KEY_LEN);
    key[0] = (uint8_t)kind;
    if (kind == 's') {
        if (len == 0 || len >= CS_POD_UID_LEN)
            return false;
        memcpy(key + 1, text, len);
        return true;
    }
    if (len != 64 || strspn(text, "0123456789abcdef") != len)
        return false;
    for (size_t i = 0; i < 32; i++)
        key[1 + i] = (uint8_t)(digit_of(text[2 * i]) << 4 | digit_of(text[2 * i + 1]));
    return true;
}

void cs_pod_alias_text(const struct cs_pod_alias *alias, char text[CS_POD_KEY_TEXT_MAX])
{
    static const char DIGITS[] = "0123456789abcdef";

    if (alias->key[0] == 's') {
        memcpy(text, alias->key + 1, CS_POD_UID_LEN);
        return;
    }
    for (size_t i = 0; i < 32; i++) {
        text[2 * i] = DIGITS[alias->key[1 + i] >> 4];
        text[2 * i + 1] = DIGITS[alias->key[1 + i] & 15];
    }
    text[64] = '\0';
}

struct cs_pod_alias *cs_pod_alias_find(const struct cs_pod_index *index, char kind,
                                       const char *text)
{
    uint8_t key[CS_POD_KEY_LEN];
    struct cs_pod_alias *alias = NULL;

    if (key_make(key, kind, text))
        HASH_FIND(hh, index->aliases, key, sizeof(key), alias);
    return alias;
}

static void alias_free(struct cs_pod_index *index, struct cs_pod_alias *alias)
{
    if (!alias)
        return;
    *alias->slot = NULL;
    HASH_DEL(index->aliases, alias);
    index->stats.bytes -= sizeof(*alias);
    free(alias);
}

/* Of one name there is one pod at a time: what had it before is gone, although nothing may have
 * told so yet, such as a mirror pod that was made anew while a list was read. */
static bool is_successor(const struct cs_pod_entry *entry, const struct cs_pod_entry *other)
{
    return entry->workload == other->workload && strcmp(entry->name, other->name) == 0;
}

/* Make text a key of entry, held at slot. Who has it keeps it, unless deleted; without memory
 * there is none. */
static void alias_add(struct cs_pod_index *index, struct cs_pod_entry *entry,
                      struct cs_pod_alias **slot, char kind, const char *text)
{
    struct cs_pod_alias *alias = cs_pod_alias_find(index, kind, text);

    if (alias && alias->entry != entry && alias->entry->deleted_ns == 0 &&
        !is_successor(entry, alias->entry))
        return;
    if (alias && alias->slot == slot)
        return;
    alias_free(index, alias);
    alias_free(index, *slot);
    alias = calloc(1, sizeof(*alias));
    if (!alias)
        return;
    if (!key_make(alias->key, kind, text)) {
        free(alias);
        return;
    }
    HASH_ADD(hh, index->aliases, key, sizeof(alias->key), alias);
    if (!alias->hh.tbl) {
        free(alias);
        return;
    }
    alias->entry = entry;
    alias->slot = slot;
    *slot = alias;
    index->stats.bytes += sizeof(*alias);
}

static struct cs_label *label_of(struct cs_pod_index *index, const char *text)
{
    return text[0] == '\0' ? NULL : cs_labels_get(index->labels, text, strlen(text));
}

const char *cs_pod_label_text(const struct cs_label *label)
{
    size_t len;

    return label ? cs_label_text(label, &len) : NULL;
}

struct cs_pod_entry *cs_pod_entry_find(const struct cs_pod_index *index, const char *uid)
{
    struct cs_pod_entry *entry;

    HASH_FIND_STR(index->entries, uid, entry);
    return entry;
}

struct cs_pod_entry *cs_pod_entry_new(struct cs_pod_index *index, const struct cs_pod *pod)
{
    size_t name_size = strlen(pod->name) + 1;
    struct cs_pod_entry *entry = calloc(1, sizeof(*entry) + name_size);

    if (!entry)
        return NULL;
    memcpy(entry->uid, pod->uid, sizeof(entry->uid));
    memcpy(entry->name, pod->name, name_size);
    HASH_ADD_STR(index->entries, uid, entry);
    if (!entry->hh.tbl) {
        free(entry);
        return NULL;
    }
    index->stats.live++;
    index->stats.bytes += sizeof(*entry) + name_size;
    return entry;
}

static void containers_free(struct cs_pod_index *index, struct cs_pod_entry *entry)
{
    for (uint32_t i = 0; i < entry->container_count; i++) {
        struct cs_pod_entry_container *container = &entry->containers[i];

        cs_label_unref(index->labels, container->name);
        cs_label_unref(index->labels, container->image);
        cs_label_unref(index->labels, container->role_arn);
        cs_label_unref(index->labels, container->client_id);
        alias_free(index, container->ids[0]);
        alias_free(index, container->ids[1]);
    }
    index->stats.containers -= entry->container_count;
    index->stats.bytes -= entry->container_count * sizeof(entry->containers[0]);
    free(entry->containers);
    entry->containers = NULL;
    entry->container_count = 0;
}

/* What the new list of containers doesn't know yet of the old one's ids. */
static void ids_carry_over(struct cs_pod_entry *from, struct cs_pod_entry_container *to)
{
    for (uint32_t i = 0; i < from->container_count; i++) {
        struct cs_pod_entry_container *old = &from->containers[i];

        if (old->name != to->name || old->kind != to->kind)
            continue;
        for (size_t k = 0; k < 2; k++) {
            to->ids[k] = old->ids[k];
            old->ids[k] = NULL;
            if (to->ids[k])
                to->ids[k]->slot = &to->ids[k];
        }
        return;
    }
}

/* A restarted container's id comes before that of its last run, which stays. */
static void ids_update(struct cs_pod_index *index, struct cs_pod_entry *entry,
                       struct cs_pod_entry_container *container,
                       const struct cs_pod_container *spec)
{
    struct cs_pod_alias *known = cs_pod_alias_find(index, 'c', spec->ids[0]);

    if (spec->ids[0][0] != '\0' && container->ids[0] && known != container->ids[0]) {
        alias_free(index, container->ids[1]);
        container->ids[1] = container->ids[0];
        container->ids[1]->slot = &container->ids[1];
        container->ids[0] = NULL;
    }
    if (spec->ids[0][0] != '\0')
        alias_add(index, entry, &container->ids[0], 'c', spec->ids[0]);
    if (spec->ids[1][0] != '\0')
        alias_add(index, entry, &container->ids[1], 'c', spec->ids[1]);
}

static int containers_fill(struct cs_pod_index *index, struct cs_pod_entry *entry,
                           const struct cs_pod *pod)
{
    struct cs_pod_entry_container *made = calloc(pod->container_count + 1, sizeof(*made));

    if (!made)
        return -ENOMEM;
    for (uint32_t i = 0; i < pod->container_count; i++) {
        const struct cs_pod_container *spec = &pod->containers[i];

        made[i] = (struct cs_pod_entry_container){
            .name = label_of(index, spec->name),
            .image = label_of(index, spec->image),
            .role_arn = label_of(index, spec->role_arn),
            .client_id = label_of(index, spec->client_id),
            .declared = spec->declared,
            .kind = (uint8_t)spec->kind,
            .proxy = spec->proxy,
        };
        ids_carry_over(entry, &made[i]);
    }
    containers_free(index, entry);
    entry->containers = made;
    entry->container_count = pod->container_count;
    index->stats.containers += pod->container_count;
    index->stats.bytes += pod->container_count * sizeof(*made);
    for (uint32_t i = 0; i < pod->container_count; i++)
        ids_update(index, entry, &made[i], &pod->containers[i]);
    return 0;
}

static void label_replace(struct cs_pod_index *index, struct cs_label **label, struct cs_label *by)
{
    cs_label_unref(index->labels, *label);
    *label = by;
}

int cs_pod_entry_fill(struct cs_pod_index *index, struct cs_pod_entry *entry,
                      const struct cs_pod *pod)
{
    struct cs_label *before = entry->workload;
    struct cs_workload workload;
    struct cs_label *label;

    cs_owner_workload(pod, &workload);
    label = cs_pod_workload_get(index->labels, &workload);
    if (!label)
        return -ENOMEM;
    entry->workload = label;
    if (containers_fill(index, entry, pod) < 0) {
        label_replace(index, &entry->workload, before);
        return -ENOMEM;
    }
    cs_label_unref(index->labels, before);
    label_replace(index, &entry->iam_role, label_of(index, pod->iam_role));
    label_replace(index, &entry->aad_binding, label_of(index, pod->aad_binding));
    entry->created_s = pod->created_s;
    entry->phase = (uint8_t)pod->phase;
    entry->host_network = pod->host_network;
    if (pod->static_hash[0] != '\0')
        alias_add(index, entry, &entry->static_hash, 's', pod->static_hash);
    return 0;
}

void cs_pod_entry_free(struct cs_pod_index *index, struct cs_pod_entry *entry)
{
    if (entry->deleted_ns != 0) {
        DL_DELETE(index->deleted, entry);
        index->stats.deleted--;
    } else {
        index->stats.live--;
    }
    containers_free(index, entry);
    alias_free(index, entry->static_hash);
    cs_label_unref(index->labels, entry->workload);
    cs_label_unref(index->labels, entry->iam_role);
    cs_label_unref(index->labels, entry->aad_binding);
    HASH_DEL(index->entries, entry);
    index->stats.bytes -= sizeof(*entry) + strlen(entry->name) + 1;
    free(entry);
}
