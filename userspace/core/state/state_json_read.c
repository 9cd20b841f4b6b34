/* SPDX-License-Identifier: Apache-2.0 */
/* The way back from the document, which may be anything. */
#include "core/state/state_json.h"

#include "base/utf8.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <string.h>

#define TIME_MS_MAX (UINT64_MAX / CS_NSEC_PER_MSEC) /* the year 2554 */

struct reading {
    struct cs_state *state;
    const char *node;
    uint32_t left_out;
    enum cs_state_error error; /* the first */
};

static const char *const ERRORS[] = {
    [CS_STATE_OK] = "fine",
    [CS_STATE_MALFORMED] = "is no such document, or damaged",
    [CS_STATE_NEWER] = "was written by a newer version",
    [CS_STATE_OTHER_NODE] = "is another node's",
    [CS_STATE_NO_MEMORY] = "needs more memory than there is",
};
_Static_assert(CS_ARRAY_SIZE(ERRORS) == CS_STATE_ERROR_END, "a text for every error");

const char *cs_state_error_text(enum cs_state_error error)
{
    return ERRORS[error];
}

static void fail(struct reading *reading, enum cs_state_error error)
{
    if (reading->error == CS_STATE_OK)
        reading->error = error;
}

/* NULL: absent, and failed if it is required; given twice is failed in any case. */
static const cJSON *member(struct reading *reading, const cJSON *object, const char *name,
                           bool required)
{
    const cJSON *found = NULL;

    for (const cJSON *item = object->child; item; item = item->next) {
        if (!item->string || strcmp(item->string, name) != 0)
            continue;
        if (found)
            fail(reading, CS_STATE_MALFORMED);
        found = item;
    }
    if (!found && required)
        fail(reading, CS_STATE_MALFORMED);
    return found;
}

static uint64_t integer(struct reading *reading, const cJSON *item, uint64_t max)
{
    double value = item->valuedouble;

    /* Doubles are exact up to 2^53, TIME_MS_MAX is below 2^44. */
    if (cJSON_IsNumber(item) && value >= 0 && value <= (double)max &&
        value == (double)(uint64_t)value)
        return (uint64_t)value;
    fail(reading, CS_STATE_MALFORMED);
    return 0;
}

static uint64_t time_ns(struct reading *reading, const cJSON *object, const char *name,
                        bool required)
{
    const cJSON *item = member(reading, object, name, required);

    return item ? integer(reading, item, TIME_MS_MAX) * CS_NSEC_PER_MSEC : 0;
}

/* NULL: failed. */
static const char *text(struct reading *reading, const cJSON *object, const char *name)
{
    const cJSON *item = member(reading, object, name, true);

    if (item && cJSON_IsString(item) && item->valuestring && cs_utf8_valid(item->valuestring))
        return item->valuestring;
    fail(reading, CS_STATE_MALFORMED);
    return NULL;
}

/* False: longer than is kept, or empty. */
static bool name(struct reading *reading, const cJSON *object, const char *key, char *to,
                 size_t size)
{
    const char *value = text(reading, object, key);

    return value && value[0] != '\0' && cs_text_copy(to, size, value, strlen(value));
}

static enum cs_mechanism mechanism_of(const char *value)
{
    enum cs_mechanism mechanism = 0;

    while (mechanism < CS_MECHANISM_END &&
           (!value || strcmp(cs_mechanism_info(mechanism)->name, value) != 0))
        mechanism++;
    return mechanism;
}

static void read_entry(struct reading *reading, const cJSON *item)
{
    struct cs_state_times times = {0};
    struct cs_workload workload;
    enum cs_mechanism mechanism;
    bool named;
    int error;

    if (!cJSON_IsObject(item)) {
        fail(reading, CS_STATE_MALFORMED);
        return;
    }
    named = name(reading, item, "namespace", workload.namespace, sizeof(workload.namespace));
    named &= name(reading, item, "service_account", workload.service_account,
                  sizeof(workload.service_account));
    named &= name(reading, item, "workload_kind", workload.workload_kind,
                  sizeof(workload.workload_kind));
    named &= name(reading, item, "workload", workload.workload, sizeof(workload.workload));
    mechanism = mechanism_of(text(reading, item, "mechanism"));
    times.first_seen_ns = time_ns(reading, item, "first_seen_ms", true);
    times.last_seen_ns = time_ns(reading, item, "last_seen_ms", true);
    times.last_success_ns = time_ns(reading, item, "last_success_ms", false);
    times.last_failure_ns = time_ns(reading, item, "last_failure_ms", false);
    if (reading->error != CS_STATE_OK)
        return;
    if (!named || mechanism == CS_MECHANISM_END) {
        reading->left_out++;
        return;
    }
    error = cs_state_put(reading->state, &workload, mechanism, &times);
    if (error == -ENOMEM)
        fail(reading, CS_STATE_NO_MEMORY);
    else if (error < 0)
        reading->left_out++;
}

/* CS_ENDPOINT_END: none that this version knows. */
static enum cs_endpoint endpoint_of(const char *value)
{
    enum cs_endpoint endpoint = 0;

    while (endpoint < CS_ENDPOINT_END && (!value || strcmp(cs_endpoint_name(endpoint), value) != 0))
        endpoint++;
    return endpoint;
}

static void read_endpoint(struct reading *reading, const cJSON *item)
{
    struct cs_endpoints read = {0};
    struct cs_endpoint_times times;
    enum cs_endpoint endpoint;
    const char *family;

    if (!cJSON_IsObject(item)) {
        fail(reading, CS_STATE_MALFORMED);
        return;
    }
    endpoint = endpoint_of(text(reading, item, "endpoint"));
    family = text(reading, item, "address_family");
    times.last_success_ns = time_ns(reading, item, "last_success_ms", false);
    times.last_failure_ns = time_ns(reading, item, "last_failure_ms", false);
    if (reading->error != CS_STATE_OK)
        return;
    for (size_t i = 0; i < 2 && endpoint < CS_ENDPOINT_END; i++) {
        if (strcmp(family, cs_family_name(i ? 6 : 4)) != 0)
            continue;
        read.of[endpoint][i] = times;
        cs_endpoints_merge(cs_state_endpoints(reading->state), &read);
        return;
    }
    reading->left_out++;
}

static void read_interval(struct reading *reading, const cJSON *item)
{
    struct cs_interval interval;

    if (!cJSON_IsArray(item) || cJSON_GetArraySize(item) != 2) {
        fail(reading, CS_STATE_MALFORMED);
        return;
    }
    interval.start_ns = integer(reading, item->child, TIME_MS_MAX) * CS_NSEC_PER_MSEC;
    interval.end_ns = integer(reading, item->child->next, TIME_MS_MAX) * CS_NSEC_PER_MSEC;
    if (cs_intervals_add(cs_state_intervals(reading->state), &interval) < 0)
        fail(reading, CS_STATE_MALFORMED);
}

static void read_items(struct reading *reading, const cJSON *root, const char *key, bool required,
                       void (*read_item)(struct reading *reading, const cJSON *item))
{
    const cJSON *array = member(reading, root, key, required);

    if (!array)
        return;
    if (!cJSON_IsArray(array))
        fail(reading, CS_STATE_MALFORMED);
    for (const cJSON *item = array->child; item && reading->error == CS_STATE_OK; item = item->next)
        read_item(reading, item);
}

static void read_document(struct reading *reading, const cJSON *root)
{
    const cJSON *schema;
    const char *node;
    uint64_t number;

    if (!cJSON_IsObject(root)) {
        fail(reading, CS_STATE_MALFORMED);
        return;
    }
    schema = member(reading, root, "schema", true);
    number = schema ? integer(reading, schema, UINT32_MAX) : 0;
    if (number > CS_STATE_SCHEMA)
        fail(reading, CS_STATE_NEWER);
    if (number < CS_STATE_SCHEMA)
        fail(reading, CS_STATE_MALFORMED);
    node = text(reading, root, "node");
    if (node && strcmp(node, reading->node) != 0)
        fail(reading, CS_STATE_OTHER_NODE);
    time_ns(reading, root, "saved_ms", true);
    read_items(reading, root, "intervals", true, read_interval);
    read_items(reading, root, "endpoints", false, read_endpoint); /* older versions wrote none */
    read_items(reading, root, "workloads", true, read_entry);
}

static bool is_blank(const char *at, const char *end)
{
    while (at < end && strchr(" \t\r\n", *at) && *at != '\0')
        at++;
    return at == end;
}

enum cs_state_error cs_state_decode(struct cs_slice document, const char *node,
                                    struct cs_state *state, uint32_t *left_out)
{
    struct reading reading = {.state = state, .node = node};
    const char *end = NULL;
    cJSON *root = cJSON_ParseWithLengthOpts(document.data, document.len, &end, 0);

    if (!root || !is_blank(end, document.data + document.len))
        fail(&reading, CS_STATE_MALFORMED);
    else
        read_document(&reading, root);
    cJSON_Delete(root);
    *left_out = reading.left_out;
    return reading.error;
}
