/* SPDX-License-Identifier: Apache-2.0 */
#include "app/observer/observer_state.h"

#include "app/observer/observer_parts.h"
#include "app/observer/self_metrics_parts.h"
#include "base/log.h"
#include "base/util.h"
#include "core/pods/pod_workload.h"
#include "core/state/state_json.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#define SAVE_EVERY_NS (60 * CS_NSEC_PER_SEC)
#define LAST_SAVE_NS  (3 * CS_NSEC_PER_SEC) /* less than a pod is given to end */
/* How long a disk may take to answer: at the start, and while facts wait. */
#define FIRST_ANSWER_NS (3 * CS_NSEC_PER_SEC)
#define ANSWER_NS       (50 * CS_NSEC_PER_MSEC)

static uint64_t wall_ns(const struct cs_observer *observer, uint64_t now_ns)
{
    return now_ns + (uint64_t)observer->pipeline.context.wall_offset_ns;
}

static const char *explain(int error)
{
    switch (error) {
    case -EBUSY:
        return "another credscope holds it";
    case -EAGAIN:
        return "the disk doesn't answer";
    default:
        return strerror(-error);
    }
}

/* Once, until it has worked again. */
static void failed(struct cs_observer *observer, int error)
{
    struct cs_observer_state *keep = &observer->state;

    keep->not_saved++;
    if (!keep->warned)
        cs_warn("--state-dir %s: %s; unless it can be saved, last-seen times are lost at a "
                "restart (trying again every minute)",
                observer->config->state_dir, explain(error));
    keep->warned = true;
}

static void worked(struct cs_observer *observer)
{
    if (observer->state.warned)
        cs_info("--state-dir %s: works again", observer->config->state_dir);
    observer->state.warned = false;
}

struct restoring {
    struct cs_observer *observer;
    uint64_t now_ns;
};

/* A time of the future is not shown: the clock is yet to be set, or was wrong then. */
static bool restore_time(const struct restoring *restoring, enum cs_metric metric,
                         const struct cs_subject *subject, const struct cs_state_view *view,
                         uint64_t time_ns)
{
    const char *const values[] = {cs_mechanism_info(view->mechanism)->name};
    struct cs_recorder *recorder = restoring->observer->pipeline.recorder;
    uint64_t at_ns = wall_ns(restoring->observer, restoring->now_ns);

    if (time_ns == 0)
        return true;
    if (time_ns > at_ns)
        return false;
    /* Older than series are kept: only if there are any of the workload, for it runs. */
    if (at_ns - time_ns >= CS_RECORD_EXPIRY_NS && !cs_recorder_has_subject(recorder, subject))
        return false;
    cs_recorder_restore_of(recorder, metric, subject, values, time_ns, restoring->now_ns,
                           at_ns - time_ns);
    return true;
}

static int restore_entry(void *user, const struct cs_state_view *view)
{
    const struct restoring *restoring = user;
    struct cs_subject subject = {.attribution = CS_ATTRIBUTION_POD};

    if (*view->done)
        return 0;
    cs_pod_workload_read(view->workload, &subject.workload);
    if (strcmp(subject.workload.namespace, CS_LABEL_HOST) == 0)
        subject.attribution = CS_ATTRIBUTION_HOST;
    *view->done = restore_time(restoring, CS_METRIC_LAST_SUCCESS, &subject, view,
                               view->times->last_success_ns);
    *view->done &= restore_time(restoring, CS_METRIC_LAST_FAILURE, &subject, view,
                                view->times->last_failure_ns);
    return 0;
}

static void restore_endpoint(const struct restoring *restoring, enum cs_metric metric,
                             const char *const values[], uint64_t time_ns)
{
    struct cs_observer *observer = restoring->observer;

    if (time_ns != 0 && time_ns <= wall_ns(observer, restoring->now_ns))
        cs_recorder_set(observer->pipeline.recorder, metric, values,
                        time_ns - time_ns % CS_NSEC_PER_MSEC);
}

/* What this run has seen itself is in the state as well: nothing newer is overwritten. */
static void restore_endpoints(const struct restoring *restoring)
{
    const struct cs_endpoints *endpoints = cs_state_endpoints(restoring->observer->state.state);

    for (enum cs_endpoint i = 0; i < CS_ENDPOINT_END; i++) {
        for (size_t family = 0; family < 2; family++) {
            const struct cs_endpoint_times *times = &endpoints->of[i][family];
            const char *const values[] = {cs_endpoint_name(i), cs_family_name(family ? 6 : 4)};

            restore_endpoint(restoring, CS_METRIC_ENDPOINT_LAST_SUCCESS, values,
                             times->last_success_ns);
            restore_endpoint(restoring, CS_METRIC_ENDPOINT_LAST_FAILURE, values,
                             times->last_failure_ns);
        }
    }
}

/* Newest first: where --max-series does not take all, it takes those. */
static void restore(struct cs_observer *observer, uint64_t now_ns)
{
    struct restoring restoring = {observer, now_ns};

    restore_endpoints(&restoring);
    cs_state_each(observer->state.state, true, restore_entry, &restoring);
}

/* What is there can't be used, and is not ours to throw away. */
static int put_aside(struct cs_observer *observer, const char *name, const char *why)
{
    struct cs_observer_state *keep = &observer->state;
    int error = cs_state_file_set_aside(keep->file, name);

    if (error < 0)
        return error;
    keep->put_aside++;
    keep->loaded = true;
    cs_warn("--state-dir %s: " CS_STATE_FILE_NAME ": %s; kept as %s, starting anew",
            observer->config->state_dir, why, name);
    return 0;
}

static int decode(struct cs_observer *observer, struct cs_slice text)
{
    struct cs_labels *labels = cs_pod_index_labels(observer->pipeline.pods.index);
    struct cs_observer_state *keep = &observer->state;
    const struct cs_state_limits limits = {0};
    _cleanup_state_ struct cs_state *earlier = NULL;
    enum cs_state_error result;
    uint32_t left_out;

    if (cs_state_new(&limits, labels, &earlier) < 0)
        return -ENOMEM;
    result = cs_state_decode(text, observer->config->node_name, earlier, &left_out);
    if (result == CS_STATE_NO_MEMORY)
        return -ENOMEM;
    if (result != CS_STATE_OK)
        return put_aside(
            observer, result == CS_STATE_OTHER_NODE ? CS_STATE_FILE_FOREIGN : CS_STATE_FILE_CORRUPT,
            cs_state_error_text(result));
    keep->left_out += left_out;
    keep->gap_known = true;
    keep->loaded = true;
    return cs_state_merge(keep->state, earlier);
}

/* 0: what is there may be replaced. */
static int load(struct cs_observer *observer)
{
    struct cs_observer_state *keep = &observer->state;
    struct cs_buffer buffer;
    int error;

    if (keep->loaded)
        return 0;
    cs_buffer_init(&buffer, CS_STATE_JSON_MAX);
    error = cs_state_file_read(keep->file, &buffer);
    if (error == 0)
        error = decode(observer, (struct cs_slice){buffer.data ? buffer.data : "", buffer.len});
    else if (error != -ENOENT && error != -ENOMEM)
        error = put_aside(observer, CS_STATE_FILE_CORRUPT,
                          error == -EFBIG ? "is too large" : strerror(-error));
    else if (error == -ENOENT) {
        keep->loaded = keep->gap_known = true;
        error = 0;
    }
    cs_buffer_free(&buffer);
    return error;
}

/* The directory, and what it holds. */
static int take(struct cs_observer *observer, uint64_t timeout_ns)
{
    const char *directory = observer->config->state_dir;
    struct cs_observer_state *keep = &observer->state;
    int error = 0;

    if (!keep->file)
        error = cs_state_file_probe(directory, &keep->probing, timeout_ns);
    if (!keep->file && error == 0)
        error = cs_state_file_open(directory, &keep->file);
    return error < 0 ? error : load(observer);
}

static void observe(struct cs_observer *observer, uint64_t now_ns)
{
    if (observer->state.loaded)
        cs_intervals_observe(cs_state_intervals(observer->state.state), wall_ns(observer, now_ns),
                             now_ns - observer->started_ns);
}

static int begin_save(struct cs_observer *observer, uint64_t now_ns)
{
    struct cs_observer_state *keep = &observer->state;
    struct cs_buffer buffer;
    int error;

    if (keep->saving)
        return -EAGAIN;
    error = take(observer, ANSWER_NS);
    if (error < 0)
        return error;
    observe(observer, now_ns);
    cs_state_expire(keep->state, wall_ns(observer, now_ns),
                    now_ns - observer->started_ns >= CS_CLOCK_TRUSTED_NS);
    restore(observer, now_ns);
    cs_buffer_init(&buffer, CS_STATE_JSON_MAX);
    cs_state_encode(keep->state, observer->config->node_name, wall_ns(observer, now_ns), &buffer);
    error = buffer.error;
    if (error == 0)
        error = cs_state_file_save(keep->file, buffer.data, buffer.len);
    cs_buffer_free(&buffer);
    keep->saving = error == 0;
    return error;
}

/* What came of the save that was begun; -EAGAIN: it goes on. */
static void end_save(struct cs_observer *observer, int result)
{
    struct cs_observer_state *keep = &observer->state;

    if (result == -EAGAIN)
        return;
    keep->saving = false;
    if (result == 0) {
        worked(observer);
        return;
    }
    failed(observer, result);
    if (result != -ENOENT)
        return;
    /* The directory was removed: make it again. */
    cs_state_file_close(keep->file);
    keep->file = NULL;
}

int cs_observer_make_state(struct cs_observer *observer)
{
    struct cs_observer_state *keep = &observer->state;
    const struct cs_state_limits limits = {0};
    int error;

    if (observer->config->state_dir[0] == '\0')
        return 0;
    signal(SIGCHLD, SIG_DFL); /* else nobody would tell how a child has ended */
    error = cs_state_new(&limits, cs_pod_index_labels(observer->pipeline.pods.index), &keep->state);
    if (error < 0)
        return cs_error_r(error, "can't make the state: %s", strerror(-error));
    observer->pipeline.state = keep->state;
    error = take(observer, FIRST_ANSWER_NS);
    if (error < 0)
        failed(observer, error);
    restore(observer, cs_monotonic_ns());
    return 0;
}

void cs_observer_keep_state(struct cs_observer *observer, uint64_t now_ns)
{
    struct cs_observer_state *keep = &observer->state;
    int error;

    if (!keep->state)
        return;
    if (keep->saving)
        end_save(observer, cs_state_file_poll(keep->file));
    if (now_ns < keep->next_save_ns)
        return;
    keep->next_save_ns = now_ns + SAVE_EVERY_NS;
    error = begin_save(observer, now_ns);
    if (error < 0)
        failed(observer, error);
}

void cs_observer_save_state(struct cs_observer *observer)
{
    struct cs_observer_state *keep = &observer->state;
    uint64_t until_ns = cs_monotonic_ns() + LAST_SAVE_NS;
    int error;

    if (!keep->state)
        return;
    if (keep->saving)
        end_save(observer, cs_state_file_wait(keep->file, LAST_SAVE_NS / 2));
    error = begin_save(observer, cs_monotonic_ns());
    if (error == 0) {
        error = cs_state_file_wait(keep->file, until_ns - cs_monotonic_ns());
        end_save(observer, error);
    }
    if (error < 0 && !keep->warned)
        failed(observer, error);
}

void cs_observer_stop_state(struct cs_observer *observer)
{
    cs_state_file_close(observer->state.file);
    observer->state.file = NULL;
    observer->pipeline.state = NULL;
    cs_state_free(&observer->state.state);
}

void cs_self_metrics_refresh_state(struct cs_observer *observer, uint64_t now_ns)
{
    struct cs_observer_state *keep = &observer->state;
    struct cs_state_stats stats;

    if (!keep->state)
        return;
    observe(observer, now_ns);
    /* Where the last run's end is not known, nor is the gap: no series. */
    if (keep->gap_known)
        cs_recorder_set(observer->pipeline.recorder, CS_METRIC_UNOBSERVED, NULL,
                        cs_state_intervals(keep->state)->unobserved_ns);
    cs_state_stats(keep->state, &stats);
    cs_self_metrics_tracked(observer, "state", stats.entries, stats.entries_max, stats.evicted);
}
