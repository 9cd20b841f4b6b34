/* SPDX-License-Identifier: Apache-2.0 */
#include "core/kube/kube_watch_private.h"

#include <string.h>

/* What an ERROR's Status says when the version is too old: 410, reason Expired (or Gone). */
#define CODE_EXPIRED 410u

static bool blank(struct cs_slice line)
{
    for (size_t i = 0; i < line.len; i++) {
        if (!strchr(" \t\r", line.data[i]) || line.data[i] == '\0')
            return false;
    }
    return true;
}

static void heard(struct cs_kube_watch *watch, uint64_t now, const struct cs_kube_line *event)
{
    watch->lines_heard++;
    if (event->resource_version[0] != '\0')
        memcpy(watch->version, event->resource_version, sizeof(watch->version));
    cs_kube_report_heard(watch->report, now);
}

static void pod(struct cs_kube_watch *watch, uint64_t now, const struct cs_kube_line *event)
{
    bool deleted = event->type == CS_KUBE_TYPE_DELETED;

    if (event->object.len > watch->options.pod_bytes_max)
        cs_kube_report_skip(watch->report, CS_KUBE_SKIP_TOO_LARGE);
    else
        cs_kube_report_pod(watch->report, deleted ? CS_KUBE_DELETED : CS_KUBE_POD,
                           deleted ? CS_KUBE_COUNT_DELETED : CS_KUBE_COUNT_CHANGED, event->object);
    heard(watch, now, event);
}

void cs_kube_watch_line(struct cs_kube_watch *watch, uint64_t now, struct cs_slice line)
{
    struct cs_kube_line event;
    enum cs_kube_skip why;

    if (blank(line))
        return;
    if (cs_kube_line_parse(line, &event, &why) < 0) {
        cs_kube_report_skip(watch->report, why);
        return;
    }
    switch (event.type) {
    case CS_KUBE_TYPE_UNKNOWN:
        cs_kube_report_skip(watch->report, CS_KUBE_SKIP_UNKNOWN_TYPE);
        break;
    case CS_KUBE_TYPE_ADDED:
    case CS_KUBE_TYPE_MODIFIED:
    case CS_KUBE_TYPE_DELETED:
        pod(watch, now, &event);
        break;
    case CS_KUBE_TYPE_BOOKMARK:
        watch->report->stats.counts[CS_KUBE_COUNT_BOOKMARK]++;
        heard(watch, now, &event);
        break;
    case CS_KUBE_TYPE_ERROR:
        watch->report->stats.counts[CS_KUBE_COUNT_ERROR]++;
        watch->expired = event.code == CODE_EXPIRED;
        watch->errored = !watch->expired;
        break;
    }
}
