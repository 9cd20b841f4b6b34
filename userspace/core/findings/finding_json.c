// SPDX-License-Identifier: Apache-2.0
#include "core/findings/finding_json.h"

#include <string.h>

#define OBJECT_MAX 16384 /* holds one with every text at its bound, escaped */

/* A label says "~unknown" since none may be empty; here what is not known is absent. */
static void label(struct cs_json *json, const char *name, const char *value)
{
    if (strcmp(value, CS_LABEL_UNKNOWN) != 0)
        cs_json_text(json, name, value);
}

void cs_finding_json_members(struct cs_json *json, const struct cs_finding_view *view,
                             int64_t wall_offset_ns)
{
    const struct cs_finding_info *info = cs_finding_info(view->finding);

    cs_json_text(json, "finding", info->name);
    cs_json_text(json, "severity", cs_severity_name(info->severity));
    cs_json_bool(json, "expected", view->expected);
    cs_json_text(json, "expected_reason", view->reason);
    cs_json_time(json, "since", view->since_ns + (uint64_t)wall_offset_ns);
    cs_json_time(json, "last_evidence", view->last_ns + (uint64_t)wall_offset_ns);
    cs_json_uint(json, "count", view->count);
    label(json, "namespace", view->workload->namespace);
    label(json, "service_account", view->workload->service_account);
    label(json, "workload_kind", view->workload->workload_kind);
    label(json, "workload", view->workload->workload);
    cs_json_text(json, "pod", view->pod);
    cs_json_text(json, "pod_uid", view->pod_uid);
    cs_json_text(json, "container", view->container);
    cs_json_text(json, "container_id", view->container_id);
    cs_json_text(json, "mechanism", cs_mechanism_info(view->mechanism)->name);
    cs_json_text(json, "explanation", view->explanation);
}

struct writing {
    struct cs_buffer *buffer;
    int64_t wall_offset_ns;
    enum cs_severity severity;
    bool expected;
    bool comma;
};

static int write_one(void *user, const struct cs_finding_view *view)
{
    struct writing *writing = user;
    char text[OBJECT_MAX];
    struct cs_json json;
    int len;

    if (cs_finding_info(view->finding)->severity != writing->severity ||
        view->expected != writing->expected)
        return 0;
    cs_json_begin(&json, text, sizeof(text));
    cs_finding_json_members(&json, view, writing->wall_offset_ns);
    len = cs_json_end(&json);
    if (len < 0)
        return 0;
    cs_buffer_add_text(writing->buffer, writing->comma ? ",\n" : "");
    cs_buffer_add(writing->buffer, text, (size_t)len);
    writing->comma = true;
    return 0;
}

void cs_findings_json(const struct cs_findings *findings, int64_t wall_offset_ns,
                      struct cs_buffer *buffer)
{
    struct writing writing = {.buffer = buffer, .wall_offset_ns = wall_offset_ns};

    cs_buffer_add(buffer, "[", 1);
    for (unsigned int pass = 0; pass < 2 * CS_SEVERITY_END; pass++) {
        writing.expected = pass >= CS_SEVERITY_END;
        writing.severity = CS_SEVERITY_END - 1 - pass % CS_SEVERITY_END;
        cs_findings_each(findings, write_one, &writing);
    }
    cs_buffer_add(buffer, "]", 1);
}
