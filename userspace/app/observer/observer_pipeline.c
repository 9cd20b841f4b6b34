/* SPDX-License-Identifier: Apache-2.0 */
#include "app/observer/observer_parts.h"
#include "base/log.h"
#include "base/util.h"

#include <errno.h>
#include <string.h>
#include <time.h>

static enum cs_record_by record_by(enum cs_histogram_by by)
{
    switch (by) {
    case CS_HISTOGRAM_SERVICE_ACCOUNT:
        return CS_RECORD_BY_SERVICE_ACCOUNT;
    case CS_HISTOGRAM_MECHANISM:
        return CS_RECORD_BY_MECHANISM;
    default:
        return CS_RECORD_BY_WORKLOAD;
    }
}

static int64_t wall_offset_ns(void)
{
    struct timespec wall;

    clock_gettime(CLOCK_REALTIME, &wall);
    return (int64_t)wall.tv_sec * (int64_t)CS_NSEC_PER_SEC + wall.tv_nsec -
           (int64_t)cs_monotonic_ns();
}

static const char *cloud(const struct cs_observer *observer)
{
    if (observer->kernel.cloud == CS_CLOUD_UNKNOWN)
        return NULL;
    return cs_cloud_name(observer->kernel.cloud);
}

int cs_observer_make_pipeline(struct cs_observer *observer)
{
    const struct cs_config *config = observer->config;
    struct cs_pipeline *pipeline = &observer->pipeline;
    struct cs_pipeline_options options = {
        .watchlist = &config->watchlist,
        .context = {.node = config->node_name, .run_id = observer->run_id},
        .recorder =
            {
                .max_series = config->max_series,
                .histogram_by = record_by(config->histogram_by),
                .pod_labels = config->pod_labels,
                .identity_labels = config->identity_labels,
            },
        .node_name = config->node_name,
        .cloud = cloud(observer),
        .told = config->kube != CS_KUBE_NONE,
        .life = config->credential_life,
    };
    int error;

    error = cs_observer_make_expect(observer);
    if (error < 0)
        return error;
    options.expect = observer->expect;
    error = cs_pipeline_make(pipeline, &options);
    if (error < 0)
        return cs_error_r(error, "can't make its tables: %s", strerror(-error));
    cs_observer_set_wall_offset(observer);
    if (config->events[0] == '\0')
        return 0;
    error = cs_log_file_open(config->events, config->events_max_bytes, &pipeline->events);
    if (error < 0)
        return cs_error_r(error, "--events %s: %s", config->events,
                          error == -ELOOP ? "is a symbolic link; name the file itself"
                                          : strerror(-error));
    return 0;
}

void cs_observer_set_wall_offset(struct cs_observer *observer)
{
    int64_t offset = wall_offset_ns();

    observer->pipeline.context.wall_offset_ns = offset;
    cs_recorder_set_wall_offset(observer->pipeline.recorder, offset);
    cs_findings_set_wall_offset(observer->pipeline.findings, offset);
}

void cs_observer_stop_pipeline(struct cs_observer *observer)
{
    struct cs_pipeline *pipeline = &observer->pipeline;
    size_t left = 0;

    if (pipeline->events) {
        cs_log_file_flush(pipeline->events);
        left = cs_log_file_stats(pipeline->events).waiting;
    }
    if (left > 0)
        cs_warn("--events %s: %zu bytes of lines could not be written and are lost",
                observer->config->events, left);
    cs_log_file_close(pipeline->events);
    cs_pipeline_free(pipeline);
    cs_expect_free(&observer->expect);
}
