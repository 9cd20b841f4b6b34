/* SPDX-License-Identifier: Apache-2.0 */
#include "core/kube/kube_watch.h"

#include "base/cleanup.h"
#include "core/kube/kube_watch_private.h"

#include <errno.h>
#include <string.h>

#define RETRY_AFTER_MAX    UINT64_C(120) /* s: nobody silences us for longer */
#define ERROR_BYTES_MAX    UINT64_C(65536)
#define PAGES_MAX          10000u
#define LIVED_NS           (5 * CS_NSEC_PER_SEC) /* a watch that lived so long is none of a quick loop */
#define WATCH_FAILURES_MAX 5u
#define EXPIRATIONS_MAX    2u
#define AWAY_NS            (10 * CS_NSEC_PER_SEC) /* longest delay to a server that is away */

const struct cs_kube_watch_options CS_KUBE_WATCH_DEFAULTS = {
    .path = "/api/v1/pods",
    .node_name = "",
    .pod_bytes_max = CS_KUBE_POD_BYTES_MAX,
    .page_limit = 500,
    .poll_ns = 10 * CS_NSEC_PER_SEC,
    .first_byte_ns = 60 * CS_NSEC_PER_SEC, /* the API server's own limit of a list */
    .list_idle_ns = 30 * CS_NSEC_PER_SEC,
    .list_longest_ns = 300 * CS_NSEC_PER_SEC,
    .watch_idle_ns = 180 * CS_NSEC_PER_SEC,
    .watch_seconds_min = 240,
    .watch_seconds_max = 300,
    .backoff_min_ns = CS_NSEC_PER_SEC / 2,
    .backoff_max_ns = 30 * CS_NSEC_PER_SEC,
};

int cs_kube_watch_new(const struct cs_kube_watch_options *options, struct cs_kube_report *report,
                      struct cs_kube_watch **watch)
{
    struct cs_kube_watch *new = calloc(1, sizeof(*new));

    if (!new)
        return -ENOMEM;
    new->options = *options;
    new->report = report;
    cs_kube_list_init(&new->list, report, options->pod_bytes_max);
    cs_kube_lines_init(&new->lines, options->pod_bytes_max + CS_KUBE_EVENT_OVERHEAD_MAX);
    cs_kube_backoff_init(&new->backoff, options->backoff_min_ns, options->backoff_max_ns,
                         options->seed);
    *watch = new;
    return 0;
}

void cs_kube_watch_free(struct cs_kube_watch *watch)
{
    if (!watch)
        return;
    cs_kube_list_free(&watch->list);
    cs_kube_lines_free(&watch->lines);
    free(watch);
}

bool cs_kube_watch_busy(const struct cs_kube_watch *watch)
{
    return watch->busy;
}

static uint64_t idle_ns(const struct cs_kube_watch *watch)
{
    return watch->watching ? watch->options.watch_idle_ns : watch->options.list_idle_ns;
}

static uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t cs_kube_watch_due(const struct cs_kube_watch *watch)
{
    if (!watch->busy)
        return watch->due;
    return min_u64(watch->status ? watch->last_byte + idle_ns(watch)
                                 : watch->started + watch->options.first_byte_ns,
                   watch->started + watch->longest_ns);
}

enum cs_kube_action cs_kube_watch_tick(struct cs_kube_watch *watch, uint64_t now)
{
    if (now < cs_kube_watch_due(watch))
        return CS_KUBE_WAIT;
    if (!watch->busy)
        return CS_KUBE_START;
    watch->aborted =
        now >= watch->started + watch->longest_ns ? CS_KUBE_FAILURE_SLOW : CS_KUBE_FAILURE_SILENT;
    return CS_KUBE_ABORT;
}

static void begin_list(struct cs_kube_watch *watch)
{
    cs_kube_list_reset(&watch->list);
    if (watch->continue_token[0] != '\0')
        return;
    watch->pages = 0;
    watch->report->stats.lists++;
    if (watch->ever_listed && !watch->options.poll)
        watch->report->stats.relists++;
    watch->ever_listed = true;
}

int cs_kube_watch_begin(struct cs_kube_watch *watch, uint64_t now, struct cs_kube_request *request)
{
    int error = cs_kube_watch_target(watch, request);

    watch->busy = true;
    watch->status = 0;
    watch->started = watch->last_byte = now;
    watch->retry_after = 0;
    watch->error_bytes = watch->lines_heard = 0;
    watch->expired = watch->errored = false;
    watch->aborted = CS_KUBE_FAILURE_NONE;
    if (watch->watching) {
        watch->report->stats.watches++;
        watch->report->stats.reconnects += watch->resuming;
        watch->resuming = true;
    } else {
        begin_list(watch);
    }
    if (error < 0)
        cs_kube_watch_end(watch, now, CS_KUBE_FAILURE_OTHER);
    return error;
}

void cs_kube_watch_status(struct cs_kube_watch *watch, uint64_t now, int code, uint64_t retry_after)
{
    watch->status = code;
    watch->last_byte = now;
    watch->retry_after = min_u64(retry_after, RETRY_AFTER_MAX);
    cs_kube_report_status(watch->report, code);
    if (code != 200)
        return;
    cs_kube_report_connected(watch->report);
    if (!watch->watching && watch->continue_token[0] == '\0')
        cs_kube_report_list_begin(watch->report);
}

static bool watch_body(struct cs_kube_watch *watch, uint64_t now, const char *bytes, size_t n)
{
    while (n > 0 && !watch->expired && !watch->errored) {
        struct cs_slice line;
        size_t used;

        switch (cs_kube_lines_next(&watch->lines, bytes, n, &used, &line)) {
        case CS_KUBE_LINES_MORE:
            break;
        case CS_KUBE_LINES_LINE:
            cs_kube_watch_line(watch, now, line);
            cs_kube_lines_done(&watch->lines);
            break;
        case CS_KUBE_LINES_TOO_LONG:
            cs_kube_report_skip(watch->report, CS_KUBE_SKIP_TOO_LARGE);
            watch->lines_heard++;
            cs_kube_report_heard(watch->report, now);
            break;
        }
        bytes += used;
        n -= used;
    }
    return !watch->expired && !watch->errored;
}

bool cs_kube_watch_body(struct cs_kube_watch *watch, uint64_t now, const char *bytes, size_t n)
{
    watch->report->stats.bytes += n;
    watch->last_byte = now;
    if (watch->status != 200) {
        watch->error_bytes += n;
        return watch->error_bytes <= ERROR_BYTES_MAX;
    }
    if (watch->watching)
        return watch_body(watch, now, bytes, n);
    return cs_kube_list_feed(&watch->list, bytes, n);
}

static enum cs_kube_failure failure_of_status(int status)
{
    switch (status) {
    case 200:
        return CS_KUBE_FAILURE_NONE;
    case 401:
    case 403:
        return CS_KUBE_FAILURE_DENIED;
    case 410:
        return CS_KUBE_FAILURE_EXPIRED;
    case 429:
        return CS_KUBE_FAILURE_THROTTLED;
    default:
        if (status >= 500 && status <= 599)
            return CS_KUBE_FAILURE_SERVER;
        return status >= 400 && status <= 499 ? CS_KUBE_FAILURE_REFUSED : CS_KUBE_FAILURE_PROTOCOL;
    }
}

/* Wait as long as the server said, and a jitter on top: it says the same to all nodes. One that is
 * away does no work for us, and requests that wait for their pods do so for a minute only. */
static void retry(struct cs_kube_watch *watch, uint64_t now)
{
    uint64_t delay = cs_kube_backoff_next(&watch->backoff);
    bool away = watch->status == 0 || watch->status == 502 || watch->status == 503;

    if (away && delay > AWAY_NS)
        delay = cs_kube_backoff_random(&watch->backoff, AWAY_NS / 2, AWAY_NS);
    watch->due = now + delay + watch->retry_after * CS_NSEC_PER_SEC;
}

static void relist(struct cs_kube_watch *watch, enum cs_kube_list_from from)
{
    watch->watching = false;
    watch->resuming = false;
    watch->from = from;
    watch->continue_token[0] = '\0';
}

static void list_failed(struct cs_kube_watch *watch, uint64_t now, enum cs_kube_failure failure)
{
    enum cs_kube_list_from from = watch->from;

    if (failure == CS_KUBE_FAILURE_EXPIRED)
        from = watch->continue_token[0] != '\0' ? CS_KUBE_FROM_ETCD_WHOLE : CS_KUBE_FROM_ETCD;
    relist(watch, from);
    cs_kube_report_failed(watch->report, now, failure);
    retry(watch, now);
}

static void list_ended(struct cs_kube_watch *watch, uint64_t now, enum cs_kube_failure failure)
{
    struct cs_kube_list *list = &watch->list;
    int error = cs_kube_list_finish(list);

    if (failure == CS_KUBE_FAILURE_NONE && error < 0)
        failure = CS_KUBE_FAILURE_PROTOCOL;
    if (failure == CS_KUBE_FAILURE_NONE && list->continue_unusable) {
        watch->continue_token[0] = '?'; /* as if it had been refused */
        failure = CS_KUBE_FAILURE_EXPIRED;
    }
    if (failure == CS_KUBE_FAILURE_NONE && list->continue_token[0] != '\0' &&
        ++watch->pages > PAGES_MAX)
        failure = CS_KUBE_FAILURE_PROTOCOL;
    if (failure != CS_KUBE_FAILURE_NONE) {
        list_failed(watch, now, failure);
        return;
    }
    watch->due = now;
    memcpy(watch->continue_token, list->continue_token, sizeof(watch->continue_token));
    if (watch->continue_token[0] != '\0')
        return;
    cs_kube_report_list_end(watch->report, now);
    watch->from = CS_KUBE_FROM_CACHE;
    if (watch->options.poll) {
        cs_kube_backoff_reset(&watch->backoff);
        watch->due = now + watch->options.poll_ns;
    } else {
        memcpy(watch->version, list->resource_version, sizeof(watch->version));
        watch->watching = true;
    }
}

/* A watch ended as watches do: go on at once, or, when it was short, after a delay, since the
 * server might end each at once. */
static void watch_ended_well(struct cs_kube_watch *watch, uint64_t now)
{
    const struct cs_kube_watch_options *options = &watch->options;

    if (now - watch->started < LIVED_NS) {
        retry(watch, now);
        return;
    }
    watch->watch_failures = 0;
    cs_kube_backoff_reset(&watch->backoff);
    watch->due = now + cs_kube_backoff_random(&watch->backoff, 0, options->backoff_min_ns);
}

/* Silent for a watch's whole time, which a bookmark would have ended: see the header. */
static bool was_silent(const struct cs_kube_watch *watch, uint64_t now)
{
    return watch->status == 200 && watch->lines_heard == 0 &&
           (watch->aborted != CS_KUBE_FAILURE_NONE ||
            now - watch->started >= watch->promised_ns / 10 * 9);
}

static void watch_expired(struct cs_kube_watch *watch, uint64_t now)
{
    bool again = ++watch->expirations >= EXPIRATIONS_MAX;

    relist(watch, again ? CS_KUBE_FROM_ETCD : CS_KUBE_FROM_CACHE);
    cs_kube_report_failed(watch->report, now, CS_KUBE_FAILURE_EXPIRED);
    retry(watch, now);
}

static void watch_ended(struct cs_kube_watch *watch, uint64_t now, enum cs_kube_failure failure)
{
    if (cs_kube_lines_finish(&watch->lines))
        cs_kube_report_skip(watch->report, CS_KUBE_SKIP_TRUNCATED);
    if (watch->lines_heard > 0)
        watch->expirations = watch->watch_failures = 0;
    if (watch->expired || failure == CS_KUBE_FAILURE_EXPIRED) {
        watch_expired(watch, now);
        return;
    }
    if (watch->lines_heard > 0)
        cs_kube_backoff_reset(&watch->backoff);
    if (watch->errored)
        failure = CS_KUBE_FAILURE_SERVER;
    if (was_silent(watch, now)) {
        relist(watch, CS_KUBE_FROM_ETCD);
        failure = CS_KUBE_FAILURE_SILENT;
    } else if (failure == CS_KUBE_FAILURE_NONE) {
        watch_ended_well(watch, now);
        return;
    }
    /* Only what the server said about this watch speaks against its version: not that it was
     * away, too busy, or doesn't know us. */
    if (watch->status != 0 && watch->status != 429 && watch->status != 503 &&
        watch->status != 504 && failure != CS_KUBE_FAILURE_DENIED &&
        ++watch->watch_failures >= WATCH_FAILURES_MAX) {
        watch->watch_failures = 0;
        relist(watch, CS_KUBE_FROM_CACHE);
    }
    cs_kube_report_failed(watch->report, now, failure);
    retry(watch, now);
}

void cs_kube_watch_end(struct cs_kube_watch *watch, uint64_t now, enum cs_kube_failure failure)
{
    if (!watch->busy)
        return;
    watch->busy = false;
    if (watch->aborted != CS_KUBE_FAILURE_NONE)
        failure = watch->aborted;
    else if (failure == CS_KUBE_FAILURE_NONE || watch->status >= 400)
        failure = failure_of_status(watch->status);
    if (watch->watching)
        watch_ended(watch, now, failure);
    else
        list_ended(watch, now, failure);
}
