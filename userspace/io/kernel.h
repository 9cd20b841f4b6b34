/* SPDX-License-Identifier: Apache-2.0 */
/* What kernel and machine this is. */
#ifndef CS_IO_KERNEL_H
#define CS_IO_KERNEL_H

#include "base/kernel_version.h"

#include <stdbool.h>
#include <stdint.h>

#define CS_KERNEL_MIN CS_KERNEL(5, 10) /* the oldest that credscope is tested on */

enum cs_lockdown {
    CS_LOCKDOWN_NONE, /* off, or not built in */
    CS_LOCKDOWN_INTEGRITY,
    CS_LOCKDOWN_CONFIDENTIALITY, /* bpf_probe_read of kernel memory is refused */
    CS_LOCKDOWN_END,
};

enum cs_cloud { CS_CLOUD_UNKNOWN, CS_CLOUD_AWS, CS_CLOUD_AZURE, CS_CLOUD_END };

const char *cs_lockdown_name(enum cs_lockdown lockdown);
const char *cs_cloud_name(enum cs_cloud cloud); /* "aws", "azure", "~unknown": label `cloud` */

struct cs_kernel {
    char release[65]; /* uname -r */
    char machine[65]; /* uname -m */
    uint32_t version; /* CS_KERNEL(major, minor); 0 when release has another form */
    bool btf;         /* /sys/kernel/btf/vmlinux is readable */
    bool bpf_lsm;     /* "bpf" is among the active LSMs: BPF_PROG_TYPE_LSM programs run */
    bool lsm_known;   /* securityfs is mounted: bpf_lsm and lockdown are what it says */
    bool tracefs;     /* syscall tracepoints can be read from tracefs */
    bool kprobes;     /* the kprobe PMU is there */
    int jit;          /* net.core.bpf_jit_enable; -1 unknown */
    int unprivileged_bpf_disabled; /* -1 unknown */
    enum cs_lockdown lockdown;
    enum cs_cloud cloud; /* from DMI: a hint, no proof */
};

/* Read all of it. What can't be read is false, unknown or -1. root is put before every path:
 * "" but in tests. */
void cs_kernel_read(const char *root, struct cs_kernel *kernel);

/* CS_KERNEL(major, minor) of a release such as "5.10.0-28-amd64"; 0 when malformed. */
uint32_t cs_kernel_version(const char *release);

#endif
