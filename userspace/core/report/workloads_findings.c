/* SPDX-License-Identifier: Apache-2.0 */
/* The stage that adds each workload's open findings. */
#include "core/report/workloads_internal.h"

#include "core/findings/findings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct cs_workload_finding *find(struct cs_workload_row *row,
                                        const struct cs_finding_view *view)
{
    struct cs_workload_finding *finding = row->findings;

    while (finding && (finding->finding != view->finding || finding->expected != view->expected))
        finding = finding->next;
    return finding;
}

/* The explanation is that of the container with the latest evidence. */
static void merge(struct cs_workload_finding *finding, const struct cs_finding_view *view)
{
    char *explanation;

    if (finding->containers++ == 0 || view->since_ns < finding->since_ns)
        finding->since_ns = view->since_ns;
    finding->mechanisms |= view->mechanism < CS_MECHANISM_END ? 1u << view->mechanism : 0;
    if (finding->explanation && view->last_ns <= finding->last_ns)
        return;
    finding->last_ns = view->last_ns;
    explanation = strdup(view->explanation);
    if (!explanation)
        return;
    free(finding->explanation);
    finding->explanation = explanation;
}

static int add_finding(void *user, const struct cs_finding_view *view)
{
    struct cs_workloads *workloads = user;
    struct cs_workload_row *row = cs_workloads_row_of(workloads, view->workload);
    struct cs_workload_finding *finding = row ? find(row, view) : NULL;

    if (row && !finding) {
        finding = calloc(1, sizeof(*finding));
        if (!finding) {
            workloads->error = -ENOMEM;
            return -ENOMEM;
        }
        finding->finding = view->finding;
        finding->expected = view->expected;
        finding->next = row->findings;
        row->findings = finding;
    }
    if (finding)
        merge(finding, view);
    return row ? 0 : workloads->error;
}

void cs_workloads_add_findings(struct cs_workloads *workloads,
                               const struct cs_workloads_sources *sources)
{
    if (sources->findings)
        cs_findings_each(sources->findings, add_finding, workloads);
}

void cs_workloads_findings_free(struct cs_workload_row *row)
{
    while (row->findings) {
        struct cs_workload_finding *finding = row->findings;

        row->findings = finding->next;
        free(finding->explanation);
        free(finding);
    }
}

static void write_finding(const struct cs_workload_finding *finding,
                          const struct cs_workloads_sources *sources, struct cs_buffer *buffer)
{
    const struct cs_finding_info *info = cs_finding_info(finding->finding);
    uint64_t ago_ns = sources->now_ns > finding->since_ns ? sources->now_ns - finding->since_ns : 0;
    const char *separator = "";

    cs_buffer_add_format(buffer,
                         "{\"finding\":\"%s\",\"severity\":\"%s\",\"expected\":%s,"
                         "\"containers\":%u,\"since\":",
                         info->name, cs_severity_name(info->severity),
                         finding->expected ? "true" : "false", finding->containers);
    cs_workloads_write_time(sources->realtime_ns > ago_ns ? sources->realtime_ns - ago_ns : 0,
                            buffer);
    cs_buffer_add_text(buffer, ",\"mechanisms\":[");
    for (enum cs_mechanism mechanism = 0; mechanism < CS_MECHANISM_END; mechanism++) {
        if (!(finding->mechanisms & 1u << mechanism))
            continue;
        cs_buffer_add_format(buffer, "%s\"%s\"", separator, cs_mechanism_info(mechanism)->name);
        separator = ",";
    }
    cs_buffer_add_text(buffer, "],\"explanation\":");
    if (finding->explanation) {
        cs_buffer_add(buffer, "\"", 1);
        cs_label_escape(buffer, finding->explanation); /* makes a valid JSON string too */
        cs_buffer_add(buffer, "\"", 1);
    } else {
        cs_buffer_add_text(buffer, "null");
    }
    cs_buffer_add(buffer, "}", 1);
}

void cs_workloads_write_findings(const struct cs_workload_row *row,
                                 const struct cs_workloads_sources *sources,
                                 struct cs_buffer *buffer)
{
    const char *separator = "";

    cs_buffer_add_text(buffer, sources->findings ? ",\"findings\":[" : ",\"findings\":null");
    if (!sources->findings)
        return;
    for (const struct cs_workload_finding *f = row->findings; f; f = f->next) {
        cs_buffer_add_text(buffer, separator);
        write_finding(f, sources, buffer);
        separator = ",\n ";
    }
    cs_buffer_add(buffer, "]", 1);
}
