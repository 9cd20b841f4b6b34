/* SPDX-License-Identifier: Apache-2.0 */
/* One workload as a JSON object: always the same members, null for what is not known. */
#include "core/report/workloads_internal.h"

#include <errno.h>
#include <string.h>
#include <time.h>

/* Pods are those of a workload that has its name: not of the node's own processes, and not of the
 * sum of those that --max-series has folded. */
#define HOST_TEXT    "namespace=\"" CS_LABEL_HOST "\","
#define FOLDED_TEXT  ",workload=\"" CS_LABEL_OTHER "\""
#define UNKNOWN_TEXT ",workload=\"" CS_LABEL_UNKNOWN "\""

int cs_workloads_quantile(const struct cs_histogram_bounds *bounds, const uint64_t *counts,
                          double q, uint64_t *ns)
{
    uint64_t total = 0, below = 0;
    double rank, low, high;
    size_t slot = 0;

    for (size_t i = 0; i <= bounds->count; i++)
        total += counts[i];
    if (total == 0)
        return -ENODATA;
    rank = q * (double)total;
    while (slot < bounds->count && (double)(below + counts[slot]) < rank)
        below += counts[slot++];
    if (slot == bounds->count) {
        *ns = bounds->ns[slot - 1];
        return 0;
    }
    low = slot ? (double)bounds->ns[slot - 1] : 0;
    high = (double)bounds->ns[slot];
    if (counts[slot])
        high = low + (high - low) * (rank - (double)below) / (double)counts[slot];
    *ns = (uint64_t)(high + 0.5);
    return 0;
}

void cs_workloads_write_time(uint64_t realtime_ns, struct cs_buffer *buffer)
{
    time_t seconds = (time_t)(realtime_ns / CS_NSEC_PER_SEC);
    struct tm utc;

    if (realtime_ns == 0 || !gmtime_r(&seconds, &utc)) {
        cs_buffer_add_text(buffer, "null");
        return;
    }
    cs_buffer_add_format(buffer, "\"%04d-%02d-%02dT%02d:%02d:%02d.%03uZ\"", utc.tm_year + 1900,
                         utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                         (unsigned int)(realtime_ns % CS_NSEC_PER_SEC / CS_NSEC_PER_MSEC));
}

static void add_u64(struct cs_buffer *buffer, const char *member, bool known, uint64_t value)
{
    cs_buffer_add_text(buffer, member);
    if (known)
        cs_buffer_add_u64(buffer, value);
    else
        cs_buffer_add_text(buffer, "null");
}

static void add_requests(enum cs_mechanism mechanism, const struct cs_workload_use *use,
                         struct cs_buffer *buffer)
{
    uint64_t total = 0, failures = 0;
    const char *separator = "";

    cs_buffer_add_text(buffer, ",\"requests\":{");
    for (enum cs_outcome outcome = 0; outcome < CS_OUTCOME_END; outcome++) {
        if (use->requests[outcome] == 0)
            continue;
        cs_buffer_add_format(buffer, "%s\"%s\":%llu", separator, cs_outcome_name(outcome),
                             (unsigned long long)use->requests[outcome]);
        separator = ",";
        total += use->requests[outcome];
        if (cs_request_result(mechanism, outcome) == CS_RESULT_FAILURE)
            failures += use->requests[outcome];
    }
    add_u64(buffer, "},\"total\":", true, total);
    add_u64(buffer, ",\"failures\":", true, failures);
    add_u64(buffer, ",\"credentials\":", true, use->credentials);
}

static void add_quantile(const struct cs_workload_use *use, const char *member, double q,
                         struct cs_buffer *buffer)
{
    const struct cs_histogram_bounds *bounds =
        cs_histogram_bounds(cs_metric_row(CS_METRIC_REQUEST_DURATION)->kind);
    uint64_t ns;

    cs_buffer_add_text(buffer, member);
    if (cs_workloads_quantile(bounds, use->durations, q, &ns) == 0)
        cs_buffer_add_seconds(buffer, ns);
    else
        cs_buffer_add_text(buffer, "null");
}

static void add_durations(const struct cs_workload_use *use, struct cs_buffer *buffer)
{
    uint64_t count = 0;

    for (size_t i = 0; i < CS_ARRAY_SIZE(use->durations); i++)
        count += use->durations[i];
    add_u64(buffer, ",\"duration_seconds\":{\"count\":", true, count);
    cs_buffer_add_text(buffer, ",\"sum\":");
    cs_buffer_add_seconds(buffer, use->duration_sum_ns);
    add_quantile(use, ",\"p50\":", 0.5, buffer);
    add_quantile(use, ",\"p99\":", 0.99, buffer);
    cs_buffer_add_text(buffer, "}");
}

static void add_use(enum cs_mechanism mechanism, const struct cs_workload_use *use, bool pods_known,
                    const struct cs_workloads_sources *sources, struct cs_buffer *buffer)
{
    const struct cs_mechanism_info *info = cs_mechanism_info(mechanism);

    cs_buffer_add_format(buffer, "{\"mechanism\":\"%s\",\"class\":\"%s\"", info->name,
                         info->class_name);
    add_u64(buffer, ",\"pods_using\":", pods_known, use->pods_using);
    add_requests(mechanism, use, buffer);
    add_durations(use, buffer);
    cs_buffer_add_text(buffer, ",\"last_success\":");
    cs_workloads_write_time(use->last_success_ns, buffer);
    cs_buffer_add_text(buffer, ",\"last_failure\":");
    cs_workloads_write_time(use->last_failure_ns, buffer);
    add_u64(buffer, ",\"in_flight\":", sources->assembler != NULL, use->in_flight);
    cs_buffer_add_text(buffer, ",\"oldest_in_flight_seconds\":");
    if (use->in_flight)
        cs_buffer_add_seconds(buffer, use->oldest_ns);
    else
        cs_buffer_add_text(buffer, "null");
    cs_buffer_add_text(buffer, "}");
}

static void add_declared(const struct cs_workload_row *row, bool known, struct cs_buffer *buffer)
{
    const char *separator = "";

    cs_buffer_add_text(buffer, known ? ",\"declared\":[" : ",\"declared\":null");
    if (!known)
        return;
    for (const struct cs_workload_declared *d = row->declared; d; d = d->next) {
        cs_buffer_add_format(buffer, "%s{\"set\":\"%s\",\"pods\":%u}", separator, d->set, d->pods);
        separator = ",";
    }
    cs_buffer_add_text(buffer, "]");
}

/* Labels as members. */
static const char *add_members(struct cs_slice labels, const char *separator,
                               struct cs_buffer *buffer)
{
    struct cs_slice name, value;

    while (cs_workloads_pair(&labels, &name, &value)) {
        cs_buffer_add_text(buffer, separator);
        cs_buffer_add(buffer, "\"", 1);
        cs_buffer_add(buffer, name.data, name.len);
        cs_buffer_add(buffer, "\":", 2);
        cs_buffer_add(buffer, value.data, value.len);
        separator = ",";
    }
    return separator;
}

static void add_identities(const struct cs_workload_row *row, struct cs_buffer *buffer)
{
    const char *separator = "{";

    cs_buffer_add_text(buffer, ",\"identities\":[");
    for (const struct cs_workload_identity *i = row->identities; i; i = i->next) {
        const char *within = separator;

        for (size_t k = 1; k <= 3; k++) {
            struct cs_slice label;

            label.data = cs_label_text(i->labels[k], &label.len);
            within = add_members(label, within, buffer);
        }
        cs_buffer_add(buffer, "}", 1);
        separator = ",{";
    }
    cs_buffer_add_text(buffer, "]");
}

void cs_workloads_write_row(const struct cs_workload_row *row,
                            const struct cs_workloads_sources *sources, struct cs_buffer *buffer)
{
    bool named = strncmp(row->text, HOST_TEXT, sizeof(HOST_TEXT) - 1) != 0 &&
                 !strstr(row->text, FOLDED_TEXT) && !strstr(row->text, UNKNOWN_TEXT);
    bool pods_known = named && sources->usage;
    const char *separator = "";

    add_members((struct cs_slice){row->text, row->len}, "{", buffer);
    add_u64(buffer, ",\"pods\":", pods_known, row->pods);
    add_declared(row, named && sources->usage && sources->index, buffer);
    add_identities(row, buffer);
    cs_workloads_write_findings(row, sources, buffer);
    cs_buffer_add_text(buffer, ",\"mechanisms\":[");
    for (enum cs_mechanism mechanism = 0; mechanism < CS_MECHANISM_END; mechanism++) {
        if (!row->uses[mechanism])
            continue;
        cs_buffer_add_text(buffer, separator);
        add_use(mechanism, row->uses[mechanism], pods_known, sources, buffer);
        separator = ",\n ";
    }
    cs_buffer_add_text(buffer, "]}");
}
