// SPDX-License-Identifier: Apache-2.0
#include "observed.h"

#include "core/classify/watchlist.h"
#include "io/sensor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct cs_sensor *sensor;
static char home[512], directory[600]; /* the cgroup we came from; our own */
static int guardian_pipe = -1;

static int write_pid(const char *cgroup)
{
    char path[640];
    int fd, r = 0;

    snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, "0", 1) != 1)
        r = -errno;
    if (fd >= 0)
        close(fd);
    return r;
}

/* Where cgroup v2 is mounted, from its true root (proc(5), mountinfo). */
static int find_root(char *root, size_t size)
{
    FILE *mounts = fopen("/proc/self/mountinfo", "re");
    char line[1024], at[256], point[256];
    int r = -ENOENT;

    while (mounts && r && fgets(line, sizeof(line), mounts))
        if (strstr(line, " - cgroup2 ") &&
            sscanf(line, "%*d %*d %*s %255s %255s", at, point) == 2 && !strcmp(at, "/"))
            r = snprintf(root, size, "%s", point) < (int)size ? 0 : -ENAMETOOLONG;
    if (mounts)
        fclose(mounts);
    return r;
}

static void remove_cgroup(void)
{
    for (int i = 0; i < 100 && rmdir(directory) && errno != ENOENT; i++)
        poll(NULL, 0, 20);
}

/* Outlives us by as long as it takes to remove what a killed process would leave. */
static int start_guardian(void)
{
    int ends[2];
    pid_t pid;
    char byte;

    if (pipe2(ends, O_CLOEXEC))
        return -errno;
    pid = fork();
    if (pid < 0)
        return -errno;
    if (pid) {
        close(ends[0]);
        guardian_pipe = ends[1];
        return 0;
    }
    close(ends[1]);
    setsid();
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    if (read(ends[0], &byte, 1) <= 0)
        remove_cgroup();
    _exit(0);
}

static int enter_cgroup(void)
{
    int r = find_root(home, sizeof(home));

    if (r) {
        fprintf(stderr, "packet-fuzz: no cgroup v2 mount found\n");
        return r;
    }
    snprintf(directory, sizeof(directory), "%s/credscope-packet-fuzz-%d", home, getpid());
    r = start_guardian();
    if (!r && mkdir(directory, 0755))
        r = -errno;
    if (!r)
        r = write_pid(directory);
    if (r)
        fprintf(stderr, "packet-fuzz: %s: %s\n", directory, strerror(-r));
    return r;
}

int pf_sensor_start(void)
{
    static struct cs_watchlist list;
    struct cs_sensor_config config = {
        .watch = &list, .ring_bytes = 1 << 22, .no_token_opens = true, .no_cgroup_events = true};
    struct cs_sensor_error error = {""};
    int fd, r = enter_cgroup();

    if (r)
        return r;
    cs_watchlist_init(&list);
    r = cs_sensor_open(&config, &sensor, &error);
    if (!r) {
        fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        r = cs_sensor_attach(sensor, fd, &error);
        close(fd);
    }
    if (r)
        fprintf(stderr, "packet-fuzz: the sensor: %s (%s)\n", error.text, strerror(-r));
    return r;
}

static int keep(void *context, const void *data, size_t size)
{
    struct pf_observed *o = context;
    const struct cs_fact_header *header = data;
    void *copy = (uint8_t *)o->bytes + o->used;

    if (size < sizeof(*header) || header->cookie != o->cookie) {
        o->others++;
        return 0;
    }
    if (o->count == PF_OBSERVED_MAX || o->used + size + 8 > sizeof(o->bytes)) {
        o->overflow = true;
        return 0;
    }
    o->bytes[(o->used + size) / 8] = 0; /* what is behind it is searched too */
    memcpy(copy, data, size);
    o->facts[o->count++] = copy;
    o->used += (size + 7) & ~(size_t)7;
    return 0;
}

int pf_sensor_collect(uint64_t cookie, struct pf_observed *o)
{
    int r;

    o->cookie = cookie;
    o->count = o->others = 0;
    o->used = 0;
    o->overflow = false;
    r = cs_sensor_poll(sensor, keep, o);
    return r < 0 ? r : 0;
}

uint64_t pf_sensor_dropped(void)
{
    const struct cs_sensor_stats *stats = cs_sensor_stats(sensor);
    uint64_t sum = 0;

    for (int i = 0; i < CS_FACT_TYPE_END; i++)
        sum += stats->dropped[i];
    return sum;
}

void pf_sensor_stop(void)
{
    cs_sensor_free(sensor);
    sensor = NULL;
    if (home[0])
        write_pid(home);
    if (guardian_pipe >= 0)
        close(guardian_pipe);
    wait(NULL);
}
