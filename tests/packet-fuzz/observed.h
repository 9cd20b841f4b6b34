/* SPDX-License-Identifier: Apache-2.0 */
/* The loaded sensor, attached to a cgroup of our own, and the facts it sent about one socket. */
#ifndef PF_OBSERVED_H
#define PF_OBSERVED_H

#include <credscope/abi.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PF_OBSERVED_MAX   8192
#define PF_OBSERVED_BYTES (1 << 20)

struct pf_observed {
    uint64_t cookie; /* whose facts; others of our cgroup are counted only */
    uint32_t count;
    uint32_t others;
    size_t used;
    bool overflow;
    const struct cs_fact_header *facts[PF_OBSERVED_MAX];
    uint64_t bytes[PF_OBSERVED_BYTES / 8];
};

/* Make a cgroup, move this process into it, load the sensor and attach it there. A child waits
 * for this process's end, however it comes, and removes the cgroup. 0 or -errno, after a line. */
int pf_sensor_start(void);

/* What waits in the ring. 0 or -errno. */
int pf_sensor_collect(uint64_t cookie, struct pf_observed *observed);

/* Facts that found no room so far. */
uint64_t pf_sensor_dropped(void);

void pf_sensor_stop(void);

#endif
