/* SPDX-License-Identifier: Apache-2.0 */
#include "app/observer/observer.h"

#include "app/observer/observer_parts.h"
#include "app/observer/self_metrics.h"
#include "base/log.h"
#include "base/util.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define HOUSEKEEPING_NS CS_NSEC_PER_SEC
#define LOSSES_EVERY_NS (10 * CS_NSEC_PER_SEC)
#define EXPIRE_EVERY_NS (60 * CS_NSEC_PER_SEC)

static void flush_events(struct cs_observer *observer)
{
    int error;

    if (!observer->pipeline.events)
        return;
    error = cs_log_file_flush(observer->pipeline.events);
    if (error < 0)
        cs_warn("--events %s: %s; lines are lost until it works again", observer->config->events,
                strerror(-error));
}

void cs_observer_settle(struct cs_observer *observer)
{
    uint64_t due_ns = cs_pipeline_deadline(&observer->pipeline);
    uint64_t now_ns = observer->pipeline.now_ns;

    flush_events(observer);
    /* An alarm that is too early does no harm and saves setting the timer for each fact. */
    if (due_ns >= observer->deadline_ns)
        return;
    observer->deadline_ns = due_ns;
    cs_timer_set(observer->deadline, due_ns > now_ns ? due_ns - now_ns : 1, 0);
}

static void on_deadline(void *data)
{
    struct cs_observer *observer = data;

    observer->deadline_ns = UINT64_MAX;
    cs_pipeline_tick(&observer->pipeline, cs_monotonic_ns());
    cs_observer_settle(observer);
}

static uint64_t facts_dropped(const struct cs_observer *observer)
{
    const struct cs_sensor_stats *stats = cs_sensor_stats(observer->sensor);
    uint64_t dropped = 0;

    for (unsigned int type = CS_FACT_CONNECT; type < CS_FACT_TYPE_END; type++)
        dropped += cs_fact_is_of_socket(type) ? stats->dropped[type] : 0;
    return dropped;
}

static void on_housekeeping(void *data)
{
    struct cs_observer *observer = data;
    uint64_t now_ns = cs_monotonic_ns();

    observer->pipeline.now_ns = now_ns;
    cs_observer_set_wall_offset(observer); /* the wall clock may have been set */
    cs_pipeline_facts_dropped(&observer->pipeline, facts_dropped(observer), now_ns);
    cs_pipeline_findings_tick(&observer->pipeline, now_ns);
    flush_events(observer);
    cs_observer_keep_state(observer, now_ns);
    if (now_ns >= observer->next_losses_ns) {
        observer->next_losses_ns = now_ns + LOSSES_EVERY_NS;
        cs_self_metrics_log_losses(observer);
        cs_container_table_expire(observer->pipeline.containers, now_ns);
        cs_pipeline_pods_expire(&observer->pipeline, now_ns);
        cs_pipeline_pods_count(&observer->pipeline, now_ns);
    }
    if (now_ns >= observer->next_expire_ns) {
        observer->next_expire_ns = now_ns + EXPIRE_EVERY_NS;
        cs_recorder_expire(observer->pipeline.recorder, now_ns);
        cs_pipeline_findings_regauge(&observer->pipeline);
        cs_observer_warn_of_expired(observer);
    }
}

static void reopen_events(struct cs_observer *observer)
{
    int error;

    if (!observer->pipeline.events)
        return;
    error = cs_log_file_reopen(observer->pipeline.events);
    if (error < 0)
        cs_error("--events %s: cannot reopen: %s; still writing to the old file",
                 observer->config->events, strerror(-error));
    else
        cs_info("reopened the event log");
}

static void on_signal(void *data, int signal)
{
    struct cs_observer *observer = data;

    if (signal == SIGHUP) {
        reopen_events(observer);
        return;
    }
    cs_info("stopping: %s", strsignal(signal));
    cs_loop_stop(observer->loop);
}

static int make_loop(struct cs_observer *observer)
{
    sigset_t set;
    int error;

    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    error = cs_loop_new(&observer->loop);
    if (error == 0)
        error = cs_loop_add_signals(observer->loop, &set, on_signal, observer);
    if (error == 0)
        error = cs_loop_add_timer(observer->loop, on_deadline, observer, &observer->deadline);
    if (error == 0)
        error =
            cs_loop_add_timer(observer->loop, on_housekeeping, observer, &observer->housekeeping);
    if (error == 0)
        error = cs_timer_set(observer->housekeeping, HOUSEKEEPING_NS, HOUSEKEEPING_NS);
    if (error < 0)
        return cs_error_r(error, "can't make the event loop: %s", strerror(-error));
    return 0;
}

static void make_run_id(char run_id[CS_RUN_ID_LEN])
{
    uint64_t words[2] = {0};

    if (getrandom(words, sizeof(words), 0) != sizeof(words))
        words[0] = cs_monotonic_ns();
    snprintf(run_id, CS_RUN_ID_LEN, "%016llx%016llx", (unsigned long long)words[0],
             (unsigned long long)words[1]);
}

int cs_observer_new(const struct cs_config *config, struct cs_observer **observer)
{
    struct cs_observer *new = calloc(1, sizeof(*new));
    int error;

    if (!new)
        return cs_error_r(-ENOMEM, "out of memory");
    new->config = config;
    new->record_fd = -1;
    new->deadline_ns = UINT64_MAX;
    new->cgroup = (struct cs_cgroup_fs)CS_CGROUP_FS_INIT;
    new->api_socket.fd = -1;
    make_run_id(new->run_id);
    cs_kernel_read("", &new->kernel);
    error = make_loop(new);
    if (error == 0)
        error = cs_observer_make_pipeline(new);
    if (error == 0)
        error = cs_observer_make_state(new);
    if (error == 0)
        error = cs_observer_make_servers(new);
    if (error == 0)
        error = cs_observer_make_kube(new);
    if (error == 0)
        error = cs_observer_make_sensor(new);
    if (error < 0) {
        cs_observer_free(new);
        return error;
    }
    new->started_ns = cs_monotonic_ns();
    cs_self_metrics_begin(new);
    cs_observer_keep_state(new, new->started_ns);
    *observer = new;
    return 0;
}

static void count_one(const struct cs_exchange *exchange, void *count)
{
    (void)exchange;
    (*(uint64_t *)count)++;
}

/* What still waits for its answer is nobody's to see any more. */
static void report_unfinished(struct cs_observer *observer)
{
    uint64_t count = 0;

    cs_assembler_each_in_flight(observer->pipeline.assembler, count_one, &count);
    if (count == 0)
        return;
    cs_info("%llu requests were in flight", (unsigned long long)count);
    cs_pipeline_loss(&observer->pipeline, "stop", "in_flight", count);
}

int cs_observer_run(struct cs_observer *observer)
{
    int error;

    cs_info("observing: cgroup %s, metrics on %s, API on %s, run %s", observer->cgroup.path,
            observer->config->listen.text, observer->config->api_listen.text, observer->run_id);
    error = cs_loop_run(observer->loop);
    cs_pipeline_flush(&observer->pipeline);
    report_unfinished(observer);
    cs_observer_save_state(observer);
    cs_self_metrics_log_losses(observer);
    flush_events(observer);
    if (error < 0)
        return cs_error_r(error, "waiting for events failed: %s", strerror(-error));
    return observer->error;
}

void cs_observer_free(struct cs_observer *observer)
{
    if (!observer)
        return;
    cs_observer_stop_kube(observer);
    cs_observer_stop_sensor(observer);
    cs_observer_stop_servers(observer);
    cs_observer_stop_state(observer);
    cs_observer_stop_pipeline(observer);
    cs_loop_free(observer->loop);
    free(observer);
}
