/* SPDX-License-Identifier: Apache-2.0 */
#include "app/observer/observer_parts.h"
#include "base/log.h"
#include "base/util.h"
#include "core/facts/fact_stream.h"
#include "io/code_pages.h"
#include "io/procfs.h"
#include "io/sock_diag.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/uio.h>

#define WALK_EVERY_NS (5 * CS_NSEC_PER_SEC)

/* --record-facts is for finding faults: it never stops the observer, but says when it ends. */
static void record_fact(struct cs_observer *observer, const void *data, size_t size)
{
    static const char ZEROES[8];
    struct iovec parts[] = {
        {(void *)data, size},
        {(void *)ZEROES, cs_fact_stream_padding(size)},
    };
    ssize_t n = writev(observer->record_fd, parts, 2);

    if (n == (ssize_t)(size + parts[1].iov_len))
        return;
    cs_warn("--record-facts %s: %s; recording ends", observer->config->record_facts,
            n < 0 ? strerror(errno) : "cut short");
    cs_close_fd(&observer->record_fd);
}

/* What was there before, as the fact of its creation with time 0: a replay must know it as well. */
static void record_cgroup(struct cs_observer *observer, uint64_t id, const char *path)
{
    union {
        struct cs_fact_cgroup fact;
        unsigned char bytes[sizeof(struct cs_fact_cgroup) + CS_CGROUP_PATH_MAX];
    } record = {.fact = {.header.type = CS_FACT_CGROUP_CREATED, .cgroup_id = id}};
    size_t len = strlen(path);

    if (observer->record_fd < 0)
        return;
    if (len > CS_CGROUP_PATH_MAX) {
        len = CS_CGROUP_PATH_MAX;
        record.fact.flags = CS_CGROUP_PATH_CUT;
    }
    memcpy(record.bytes + sizeof(record.fact), path, len);
    record.fact.path_len = (uint16_t)len;
    record.fact.header.size = (uint16_t)(sizeof(record.fact) + len);
    record_fact(observer, &record, record.fact.header.size);
}

static int on_record(void *context, const void *data, size_t size)
{
    struct cs_observer *observer = context;

    if (observer->record_fd >= 0)
        record_fact(observer, data, size);
    cs_pipeline_fact(&observer->pipeline, data, size, observer->pipeline.now_ns);
    return 0;
}

static void on_facts(void *data, uint32_t events)
{
    struct cs_observer *observer = data;
    int n;

    (void)events;
    observer->pipeline.now_ns = cs_monotonic_ns();
    n = cs_sensor_poll(observer->sensor, on_record, observer);
    if (n < 0) {
        observer->error = cs_error_r(n, "reading facts failed: %s", strerror(-n));
        cs_loop_stop(observer->loop);
    }
    cs_observer_settle(observer);
}

static int start_recording(struct cs_observer *observer)
{
    const char *path = observer->config->record_facts;
    struct cs_fact_stream_header header;

    if (path[0] == '\0')
        return 0;
    observer->record_fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (observer->record_fd < 0)
        return cs_error_r(-errno, "--record-facts %s: %s", path, strerror(errno));
    cs_fact_stream_begin(&header, observer->pipeline.context.wall_offset_ns);
    if (write(observer->record_fd, &header, sizeof(header)) != sizeof(header))
        return cs_error_r(-EIO, "--record-facts %s: %s", path, strerror(errno));
    return 0;
}

static int on_cgroup(uint64_t id, const char *path, void *context)
{
    struct cs_observer *observer = context;
    int error;

    if (cs_container_table_has(observer->pipeline.containers, id))
        return 0;
    error = cs_container_table_add(observer->pipeline.containers, id,
                                   (struct cs_slice){path, strlen(path)}, false, 0);
    if (error == 0)
        record_cgroup(observer, id, path);
    return error == -ENOMEM ? error : 0;
}

/* A new cgroup's fact was lost, or there are none on this kernel. */
static int resolve(void *data, uint64_t cgroup_id, char *path, size_t size)
{
    struct cs_observer *observer = data;
    uint64_t now_ns = observer->pipeline.now_ns;
    int error;

    if (!observer->cgroup_events) {
        error = cs_cgroup_fs_path_by_id(&observer->cgroup, cgroup_id, path, size);
        if (error == 0)
            record_cgroup(observer, cgroup_id, path);
        return error;
    }
    /* A walk needs no capability, but reads every directory. */
    if (now_ns < observer->next_walk_ns)
        return -EAGAIN;
    observer->next_walk_ns = now_ns + WALK_EVERY_NS;
    cs_cgroup_fs_walk(&observer->cgroup, on_cgroup, observer);
    return -ENOENT;
}

static int open_cgroup(struct cs_observer *observer)
{
    const char *directory = observer->config->cgroup;
    char why[CS_SENSOR_WHY_MAX];
    int error;

    error = cs_cgroup_fs_open(directory[0] != '\0' ? directory : NULL, &observer->cgroup, why,
                              sizeof(why));
    if (error < 0)
        return cs_error_r(error, "%s", why);
    observer->pipeline.resolve = resolve;
    observer->pipeline.resolve_data = observer;
    if (!observer->cgroup.true_root)
        cs_warn("%s is not the node's root: only what is below it is seen", observer->cgroup.path);
    if (observer->cgroup.layout == CS_CGROUP_LAYOUT_V2)
        return 0;
    observer->pipeline.root_shared = true;
    if (cs_procfs_sees_host())
        observer->pipeline.process_path = cs_procfs_cgroup_path;
    else
        cs_warn("cgroup v1 is mounted and hostPID is not given: pods that are not in cgroup v2 "
                "can't be told apart");
    return 0;
}

static bool sees_new_cgroups(const struct cs_observer *observer)
{
    size_t n;
    const struct cs_sensor_program *programs = cs_sensor_programs(observer->sensor, &n);

    for (size_t i = 0; i < n; i++)
        if (strstr(programs[i].hook, "cgroup_mkdir"))
            return programs[i].attached;
    return false;
}

/* Connections older than the sensor are never seen: say how many. */
static void count_preexisting(struct cs_observer *observer)
{
    const struct cs_watchlist *list = &observer->config->watchlist;
    struct cs_sock_peer peers[CS_WATCHED_ADDRESSES_MAX];
    uint32_t counts[CS_WATCHED_ADDRESSES_MAX];
    bool truncated;

    for (size_t i = 0; i < list->address_count; i++) {
        memcpy(peers[i].addr, list->addresses[i].key.addr, sizeof(peers[i].addr));
        peers[i].port = list->addresses[i].key.port;
    }
    int error = cs_sock_diag_count(peers, list->address_count, counts, &truncated);

    if (error < 0 || truncated) {
        cs_warn("connections older than credscope can't be counted: %s",
                error < 0 ? strerror(-error) : "too many sockets");
        return;
    }
    observer->preexisting_known = true;
    for (size_t i = 0; i < list->address_count; i++)
        observer->preexisting_sockets += counts[i];
    if (observer->preexisting_sockets > 0)
        cs_warn("%u connections to watched addresses are older than credscope and stay unseen",
                observer->preexisting_sockets);
}

/* Give up what was needed to load and attach. */
static int shed(const struct cs_observer *observer)
{
    const struct cs_capability_needs needs = {
        .kernel = observer->kernel.version,
        .open_by_handle = !observer->cgroup_events,
    };
    int error = cs_capabilities_shed(cs_capabilities_remainder(&needs));

    if (error < 0)
        return cs_error_r(error, "can't give up capabilities: %s", strerror(-error));
    return 0;
}

int cs_observer_make_sensor(struct cs_observer *observer)
{
    const struct cs_sensor_config config = {.watch = &observer->config->watchlist};
    struct cs_sensor_error why = {""};
    int error;

    error = open_cgroup(observer);
    if (error == 0)
        error = start_recording(observer);
    if (error < 0)
        return error;
    error = cs_sensor_open(&config, &observer->sensor, &why);
    if (error == 0)
        error = cs_sensor_attach(observer->sensor, observer->cgroup.fd, &why);
    if (error < 0)
        return cs_error_r(error, "%s; `credscope check` says what this node lacks", why.text);
    /* Reading the kernel's BTF took more than 10 MB, freed by now: give it back. */
    malloc_trim(0);
    cs_code_pages_release();
    cs_info("token-file opens are seen by %s",
            cs_token_hook_name(cs_sensor_token_hook(observer->sensor)));
    observer->pipeline.no_token_hook = cs_sensor_token_hook(observer->sensor) == CS_TOKEN_HOOK_NONE;
    observer->cgroup_events = sees_new_cgroups(observer);
    if (observer->config->bpf_stats) {
        error = cs_sensor_measure(observer->sensor);
        if (error < 0)
            return cs_error_r(error, "--bpf-stats: %s (needs CAP_SYS_ADMIN)", strerror(-error));
    }
    count_preexisting(observer);
    /* After the attach: a cgroup made meanwhile is in the walk, in a fact, or in both. */
    error = cs_cgroup_fs_walk(&observer->cgroup, on_cgroup, observer);
    if (error < 0 && error != -E2BIG)
        return cs_error_r(error, "can't read %s: %s", observer->cgroup.path, strerror(-error));
    if (error == -E2BIG)
        cs_warn("%s has more directories than one walk reads: requests from those left out "
                "stay unattributed",
                observer->cgroup.path);
    error = shed(observer);
    if (error < 0)
        return error;
    error = cs_loop_add(observer->loop, cs_sensor_fd(observer->sensor), EPOLLIN, on_facts, observer,
                        &observer->sensor_watch);
    if (error < 0)
        return cs_error_r(error, "can't watch the ring: %s", strerror(-error));
    return 0;
}

void cs_observer_stop_sensor(struct cs_observer *observer)
{
    cs_loop_remove(observer->loop, observer->sensor_watch);
    cs_sensor_free(observer->sensor);
    observer->sensor = NULL;
    cs_cgroup_fs_close(&observer->cgroup);
    cs_close_fd(&observer->record_fd);
}
