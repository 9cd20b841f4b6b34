/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel half: loads it, fills its tables, attaches it, hands its facts over.
 *
 *   cs_sensor_open → cs_sensor_attach → cs_sensor_poll whenever cs_sensor_fd is readable
 *
 * Programs stay attached as long as their links' file descriptors live: when the process ends, be
 * it killed, nothing remains. Not thread-safe.
 */
#ifndef CS_IO_SENSOR_H
#define CS_IO_SENSOR_H

#include "core/classify/watchlist.h"

#include <credscope/abi.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CS_SENSOR_RING_BYTES (1U << 20)
#define CS_SENSOR_WHY_MAX    256
#define CS_SENSOR_POLL_MAX   4096

/* How token-file opens are seen, best first. */
enum cs_token_hook {
    CS_TOKEN_HOOK_FEXIT,
    CS_TOKEN_HOOK_KPROBE,
    CS_TOKEN_HOOK_TRACEPOINTS,
    CS_TOKEN_HOOK_NONE, /* also: the end of the enumeration */
};

struct cs_sensor_config {
    const struct cs_watchlist *watch; /* read during cs_sensor_open only */
    uint32_t ring_bytes;  /* rounded up to a power of two of pages; 0 = CS_SENSOR_RING_BYTES */
    bool watch_port_zero; /* watch packets of remote port 0, which BPF_PROG_TEST_RUN's are */
    bool no_token_opens;  /* leave these hooks out */
    bool no_cgroup_events;
    enum cs_token_hook token_hook; /* the first to try; 0 = the best */
};

/* One line for a person: what failed and why; "" when nothing did. */
struct cs_sensor_error {
    char text[CS_SENSOR_WHY_MAX];
};

struct cs_sensor_program {
    const char *name; /* as in the object: "cs_egress_prog" */
    const char *hook; /* its section: "cgroup_skb/egress" */
    bool required;
    bool attached;
    int fd; /* of the program, -1 when not loaded */
};

struct cs_sensor;

/* A record of the ring, size bytes at data, valid during the call, not validated. Not 0 stops
 * the poll and is what cs_sensor_poll returns. */
typedef int (*cs_sensor_record_fn)(void *context, const void *data, size_t size);

/* Load everything; choose a token hook by attaching it. 0, or -errno (-EPERM: a capability is
 * missing; -EPROTO: built from another ABI) with the reason in *error; *sensor is then unchanged.
 */
int cs_sensor_open(const struct cs_sensor_config *config, struct cs_sensor **sensor,
                   struct cs_sensor_error *error);

/* Attach the socket programs to a cgroup v2 directory, ours before those already there where the
 * kernel can (cs_sensor_runs_first). The directory's descriptor may be closed afterwards. Once
 * only. */
int cs_sensor_attach(struct cs_sensor *sensor, int cgroup_fd, struct cs_sensor_error *error);

/* Readable when facts wait. */
int cs_sensor_fd(const struct cs_sensor *sensor);

/* Hand over what waits, at most CS_SENSOR_POLL_MAX records so that others get their turn; the fd
 * stays readable when there are more. Number of records, or the callback's negative. */
int cs_sensor_poll(struct cs_sensor *sensor, cs_sensor_record_fn record, void *context);

/* Mapped from the kernel and changing under the reader; valid until cs_sensor_free. */
const struct cs_sensor_stats *cs_sensor_stats(const struct cs_sensor *sensor);

/* All programs of the object. Owned by the sensor. */
const struct cs_sensor_program *cs_sensor_programs(const struct cs_sensor *sensor, size_t *n);

/* The hook in use, and for each better one why it wasn't taken ("" where it wasn't tried). */
enum cs_token_hook cs_sensor_token_hook(const struct cs_sensor *sensor);
const char *cs_sensor_token_why(const struct cs_sensor *sensor, enum cs_token_hook hook);
const char *cs_token_hook_name(enum cs_token_hook hook);

/* True when our connect programs run before others' (PREORDER, kernel commit 4b82b181a26c). */
bool cs_sensor_runs_first(const struct cs_sensor *sensor);

/* False where lockdown=confidentiality forbids reads of kernel memory: then token opens and new
 * cgroups aren't told, nor kernel threads (below Linux 5.12) nor the cgroup of an interceptor
 * (below 5.15). */
bool cs_sensor_reads_kernel(const struct cs_sensor *sensor);

/* One bounded map of the kernel half. */
struct cs_sensor_map {
    const char *name;
    uint64_t entries; /* bytes for the ring */
    uint64_t capacity;
};
#define CS_SENSOR_MAPS 2

/* Fills maps; returns how many. */
size_t cs_sensor_maps(const struct cs_sensor *sensor, struct cs_sensor_map maps[CS_SENSOR_MAPS]);

/* Have the kernel count runs and time of every BPF program of the machine, until cs_sensor_free;
 * costs each some 80 ns a run. 0 or -errno. */
int cs_sensor_measure(struct cs_sensor *sensor);

/* What a program has cost since it was loaded; 0 while nothing measures. 0 or -errno. */
int cs_sensor_program_cost(const struct cs_sensor_program *program, uint64_t *runs, uint64_t *ns);

/* Detach, unload, free. Accepts NULL. */
void cs_sensor_free(struct cs_sensor *sensor);

#endif
