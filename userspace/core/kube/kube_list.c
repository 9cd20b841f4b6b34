/* SPDX-License-Identifier: Apache-2.0 */
#include "core/kube/kube_list.h"

#include <errno.h>
#include <string.h>

#define POD_DEPTH     2u /* brackets around an element of items */
#define KEEP_POD_SIZE ((size_t)64 * 1024)

enum key { KEY_OTHER, KEY_ITEMS, KEY_METADATA };
enum metadata_key { METADATA_OTHER, METADATA_VERSION, METADATA_CONTINUE };
enum place { PLACE_OTHER, PLACE_ITEMS, PLACE_METADATA };

void cs_kube_list_init(struct cs_kube_list *list, struct cs_kube_report *report,
                       size_t pod_bytes_max)
{
    list->report = report;
    cs_buffer_init_wiped(&list->pod, pod_bytes_max);
    cs_kube_list_reset(list);
}

void cs_kube_list_reset(struct cs_kube_list *list)
{
    struct cs_kube_report *report = list->report;
    size_t max = list->pod.max;

    cs_buffer_free(&list->pod);
    *list = (struct cs_kube_list){.report = report};
    cs_buffer_init_wiped(&list->pod, max);
    cs_json_scan_init(&list->scan, POD_DEPTH + CS_KUBE_POD_DEPTH_MAX, POD_DEPTH);
}

void cs_kube_list_free(struct cs_kube_list *list)
{
    cs_buffer_free(&list->pod);
}

enum cs_kube_skip cs_kube_skip_of_faults(uint32_t faults)
{
    if (faults & CS_JSON_TOO_DEEP)
        return CS_KUBE_SKIP_TOO_DEEP;
    if (faults & CS_JSON_BAD_SYNTAX)
        return CS_KUBE_SKIP_MALFORMED;
    return CS_KUBE_SKIP_BAD_UTF8;
}

static void pod_begins(struct cs_kube_list *list, bool object)
{
    list->in_pod = true;
    list->too_large = false;
    cs_buffer_clear(&list->pod);
    if (object)
        cs_buffer_add(&list->pod, "{", 1);
    else
        list->scan.faults |= CS_JSON_BAD_SYNTAX;
}

static void pod_bytes(struct cs_kube_list *list, const char *bytes, size_t n)
{
    if (list->too_large)
        return;
    cs_buffer_add(&list->pod, bytes, n);
    if (list->pod.error) {
        list->too_large = true;
        cs_buffer_free(&list->pod);
    }
}

static void pod_ended(struct cs_kube_list *list)
{
    list->in_pod = false;
    if (list->too_large)
        cs_kube_report_skip(list->report, CS_KUBE_SKIP_TOO_LARGE);
    else if (list->scan.faults)
        cs_kube_report_skip(list->report, cs_kube_skip_of_faults(list->scan.faults));
    else
        cs_kube_report_pod(list->report, CS_KUBE_POD, CS_KUBE_COUNT_LISTED,
                           (struct cs_slice){list->pod.data, list->pod.len});
    list->scan.faults = 0;
    if (list->pod.size > KEEP_POD_SIZE)
        cs_buffer_free(&list->pod);
    else
        cs_buffer_clear(&list->pod);
}

static void on_key(struct cs_kube_list *list)
{
    const struct cs_json_scan *scan = &list->scan;

    if (scan->depth == 1)
        list->key = cs_json_text_is(scan, "items")      ? KEY_ITEMS
                    : cs_json_text_is(scan, "metadata") ? KEY_METADATA
                                                        : KEY_OTHER;
    else
        list->metadata_key = cs_json_text_is(scan, "resourceVersion") ? METADATA_VERSION
                             : cs_json_text_is(scan, "continue")      ? METADATA_CONTINUE
                                                                      : METADATA_OTHER;
}

static void on_open(struct cs_kube_list *list, bool object)
{
    switch (list->scan.depth) {
    case 1:
        list->failed |= !object;
        break;
    case POD_DEPTH:
        list->place = PLACE_OTHER;
        if (list->key == KEY_METADATA && object) {
            list->place = PLACE_METADATA;
            list->metadata_key = METADATA_OTHER;
        } else if (list->key == KEY_ITEMS) {
            list->place = PLACE_ITEMS;
            list->items_seen = true;
            list->failed |= object;
        }
        break;
    default:
        if (list->place == PLACE_ITEMS)
            pod_begins(list, object);
        break;
    }
}

static void on_close(struct cs_kube_list *list)
{
    if (list->in_pod)
        pod_ended(list);
    else if (list->scan.depth < POD_DEPTH)
        list->place = PLACE_OTHER;
}

static void on_metadata(struct cs_kube_list *list, bool string)
{
    const struct cs_json_scan *scan = &list->scan;

    if (!string)
        return;
    if (list->metadata_key == METADATA_VERSION) {
        if (!scan->text_plain || scan->text_len >= CS_KUBE_VERSION_MAX)
            list->failed = true;
        else
            cs_text_copy(list->resource_version, CS_KUBE_VERSION_MAX, scan->text, scan->text_len);
    } else if (list->metadata_key == METADATA_CONTINUE) {
        list->continue_unusable = !scan->text_plain;
        cs_text_copy(list->continue_token, sizeof(list->continue_token), scan->text,
                     scan->text_plain ? scan->text_len : 0);
    }
}

static void on_scalar(struct cs_kube_list *list, bool string)
{
    const struct cs_json_scan *scan = &list->scan;

    if (scan->depth == 0) {
        list->failed = true;
    } else if (scan->depth == 1 && list->key == KEY_ITEMS) {
        /* Go's nil slice: no pods. */
        list->items_seen = true;
        list->failed |= string || !cs_json_text_is(scan, "null");
    } else if (scan->depth == POD_DEPTH && list->place == PLACE_ITEMS) {
        cs_kube_report_skip(list->report, CS_KUBE_SKIP_MALFORMED);
    } else if (scan->depth == POD_DEPTH && list->place == PLACE_METADATA) {
        on_metadata(list, string);
    }
}

static void on_token(struct cs_kube_list *list, enum cs_json_token token)
{
    switch (token) {
    case CS_JSON_MORE:
        break;
    case CS_JSON_OBJECT:
    case CS_JSON_ARRAY:
        on_open(list, token == CS_JSON_OBJECT);
        break;
    case CS_JSON_CLOSE:
        on_close(list);
        break;
    case CS_JSON_KEY:
        on_key(list);
        break;
    case CS_JSON_STRING:
    case CS_JSON_ATOM:
        on_scalar(list, token == CS_JSON_STRING);
        break;
    }
}

bool cs_kube_list_feed(struct cs_kube_list *list, const char *bytes, size_t n)
{
    while (n > 0 && !list->failed) {
        size_t used;
        enum cs_json_token token = cs_json_scan_next(&list->scan, bytes, n, &used);

        if (list->in_pod)
            pod_bytes(list, bytes, used);
        else if (list->scan.faults)
            list->failed = true;
        if (!list->failed)
            on_token(list, token);
        bytes += used;
        n -= used;
    }
    return !list->failed;
}

int cs_kube_list_finish(struct cs_kube_list *list)
{
    if (list->in_pod)
        cs_kube_report_skip(list->report, CS_KUBE_SKIP_TRUNCATED);
    cs_buffer_free(&list->pod);
    if (list->failed || !cs_json_scan_done(&list->scan) || !list->items_seen)
        return -EPROTO;
    return 0;
}
