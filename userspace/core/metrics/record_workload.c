/* SPDX-License-Identifier: Apache-2.0 */
/* Whose series these are: the labels W, the cap's steps, and expiry. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "core/metrics/record_internal.h"

#include <errno.h>
#include <stdlib.h>

struct cs_record_entry {
    UT_hash_handle hh;
    struct cs_label *label; /* the key; referenced */
    uint64_t expires_ns;    /* counted from its last update, or its last pod's end */
    uint16_t identities;    /* that it asked for */
    uint16_t sdks;          /* that its requests name */
    bool present;           /* pods of it run */
    bool expired;           /* about to go */
};

static const char *const W_NAMES[] = {"namespace", "service_account", "workload_kind", "workload"};

void cs_record_target_init(struct cs_record_target *target, const struct cs_recorder *recorder,
                           const struct cs_subject *subject, uint64_t now_ns)
{
    const struct cs_workload *workload = &subject->workload;

    *target = (struct cs_record_target){
        .names = {workload->namespace, workload->service_account, workload->workload_kind,
                  workload->workload},
        .expires_ns = now_ns + recorder->options.expiry_ns,
    };
    if (!recorder->options.pod_labels)
        return;
    target->pod = subject->pod;
    if (subject->pod[0] == '\0' && subject->attribution == CS_ATTRIBUTION_HOST)
        target->pod = CS_LABEL_HOST;
}

/* The text of W at one level, in the scratch buffer. 0 or -errno. */
static int render(struct cs_recorder *recorder, const struct cs_record_target *target,
                  enum cs_record_level level)
{
    static const size_t KEPT[] = {
        [CS_RECORD_FULL] = 4, [CS_RECORD_SERVICE_ACCOUNT] = 2, [CS_RECORD_OTHER] = 0};
    struct cs_buffer *scratch = &recorder->scratch;

    scratch->len = 0;
    scratch->error = 0;
    for (size_t i = 0; i < 4; i++)
        cs_label_append(scratch, W_NAMES[i], i < KEPT[level] ? target->names[i] : CS_LABEL_OTHER);
    if (target->pod)
        cs_label_append(scratch, "pod", level == CS_RECORD_FULL ? target->pod : CS_LABEL_OTHER);
    return scratch->error;
}

static struct cs_record_entry *entry_find(struct cs_recorder *recorder,
                                          const struct cs_label *label)
{
    struct cs_record_entry *entry = NULL;

    if (label)
        HASH_FIND_PTR(recorder->entries, &label, entry);
    return entry;
}

struct cs_label *cs_record_target_find(struct cs_recorder *recorder,
                                       const struct cs_record_target *target)
{
    struct cs_label *label;

    if (render(recorder, target, CS_RECORD_FULL) < 0)
        return NULL;
    label = cs_labels_find(recorder->labels, recorder->scratch.data, recorder->scratch.len);
    return entry_find(recorder, label) ? label : NULL;
}

static void entry_free(struct cs_recorder *recorder, struct cs_record_entry *entry)
{
    HASH_DEL(recorder->entries, entry);
    cs_label_unref(recorder->labels, entry->label);
    recorder->entry_count--;
    free(entry);
}

void cs_record_entries_free(struct cs_recorder *recorder)
{
    struct cs_record_entry *entry, *next;

    HASH_ITER (hh, recorder->entries, entry, next)
        entry_free(recorder, entry);
}

/* Keep what the scratch buffer holds as a new entry; NULL: no memory. */
static struct cs_record_entry *entry_new(struct cs_recorder *recorder)
{
    struct cs_record_entry *entry = calloc(1, sizeof(*entry));

    if (!entry)
        return NULL;
    entry->label = cs_labels_get(recorder->labels, recorder->scratch.data, recorder->scratch.len);
    if (!entry->label) {
        free(entry);
        return NULL;
    }
    HASH_ADD_PTR(recorder->entries, label, entry);
    if (!entry->hh.tbl) {
        cs_label_unref(recorder->labels, entry->label);
        free(entry);
        return NULL;
    }
    recorder->entry_count++;
    return entry;
}

/* Samples that may exist for a new workload to be taken at a level. */
static uint32_t admission_limit(const struct cs_recorder *recorder, enum cs_record_level level)
{
    uint64_t max = recorder->options.max_series;
    uint64_t eighths = level == CS_RECORD_FULL ? 6 : level == CS_RECORD_SERVICE_ACCOUNT ? 7 : 8;

    return (uint32_t)(max * eighths / 8);
}

/* Samples that may exist after a new series at a level: more than for admission, so that a
 * workload that was taken can have its other outcomes. */
static uint32_t series_limit(const struct cs_recorder *recorder, enum cs_record_level level)
{
    uint64_t max = recorder->options.max_series;
    uint64_t sixteenths = level == CS_RECORD_FULL              ? 14
                          : level == CS_RECORD_SERVICE_ACCOUNT ? 15
                                                               : 16;

    return (uint32_t)(max * sixteenths / 16);
}

/* The entry's label for this target and level, made if the cap allows; NULL otherwise. */
static struct cs_label *target_label(struct cs_recorder *recorder, struct cs_record_target *target,
                                     enum cs_record_level level)
{
    struct cs_record_entry *entry;

    if (target->labels[level])
        return target->labels[level];
    if (render(recorder, target, level) < 0)
        return NULL;
    entry = entry_find(
        recorder, cs_labels_find(recorder->labels, recorder->scratch.data, recorder->scratch.len));
    if (!entry && cs_registry_samples(recorder->registry) <= admission_limit(recorder, level) &&
        recorder->entry_count <= recorder->options.max_series)
        entry = entry_new(recorder);
    if (!entry)
        return NULL;
    if (entry->expires_ns < target->expires_ns)
        entry->expires_ns = target->expires_ns;
    target->labels[level] = entry->label;
    return entry->label;
}

struct cs_series *cs_record_series(struct cs_recorder *recorder, enum cs_metric metric,
                                   struct cs_record_target *target,
                                   struct cs_label *const labels[CS_METRIC_LABELS_MAX])
{
    struct cs_label *key[CS_SERIES_LABELS] = {NULL, labels[0], labels[1], labels[2], labels[3]};
    struct cs_series *series = NULL;

    for (enum cs_record_level level = 0; level < CS_RECORD_LEVEL_END; level++) {
        key[0] = target_label(recorder, target, level);
        if (key[0] && cs_registry_get(recorder->registry, metric, key,
                                      series_limit(recorder, level), &series) == 0)
            return series;
        recorder->overflow[level]++;
        if (level > 0)
            recorder->overflow[level - 1]--;
    }
    return NULL;
}

void cs_recorder_subject_present(struct cs_recorder *recorder, const struct cs_subject *subject,
                                 uint64_t now_ns)
{
    struct cs_record_target target;
    struct cs_record_entry *entry;

    cs_record_target_init(&target, recorder, subject, now_ns);
    entry = entry_find(recorder, target_label(recorder, &target, CS_RECORD_FULL));
    if (entry)
        entry->present = true;
}

static bool admit(uint16_t *count, uint16_t max)
{
    if (*count >= max)
        return false;
    (*count)++;
    return true;
}

bool cs_record_admit_identity(struct cs_recorder *recorder, const struct cs_label *workload)
{
    struct cs_record_entry *entry = entry_find(recorder, workload);

    return !entry || admit(&entry->identities, CS_RECORD_IDENTITIES_MAX);
}

bool cs_record_admit_sdk(struct cs_recorder *recorder, const struct cs_label *workload)
{
    struct cs_record_entry *entry = entry_find(recorder, workload);

    return !entry || admit(&entry->sdks, CS_RECORD_SDKS_MAX);
}

static bool is_label(struct cs_label *const *labels, void *user)
{
    return labels[0] == user;
}

void cs_recorder_subject_gone(struct cs_recorder *recorder, const struct cs_subject *subject,
                              uint64_t now_ns)
{
    struct cs_record_target target;
    struct cs_record_entry *entry;
    struct cs_label *label;

    cs_record_target_init(&target, recorder, subject, now_ns);
    label = cs_record_target_find(recorder, &target);
    entry = entry_find(recorder, label);
    if (!entry)
        return;
    entry->present = false;
    entry->identities = entry->sdks = 0;
    entry->expires_ns = target.expires_ns;
    for (enum cs_metric metric = 0; metric < CS_METRIC_END; metric++) {
        if (cs_metric_row(metric)->scope == CS_SCOPE_STATE)
            cs_registry_sweep(recorder->registry, metric, is_label, label);
    }
}

static bool is_expired(struct cs_label *const *labels, void *user)
{
    struct cs_record_entry *entry = entry_find(user, labels[0]);

    return entry && entry->expired;
}

void cs_recorder_expire(struct cs_recorder *recorder, uint64_t now_ns)
{
    struct cs_record_entry *entry, *next;
    bool any = false;

    HASH_ITER (hh, recorder->entries, entry, next) {
        entry->expired = !entry->present && entry->expires_ns <= now_ns;
        any |= entry->expired;
    }
    if (!any)
        return;
    for (enum cs_metric metric = 0; metric < CS_METRIC_END; metric++) {
        if (cs_metric_row(metric)->scope != CS_SCOPE_NODE)
            recorder->expired +=
                cs_registry_sweep(recorder->registry, metric, is_expired, recorder);
    }
    HASH_ITER (hh, recorder->entries, entry, next) {
        if (entry->expired)
            entry_free(recorder, entry);
    }
}
