/* SPDX-License-Identifier: Apache-2.0 */
#include "core/state/state_json.h"

#include "core/event_json_writer.h"
#include "core/pods/pod_workload.h"

#include <errno.h>

#define LINE_MAX_BYTES 8192 /* four names of 255 bytes, each six, and an entry's rest */

static void add_interval(struct cs_buffer *buffer, const struct cs_interval *interval, bool first)
{
    cs_buffer_add_text(buffer, first ? "\n[" : ",\n[");
    cs_buffer_add_u64(buffer, interval->start_ns / CS_NSEC_PER_MSEC);
    cs_buffer_add_text(buffer, ",");
    cs_buffer_add_u64(buffer, interval->end_ns / CS_NSEC_PER_MSEC);
    cs_buffer_add_text(buffer, "]");
}

static void add_time(struct cs_json *json, const char *name, uint64_t ns)
{
    cs_json_uint(json, name, ns / CS_NSEC_PER_MSEC);
}

struct list {
    struct cs_buffer *buffer;
    bool begun;
};

static int add_line(struct list *list, struct cs_json *json, const char *line)
{
    int len = cs_json_end(json);

    if (len < 0)
        return len;
    cs_buffer_add_text(list->buffer, list->begun ? ",\n" : "\n");
    cs_buffer_add(list->buffer, line, (size_t)len);
    list->begun = true;
    return 0;
}

static void add_times(struct cs_json *json, uint64_t success_ns, uint64_t failure_ns)
{
    if (success_ns)
        add_time(json, "last_success_ms", success_ns);
    if (failure_ns)
        add_time(json, "last_failure_ms", failure_ns);
}

static int add_endpoint(struct list *list, enum cs_endpoint endpoint, uint8_t family,
                        const struct cs_endpoint_times *times)
{
    struct cs_json json;
    char line[LINE_MAX_BYTES];

    if (times->last_success_ns == 0 && times->last_failure_ns == 0)
        return 0;
    cs_json_begin(&json, line, sizeof(line));
    cs_json_text(&json, "endpoint", cs_endpoint_name(endpoint));
    cs_json_text(&json, "address_family", cs_family_name(family));
    add_times(&json, times->last_success_ns, times->last_failure_ns);
    return add_line(list, &json, line);
}

static int add_endpoints(struct list *list, const struct cs_endpoints *endpoints)
{
    int r = 0;

    for (enum cs_endpoint i = 0; i < CS_ENDPOINT_END && r == 0; i++) {
        r = add_endpoint(list, i, 4, &endpoints->of[i][0]);
        if (r == 0)
            r = add_endpoint(list, i, 6, &endpoints->of[i][1]);
    }
    return r;
}

static int add_entry(void *user, const struct cs_state_view *view)
{
    struct list *list = user;
    struct cs_workload workload;
    struct cs_json json;
    char line[LINE_MAX_BYTES];

    cs_pod_workload_read(view->workload, &workload);
    cs_json_begin(&json, line, sizeof(line));
    cs_json_text(&json, "namespace", workload.namespace);
    cs_json_text(&json, "service_account", workload.service_account);
    cs_json_text(&json, "workload_kind", workload.workload_kind);
    cs_json_text(&json, "workload", workload.workload);
    cs_json_text(&json, "mechanism", cs_mechanism_info(view->mechanism)->name);
    add_time(&json, "first_seen_ms", view->times->first_seen_ns);
    add_time(&json, "last_seen_ms", view->times->last_seen_ns);
    add_times(&json, view->times->last_success_ns, view->times->last_failure_ns);
    return add_line(list, &json, line);
}

void cs_state_encode(struct cs_state *state, const char *node, uint64_t wall_ns,
                     struct cs_buffer *buffer)
{
    const struct cs_intervals *intervals = cs_state_intervals(state);
    struct list endpoints = {.buffer = buffer}, workloads = {.buffer = buffer};
    char line[LINE_MAX_BYTES];
    struct cs_json json;
    int len;

    cs_json_begin(&json, line, sizeof(line));
    cs_json_uint(&json, "schema", CS_STATE_SCHEMA);
    cs_json_text(&json, "node", node);
    cs_json_uint(&json, "saved_ms", wall_ns / CS_NSEC_PER_MSEC);
    len = cs_json_end(&json);
    if (len < 0)
        buffer->error = -EMSGSIZE;
    if (buffer->error)
        return;
    cs_buffer_add(buffer, line, (size_t)len - 1); /* left open */
    cs_buffer_add_text(buffer, ",\n\"intervals\":[");
    for (uint32_t i = 0; i < intervals->count; i++)
        add_interval(buffer, &intervals->closed[i], i == 0);
    if (intervals->recorded)
        add_interval(buffer, &intervals->current, intervals->count == 0);
    cs_buffer_add_text(buffer, "],\n\"endpoints\":[");
    if (add_endpoints(&endpoints, cs_state_endpoints(state)) < 0)
        buffer->error = -EMSGSIZE;
    cs_buffer_add_text(buffer, "],\n\"workloads\":[");
    if (cs_state_each(state, false, add_entry, &workloads) < 0)
        buffer->error = -EMSGSIZE;
    cs_buffer_add_text(buffer, "]}\n");
}
