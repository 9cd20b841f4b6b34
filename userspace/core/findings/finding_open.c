// SPDX-License-Identifier: Apache-2.0
/* Opening and clearing, and the aggregate by workload. */
#include "core/findings/finding_private.h"

#include "base/util.h"
#include "core/pods/pod_workload.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* How many containers of one workload have it open. */
struct cs_finding_gauge {
    UT_hash_handle hh;
    struct {
        struct cs_label *workload; /* referenced */
        uint32_t finding;
        uint32_t expected;
    } key;
    uint32_t containers;
};

static void tell_gauge(const struct cs_findings *findings, const struct cs_finding_gauge *gauge,
                       bool open)
{
    struct cs_workload workload;

    cs_pod_workload_read(gauge->key.workload, &workload);
    findings->options.sink.gauge(findings->options.sink.user, &workload,
                                 (enum cs_finding)gauge->key.finding, gauge->key.expected, open);
}

static struct cs_finding_gauge *gauge_find(const struct cs_findings *findings,
                                           struct cs_label *workload,
                                           const struct cs_finding_entry *entry)
{
    struct cs_finding_gauge key = {.key = {workload, entry->finding, entry->expected}};
    struct cs_finding_gauge *gauge;

    HASH_FIND(hh, findings->gauges, &key.key, sizeof(key.key), gauge);
    return gauge;
}

static void gauge_add(struct cs_findings *findings, struct cs_label *workload,
                      const struct cs_finding_entry *entry)
{
    struct cs_finding_gauge *gauge;

    if (!workload)
        return;
    gauge = gauge_find(findings, workload, entry);
    if (!gauge) {
        gauge = calloc(1, sizeof(*gauge));
        if (gauge) {
            gauge->key.workload = workload;
            gauge->key.finding = entry->finding;
            gauge->key.expected = entry->expected;
            HASH_ADD(hh, findings->gauges, key, sizeof(gauge->key), gauge);
        }
        if (!gauge || !gauge->hh.tbl) {
            free(gauge);
            findings->stats.refused++;
            return;
        }
        cs_label_ref(workload);
        tell_gauge(findings, gauge, true);
    }
    gauge->containers++;
}

static void gauge_free(struct cs_findings *findings, struct cs_finding_gauge *gauge)
{
    HASH_DEL(findings->gauges, gauge);
    cs_label_unref(findings->labels, gauge->key.workload);
    free(gauge);
}

static void gauge_remove(struct cs_findings *findings, struct cs_label *workload,
                         const struct cs_finding_entry *entry)
{
    struct cs_finding_gauge *gauge = workload ? gauge_find(findings, workload, entry) : NULL;

    if (!gauge || --gauge->containers > 0)
        return;
    tell_gauge(findings, gauge, false);
    gauge_free(findings, gauge);
}

void cs_finding_gauges_free(struct cs_findings *findings)
{
    struct cs_finding_gauge *each, *next;

    HASH_ITER (hh, findings->gauges, each, next)
        gauge_free(findings, each);
}

void cs_findings_regauge(const struct cs_findings *findings)
{
    for (const struct cs_finding_gauge *each = findings->gauges; each; each = each->hh.next)
        tell_gauge(findings, each, true);
}

static const struct cs_expect_entry *expectation(const struct cs_findings *findings,
                                                 const struct cs_workload *workload,
                                                 enum cs_mechanism mechanism, uint64_t now_ns)
{
    int64_t now_s = ((int64_t)now_ns + findings->wall_offset_ns) / (int64_t)CS_NSEC_PER_SEC;

    if (!findings->options.expect)
        return NULL;
    return cs_expect_find(findings->options.expect, workload->namespace, workload->service_account,
                          mechanism, now_s);
}

void cs_finding_rename(struct cs_findings *findings, struct cs_finding_container *container,
                       struct cs_label *label)
{
    struct cs_label *old = container->workload;
    struct cs_workload workload;

    container->workload = label;
    cs_pod_workload_read(label, &workload);
    for (uint32_t i = 0; i < container->entry_count && old != label; i++) {
        struct cs_finding_entry *entry = &container->entries[i];
        struct cs_finding_entry was = *entry;

        entry->expected =
            expectation(findings, &workload, entry->mechanism, findings->swept_ns) != NULL;
        /* Added first: a gauge that both names share doesn't blink. */
        gauge_add(findings, label, entry);
        gauge_remove(findings, old, &was);
    }
    cs_label_unref(findings->labels, old);
}

void cs_finding_view(const struct cs_findings *findings,
                     const struct cs_finding_container *container,
                     const struct cs_finding_entry *entry, const struct cs_workload *workload,
                     struct cs_finding_view *view)
{
    const struct cs_expect_entry *expected =
        expectation(findings, workload, entry->mechanism, findings->swept_ns);
    size_t len;

    *view = (struct cs_finding_view){
        .finding = entry->finding,
        .workload = workload,
        .pod = container->pod_name ? cs_label_text(container->pod_name, &len) : "",
        .pod_uid = container->pod ? container->pod->uid : "",
        .container = container->name ? cs_label_text(container->name, &len) : "",
        .container_id = container->pod && strcmp(container->key, container->pod->uid) != 0
                            ? container->key
                            : "",
        .mechanism = entry->mechanism,
        .expected = entry->expected,
        .reason = entry->expected && expected ? expected->reason : NULL,
        .since_ns = entry->since_ns,
        .last_ns = entry->last_ns,
        .count = entry->count,
    };
    cs_finding_explain(container, entry, workload, view->explanation);
}

static void tell(const struct cs_findings *findings, const struct cs_finding_container *container,
                 const struct cs_finding_entry *entry, bool open)
{
    struct cs_workload workload;
    struct cs_finding_view view;

    if (!container->workload)
        return;
    cs_pod_workload_read(container->workload, &workload);
    cs_finding_view(findings, container, entry, &workload, &view);
    findings->options.sink.changed(findings->options.sink.user, &view, open);
}

static struct cs_finding_entry *entry_find(const struct cs_finding_container *container,
                                           enum cs_finding finding, enum cs_mechanism mechanism,
                                           uint8_t address)
{
    for (uint32_t i = 0; i < container->entry_count; i++) {
        struct cs_finding_entry *entry = &container->entries[i];

        if (entry->finding == finding && entry->mechanism == mechanism && entry->address == address)
            return entry;
    }
    return NULL;
}

static struct cs_finding_entry *entry_new(struct cs_findings *findings,
                                          struct cs_finding_container *container)
{
    struct cs_finding_entry *entries = container->entries;
    uint32_t size = container->entry_size;

    if (container->entry_count == size) {
        size = size ? 2 * size : 2;
        if (size > CS_FINDING_ENTRIES_MAX)
            size = CS_FINDING_ENTRIES_MAX;
        entries = container->entry_count < size ? realloc(entries, size * sizeof(*entries)) : NULL;
        if (!entries) {
            findings->stats.refused++;
            return NULL;
        }
        container->entries = entries;
        container->entry_size = size;
    }
    memset(&entries[container->entry_count], 0, sizeof(*entries));
    return &entries[container->entry_count++];
}

static void update(struct cs_finding_entry *entry, const struct cs_finding_case *c)
{
    if (c->at_ns >= entry->last_ns) {
        entry->last_ns = c->at_ns;
        entry->outcome = c->outcome;
        entry->status = c->status;
        entry->span_ns = c->span_ns;
        memcpy(entry->detail, c->detail, sizeof(entry->detail));
    }
    entry->count++;
}

void cs_finding_note(struct cs_finding_case *c, enum cs_finding finding)
{
    struct cs_findings *findings = c->findings;
    struct cs_finding_container *container = c->container;
    struct cs_finding_entry *entry = entry_find(container, finding, c->mechanism, c->address);
    struct cs_workload workload;

    if (entry) {
        update(entry, c);
        return;
    }
    if (!container->workload)
        return;
    entry = entry_new(findings, container);
    if (!entry)
        return;
    entry->finding = finding;
    entry->mechanism = c->mechanism;
    entry->address = c->address;
    entry->since_ns = c->at_ns;
    update(entry, c);
    cs_pod_workload_read(container->workload, &workload);
    entry->expected = expectation(findings, &workload, c->mechanism, c->now_ns) != NULL;
    findings->stats.open++;
    findings->stats.opened++;
    gauge_add(findings, container->workload, entry);
    tell(findings, container, entry, true);
}

static void clear_at(struct cs_findings *findings, struct cs_finding_container *container,
                     uint32_t index)
{
    struct cs_finding_entry entry = container->entries[index];

    container->entries[index] = container->entries[--container->entry_count];
    findings->stats.open--;
    findings->stats.cleared++;
    gauge_remove(findings, container->workload, &entry);
    tell(findings, container, &entry, false);
}

void cs_finding_clear(struct cs_findings *findings, struct cs_finding_container *container,
                      enum cs_finding finding, uint8_t address)
{
    for (uint32_t i = container->entry_count; i > 0; i--)
        if (container->entries[i - 1].finding == finding &&
            container->entries[i - 1].address == address)
            clear_at(findings, container, i - 1);
}

const struct cs_finding_entry *cs_finding_find(const struct cs_finding_container *container,
                                               enum cs_finding finding, uint8_t address)
{
    for (uint32_t i = 0; i < container->entry_count; i++)
        if (container->entries[i].finding == finding && container->entries[i].address == address)
            return &container->entries[i];
    return NULL;
}

void cs_finding_succeeded(struct cs_findings *findings, struct cs_finding_container *container,
                          enum cs_finding_success success)
{
    for (uint32_t i = container->entry_count; i > 0; i--)
        if (cs_finding_info(container->entries[i - 1].finding)->success == success)
            clear_at(findings, container, i - 1);
}

/* It got credentials of its own after the last evidence. */
static bool superseded(const struct cs_finding_container *container,
                       const struct cs_finding_entry *entry)
{
    for (enum cs_mechanism i = 0; i < CS_MECHANISM_END; i++)
        if (cs_mechanism_info(i)->class != CS_CLASS_NODE &&
            container->delivered_ns[i] > entry->last_ns)
            return true;
    return false;
}

static uint64_t hold_of(const struct cs_findings *findings,
                        const struct cs_finding_container *container,
                        const struct cs_finding_entry *entry)
{
    const struct cs_finding_info *info = cs_finding_info(entry->finding);
    uint64_t life = cs_credential_life(&findings->options.life, entry->mechanism);

    if (info->clear == CS_CLEAR_QUIET || container->ended_ns != 0 ||
        (info->clear == CS_CLEAR_SUPERSEDED && superseded(container, entry)))
        return info->hold_ns;
    return life > info->hold_ns ? life : info->hold_ns;
}

void cs_finding_sweep(struct cs_findings *findings, struct cs_finding_container *container,
                      uint64_t now_ns)
{
    for (uint32_t i = container->entry_count; i > 0; i--) {
        const struct cs_finding_entry *entry = &container->entries[i - 1];

        if (now_ns > entry->last_ns &&
            now_ns - entry->last_ns >= hold_of(findings, container, entry))
            clear_at(findings, container, i - 1);
    }
}

void cs_finding_judge(struct cs_findings *findings, struct cs_finding_container *container,
                      uint64_t now_ns)
{
    struct cs_workload workload;

    if (container->entry_count == 0)
        return;
    cs_pod_workload_read(container->workload, &workload);
    for (uint32_t i = 0; i < container->entry_count; i++) {
        struct cs_finding_entry *entry = &container->entries[i];
        struct cs_finding_entry was = *entry;

        entry->expected = expectation(findings, &workload, entry->mechanism, now_ns) != NULL;
        if (entry->expected == was.expected)
            continue;
        gauge_add(findings, container->workload, entry);
        gauge_remove(findings, container->workload, &was);
    }
}
