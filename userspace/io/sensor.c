/* SPDX-License-Identifier: Apache-2.0 */
#include "io/sensor.h"

#include "base/cleanup.h"
#include "base/util.h"
#include "io/sensor_internal.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

#ifndef BPF_F_PREORDER
#define BPF_F_PREORDER (1U << 6)
#endif

int cs_sensor_fail(struct cs_sensor_error *error, int code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(error->text, sizeof(error->text), format, args);
    va_end(args);
    return code;
}

static bool is_connect(const struct bpf_program *program)
{
    enum bpf_attach_type type = bpf_program__expected_attach_type(program);

    return type == BPF_CGROUP_INET4_CONNECT || type == BPF_CGROUP_INET6_CONNECT;
}

/* A program that rewrites the destination must not run before us: we would see the new one. */
static int link_connect(struct cs_sensor *sensor, const struct bpf_program *program, int cgroup_fd)
{
    DECLARE_LIBBPF_OPTS(bpf_link_create_opts, first, .flags = BPF_F_PREORDER);
    int fd = bpf_link_create(bpf_program__fd(program), cgroup_fd,
                             bpf_program__expected_attach_type(program), &first);

    sensor->runs_first = fd >= 0;
    if (fd >= 0)
        return fd;
    return bpf_link_create(bpf_program__fd(program), cgroup_fd,
                           bpf_program__expected_attach_type(program), NULL);
}

static int attach_cgroup(struct cs_sensor *sensor, size_t i, int cgroup_fd,
                         struct cs_sensor_error *error)
{
    const struct bpf_program *program = sensor->handles[i];
    int fd;

    if (is_connect(program))
        fd = link_connect(sensor, program, cgroup_fd);
    else
        fd = bpf_link_create(bpf_program__fd(program), cgroup_fd,
                             bpf_program__expected_attach_type(program), NULL);
    if (fd < 0)
        return cs_sensor_fail(error, fd, "cannot attach %s: %s", sensor->programs[i].hook,
                              strerror(-fd));
    sensor->cgroup_links[i] = fd;
    sensor->programs[i].attached = true;
    return 0;
}

int cs_sensor_attach(struct cs_sensor *sensor, int cgroup_fd, struct cs_sensor_error *error)
{
    int err;

    error->text[0] = '\0';
    /* From the last to the first: connect makes a socket's state, and a connection that others
     * had not seen from its start would look like one that failed. */
    for (size_t i = sensor->program_count; i-- > 0;) {
        if (!sensor->programs[i].required)
            continue;
        err = attach_cgroup(sensor, i, cgroup_fd, error);
        if (err)
            return err;
    }
    return 0;
}

int cs_sensor_fd(const struct cs_sensor *sensor)
{
    return ring_buffer__epoll_fd(sensor->ring);
}

static int on_record(void *context, void *data, size_t size)
{
    struct cs_sensor *sensor = context;

    int err = sensor->record(sensor->record_context, data, size);

    /* A negative value is the only way to have libbpf stop; the record counts as taken. */
    return err ? err : ++sensor->polled == CS_SENSOR_POLL_MAX ? -EAGAIN : 0;
}

int cs_sensor_poll(struct cs_sensor *sensor, cs_sensor_record_fn record, void *context)
{
    int n;

    sensor->record = record;
    sensor->record_context = context;
    sensor->polled = 0;
    n = ring_buffer__consume(sensor->ring);
    return n == -EAGAIN && sensor->polled == CS_SENSOR_POLL_MAX ? sensor->polled : n;
}

const struct cs_sensor_stats *cs_sensor_stats(const struct cs_sensor *sensor)
{
    return &sensor->skeleton->bss->stats;
}

const struct cs_sensor_program *cs_sensor_programs(const struct cs_sensor *sensor, size_t *n)
{
    *n = sensor->program_count;
    return sensor->programs;
}

enum cs_token_hook cs_sensor_token_hook(const struct cs_sensor *sensor)
{
    return sensor->token_hook;
}

const char *cs_sensor_token_why(const struct cs_sensor *sensor, enum cs_token_hook hook)
{
    return sensor->token_why[hook];
}

bool cs_sensor_runs_first(const struct cs_sensor *sensor)
{
    return sensor->runs_first;
}

bool cs_sensor_reads_kernel(const struct cs_sensor *sensor)
{
    return sensor->reads_kernel;
}

int cs_sensor_ring_make(struct cs_sensor *sensor, struct cs_sensor_error *error)
{
    sensor->ring =
        ring_buffer__new(bpf_map__fd(sensor->skeleton->maps.facts), on_record, sensor, NULL);
    if (!sensor->ring)
        return cs_sensor_fail(error, -errno, "cannot map the ring buffer: %s", strerror(errno));
    return 0;
}

void cs_sensor_free(struct cs_sensor *sensor)
{
    if (!sensor)
        return;
    for (size_t i = 0; i < CS_SENSOR_PROGRAMS_MAX; i++) {
        bpf_link__destroy(sensor->links[i]);
        cs_close_fd(&sensor->cgroup_links[i]);
    }
    cs_close_fd(&sensor->stats_fd);
    ring_buffer__free(sensor->ring);
    credscope_bpf__destroy(sensor->skeleton);
    free(sensor);
}
