/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of `check`: each adds its lines. */
#ifndef CS_APP_COMMAND_CHECK_PARTS_H
#define CS_APP_COMMAND_CHECK_PARTS_H

#include "app/check/command_check_report.h"
#include "app/config/config.h"
#include "io/capabilities.h"
#include "io/cgroup_fs.h"
#include "io/kernel.h"

struct cs_check {
    struct cs_config config; /* first: the target of the options of `run` */
    struct cs_check_report report;
    struct cs_kernel kernel;
    struct cs_capabilities capabilities;
    struct cs_cgroup_fs cgroup; /* fd is -1 when none was found */
    bool memlock_enough;        /* RLIMIT_MEMLOCK as it was at first: libbpf's probes raise it */
    bool json;
};

/* What has to be read before anything is tried. 0 or -errno. */
int cs_check_begin(struct cs_check *check);

/* Kernel, BTF, JIT, lockdown, BPF features; cgroup v2 and what is in it. */
void cs_check_kernel(struct cs_check *check);
void cs_check_cgroup(struct cs_check *check);

/* Capabilities and RLIMIT_MEMLOCK. After cs_check_cgroup. */
void cs_check_rights(struct cs_check *check);

/* Load and attach the sensor, for a moment: programs, token hook, cgroup events, others'
 * programs. After cs_check_rights. */
void cs_check_sensor(struct cs_check *check);

/* The source of pods' names, asked for up to 5 s. */
void cs_check_names(struct cs_check *check);

/* State directory, addresses to listen on. */
void cs_check_places(struct cs_check *check);

/* Files of --expect, --events and --record-facts, those that are given. */
void cs_check_files(struct cs_check *check);

#endif
