/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel half's own figures: how full its maps are, what its programs cost. */
#include "io/sensor_internal.h"

#include "base/util.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Bytes that wait in the ring: its positions are words at the start of its first two pages
 * (kernel: Documentation/bpf/ringbuf.rst). */
static uint64_t ring_waiting(int fd)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    volatile uint64_t *words = mmap(NULL, 2 * page, PROT_READ, MAP_SHARED, fd, 0);
    uint64_t consumer, producer;

    if (words == MAP_FAILED)
        return 0;
    consumer = words[0];
    producer = words[page / sizeof(*words)];
    munmap((void *)words, 2 * page);
    return producer > consumer ? producer - consumer : 0;
}

size_t cs_sensor_maps(const struct cs_sensor *sensor, struct cs_sensor_map maps[CS_SENSOR_MAPS])
{
    const struct bpf_map *facts = sensor->skeleton->maps.facts;
    const struct bpf_map *clients = sensor->skeleton->maps.clients;
    const struct cs_sensor_stats *stats = cs_sensor_stats(sensor);
    uint64_t added = stats->clients_added, removed = stats->clients_removed;

    maps[0] = (struct cs_sensor_map){"facts", ring_waiting(bpf_map__fd(facts)),
                                     bpf_map__max_entries(facts)};
    maps[1] = (struct cs_sensor_map){"clients", added > removed ? added - removed : 0,
                                     bpf_map__max_entries(clients)};
    return CS_SENSOR_MAPS;
}

int cs_sensor_measure(struct cs_sensor *sensor)
{
    int fd = bpf_enable_stats(BPF_STATS_RUN_TIME);

    if (fd < 0)
        return fd;
    sensor->stats_fd = fd;
    return 0;
}

int cs_sensor_program_cost(const struct cs_sensor_program *program, uint64_t *runs, uint64_t *ns)
{
    struct bpf_prog_info info = {0};
    __u32 len = sizeof(info);

    if (program->fd < 0)
        return -ENOENT;
    if (bpf_obj_get_info_by_fd(program->fd, &info, &len) < 0)
        return -errno;
    *runs = info.run_cnt;
    *ns = info.run_time_ns;
    return 0;
}
