/* SPDX-License-Identifier: Apache-2.0 */
/* What the sensor's source files share. */
#ifndef CS_IO_SENSOR_INTERNAL_H
#define CS_IO_SENSOR_INTERNAL_H

#include "io/sensor.h"

#include <bpf/libbpf.h>
#include <stdarg.h>
#include <stdio.h>

#include "credscope.skel.h"

#define CS_SENSOR_PROGRAMS_MAX 24

struct cs_sensor {
    struct credscope_bpf *skeleton;
    struct ring_buffer *ring;
    struct cs_sensor_program programs[CS_SENSOR_PROGRAMS_MAX];
    struct bpf_program *handles[CS_SENSOR_PROGRAMS_MAX];
    struct bpf_link *links[CS_SENSOR_PROGRAMS_MAX];
    int cgroup_links[CS_SENSOR_PROGRAMS_MAX];
    size_t program_count;
    enum cs_token_hook token_hook;
    char token_why[CS_TOKEN_HOOK_NONE + 1][CS_SENSOR_WHY_MAX];
    bool runs_first;
    bool reads_kernel;
    int stats_fd; /* of cs_sensor_measure, or -1 */
    int polled;   /* records of this cs_sensor_poll */
    cs_sensor_record_fn record;
    void *record_context;
};

/* Print into error and give code back. */
int cs_sensor_fail(struct cs_sensor_error *error, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Write read-only configuration and map sizes (before load), and maps (after). */
int cs_sensor_configure(struct credscope_bpf *skeleton, const struct cs_sensor_config *config,
                        struct cs_sensor_error *error);
int cs_sensor_fill(struct credscope_bpf *skeleton, const struct cs_sensor_config *config,
                   struct cs_sensor_error *error);

/* For a program whose section is a tracepoint: attach it by a private mount of tracefs. NULL and
 * errno on failure, as bpf_program__attach. */
bool cs_sensor_is_tracepoint(const struct bpf_program *program);
struct bpf_link *cs_sensor_attach_tracepoint(const struct bpf_program *program);

int cs_sensor_ring_make(struct cs_sensor *sensor, struct cs_sensor_error *error);

#endif
