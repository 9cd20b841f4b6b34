/* SPDX-License-Identifier: Apache-2.0 */
/* What requests and specs name of workloads: credscope_identity_info, credscope_sdk_info. */
#include "core/metrics/record_internal.h"

#include <nettle/sha2.h>
#include <stdio.h>
#include <string.h>

#define REQUESTED       "requested"
#define DECLARED        "declared"
#define HASH_TEXT_BYTES 8 /* of the digest's 32 that are shown */
#define HASH_TEXT_MAX   (sizeof("sha256:") + 2 * HASH_TEXT_BYTES)

/* "sha256:" and the digest's first bytes in hexadecimal. */
static void hash(const char *identity, char text[HASH_TEXT_MAX])
{
    uint8_t digest[HASH_TEXT_BYTES];
    struct sha256_ctx context;
    size_t len = (size_t)snprintf(text, HASH_TEXT_MAX, "sha256:");

    sha256_init(&context);
    sha256_update(&context, strlen(identity), (const uint8_t *)identity);
    sha256_digest(&context, sizeof(digest), digest);
    for (size_t i = 0; i < sizeof(digest); i++)
        len += (size_t)snprintf(text + len, HASH_TEXT_MAX - len, "%02x", digest[i]);
}

static const char *shown(const struct cs_recorder *recorder, const char *identity,
                         char text[HASH_TEXT_MAX])
{
    if (recorder->options.identity_labels == CS_IDENTITY_FULL)
        return identity;
    hash(identity, text);
    return text;
}

/* Whether the workload's series with those values of the row's own labels is there. */
static bool exists(struct cs_recorder *recorder, enum cs_metric metric, struct cs_label *workload,
                   const char *const values[])
{
    const struct cs_metric_row *row = cs_metric_row(metric);
    struct cs_label *key[CS_SERIES_LABELS] = {workload};
    bool found = workload != NULL;

    for (size_t i = 0; row->labels[i] && found; i++) {
        key[i + 1] = cs_labels_get_pair(recorder->labels, row->labels[i], values[i]);
        found = key[i + 1] != NULL;
    }
    found = found && cs_registry_find(recorder->registry, metric, key);
    for (size_t i = 1; i < CS_SERIES_LABELS; i++)
        cs_label_unref(recorder->labels, key[i]);
    return found;
}

void cs_recorder_identity_requested(struct cs_recorder *recorder, const struct cs_subject *subject,
                                    enum cs_mechanism mechanism, const char *identity,
                                    uint64_t now_ns)
{
    const char *name = cs_mechanism_info(mechanism)->name;
    struct cs_record_target target;
    struct cs_label *workload;
    char text[HASH_TEXT_MAX];

    if (recorder->options.identity_labels == CS_IDENTITY_OFF)
        return;
    identity = shown(recorder, identity, text);
    cs_record_target_init(&target, recorder, subject, now_ns);
    workload = cs_record_target_find(recorder, &target);
    if (exists(recorder, CS_METRIC_IDENTITY, workload, CS_RECORD_VALUES(name, identity, REQUESTED)))
        return;
    if (!cs_record_admit_identity(recorder, workload))
        identity = CS_LABEL_OTHER;
    cs_recorder_set_of(recorder, CS_METRIC_IDENTITY, subject,
                       CS_RECORD_VALUES(name, identity, REQUESTED), 1, now_ns);
}

void cs_recorder_identity_declared(struct cs_recorder *recorder, const struct cs_subject *subject,
                                   enum cs_mechanism mechanism, const char *identity,
                                   uint64_t now_ns)
{
    char text[HASH_TEXT_MAX];

    if (recorder->options.identity_labels == CS_IDENTITY_OFF)
        return;
    cs_recorder_set_of(recorder, CS_METRIC_IDENTITY, subject,
                       CS_RECORD_VALUES(cs_mechanism_info(mechanism)->name,
                                        shown(recorder, identity, text), DECLARED),
                       1, now_ns);
}

void cs_recorder_sdk(struct cs_recorder *recorder, const struct cs_subject *subject,
                     const char *name, const char *version, uint64_t now_ns)
{
    struct cs_record_target target;
    struct cs_label *workload;

    cs_record_target_init(&target, recorder, subject, now_ns);
    workload = cs_record_target_find(recorder, &target);
    if (!exists(recorder, CS_METRIC_SDK, workload, CS_RECORD_VALUES(name, version)) &&
        !cs_record_admit_sdk(recorder, workload))
        version = CS_LABEL_OTHER;
    cs_recorder_set_of(recorder, CS_METRIC_SDK, subject, CS_RECORD_VALUES(name, version), 1,
                       now_ns);
}

static bool is_declared(struct cs_label *const *labels, void *declared)
{
    return labels[3] == declared;
}

void cs_recorder_identities_undeclare(struct cs_recorder *recorder)
{
    struct cs_label *declared = cs_labels_get_pair(recorder->labels, "source", DECLARED);

    if (!declared)
        return;
    cs_registry_sweep(recorder->registry, CS_METRIC_IDENTITY, is_declared, declared);
    cs_label_unref(recorder->labels, declared);
}
