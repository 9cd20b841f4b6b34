/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Capabilities (capabilities(7)): which are held, which this kernel asks for, and giving up the
 * others for good. A set is a mask of 1 << CAP_…
 */
#ifndef CS_IO_CAPABILITIES_H
#define CS_IO_CAPABILITIES_H

#include <linux/capability.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CS_CAP(capability) (UINT64_C(1) << (capability))

struct cs_capabilities {
    uint64_t effective;
    uint64_t permitted;
    uint64_t bounding;
    bool no_new_privs;
};

/* 0 or -errno. */
int cs_capabilities_read(struct cs_capabilities *capabilities);

/* "CAP_BPF"; "CAP_41" for one without a name here. */
const char *cs_capability_name(unsigned int capability, char *buffer, size_t size);

/* Write "CAP_BPF, CAP_PERFMON" ("none" for the empty set); cut at size. Returns text. */
const char *cs_capabilities_text(uint64_t set, char *text, size_t size);

/* What of the machine decides the needs. */
struct cs_capability_needs {
    uint32_t kernel;     /* CS_KERNEL */
    bool memlock_enough; /* RLIMIT_MEMLOCK needs no raise */
    bool private_mount;  /* cgroup2 has to be mounted */
    bool open_by_handle; /* cs_cgroup_fs_path_by_id is used */
};

/* To load and attach. CAP_SYS_ADMIN stands for CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN in the
 * kernel's checks: see cs_capabilities_missing. */
uint64_t cs_capabilities_needed(const struct cs_capability_needs *needs);

/* The part of needed that effective doesn't cover. */
uint64_t cs_capabilities_missing(uint64_t needed, uint64_t effective);

/* To go on after attach: none from 5.19; before that every bpf(2) call asks for CAP_BPF where
 * unprivileged BPF is disabled. open_by_handle adds CAP_DAC_READ_SEARCH. */
uint64_t cs_capabilities_remainder(const struct cs_capability_needs *needs);

/*
 * Keep no capability but those in keep, for good: no_new_privs, no ambient or inheritable ones,
 * an empty bounding set (when CAP_SETPCAP is held), permitted = effective = keep & permitted.
 * Checked by reading back. 0 or -errno (-EPERM: something is still held). Single thread only.
 */
int cs_capabilities_shed(uint64_t keep);

#endif
