/* SPDX-License-Identifier: Apache-2.0 */
/* This process as the kernel accounts it: the process_* metrics. */
#ifndef CS_IO_PROCESS_STATS_H
#define CS_IO_PROCESS_STATS_H

#include <stdint.h>

struct cs_process_stats {
    uint64_t cpu_ns;          /* user and system */
    uint64_t start_ns;        /* CLOCK_REALTIME */
    uint64_t resident_bytes;  /* VmRSS */
    uint64_t anonymous_bytes; /* RssAnon */
    uint64_t virtual_bytes;   /* VmSize */
    uint64_t open_fds;
    uint64_t max_fds;
};

/* 0 or -errno; what could not be read is 0. */
int cs_process_stats_read(struct cs_process_stats *stats);

#endif
