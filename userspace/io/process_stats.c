/* SPDX-License-Identifier: Apache-2.0 */
#include "io/process_stats.h"

#include "base/cleanup.h"
#include "base/util.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static uint64_t timeval_ns(const struct timeval *time)
{
    return (uint64_t)time->tv_sec * CS_NSEC_PER_SEC + (uint64_t)time->tv_usec * 1000;
}

static void read_usage(struct cs_process_stats *stats)
{
    struct rusage usage;
    struct rlimit limit;

    if (getrusage(RUSAGE_SELF, &usage) == 0)
        stats->cpu_ns = timeval_ns(&usage.ru_utime) + timeval_ns(&usage.ru_stime);
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        stats->max_fds = limit.rlim_cur;
}

static int read_status(struct cs_process_stats *stats)
{
    _cleanup_fclose_ FILE *file = fopen("/proc/self/status", "re");
    const struct {
        const char *name;
        uint64_t *bytes;
    } fields[] = {
        {"VmSize:", &stats->virtual_bytes},
        {"VmRSS:", &stats->resident_bytes},
        {"RssAnon:", &stats->anonymous_bytes},
    };
    char line[256];

    if (!file)
        return -errno;
    while (fgets(line, sizeof(line), file)) {
        for (size_t i = 0; i < CS_ARRAY_SIZE(fields); i++) {
            size_t len = strlen(fields[i].name);

            if (strncmp(line, fields[i].name, len) == 0)
                *fields[i].bytes = strtoull(line + len, NULL, 10) * 1024;
        }
    }
    return 0;
}

/* Field 22 of /proc/self/stat, in clock ticks since boot (proc_pid_stat(5)). */
static int read_start(struct cs_process_stats *stats)
{
    _cleanup_fclose_ FILE *file = fopen("/proc/self/stat", "re");
    struct timespec wall, boot;
    char text[1024];
    const char *at;
    uint64_t ticks;

    if (!file)
        return -errno;
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    /* The name in field 2 may hold spaces and parentheses. */
    at = strrchr(text, ')');
    for (int field = 2; at && field < 22; field++)
        at = strchr(at + 1, ' ');
    if (!at || sscanf(at, " %" SCNu64, &ticks) != 1)
        return -EBADMSG;
    clock_gettime(CLOCK_REALTIME, &wall);
    clock_gettime(CLOCK_BOOTTIME, &boot);
    stats->start_ns = (uint64_t)(wall.tv_sec - boot.tv_sec) * CS_NSEC_PER_SEC +
                      (uint64_t)wall.tv_nsec - (uint64_t)boot.tv_nsec +
                      ticks * (CS_NSEC_PER_SEC / (uint64_t)sysconf(_SC_CLK_TCK));
    return 0;
}

static int count_fds(struct cs_process_stats *stats)
{
    DIR *directory = opendir("/proc/self/fd");

    if (!directory)
        return -errno;
    while (readdir(directory))
        stats->open_fds++;
    closedir(directory);
    stats->open_fds -= 3; /* ".", ".." and the directory itself */
    return 0;
}

int cs_process_stats_read(struct cs_process_stats *stats)
{
    int status, start, fds;

    memset(stats, 0, sizeof(*stats));
    read_usage(stats);
    status = read_status(stats);
    start = read_start(stats);
    fds = count_fds(stats);
    return status ? status : start ? start : fds;
}
