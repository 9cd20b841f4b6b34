/* SPDX-License-Identifier: Apache-2.0 */
/* Which BPF programs others have attached, and what this kernel's BPF can do. */
#ifndef CS_IO_BPF_QUERY_H
#define CS_IO_BPF_QUERY_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CS_BPF_PROGRAMS_MAX 64 /* BPF_CGROUP_MAX_PROGS */

struct cs_bpf_program {
    uint32_t id;
    char name[BPF_OBJ_NAME_LEN]; /* "" when it may not be read (needs CAP_SYS_ADMIN) */
};

/*
 * The programs attached to one cgroup at one hook, in the order in which they run. *count gets
 * their number, at most CS_BPF_PROGRAMS_MAX. Needs CAP_NET_ADMIN. 0 or -errno (-EPERM, -EINVAL:
 * the hook is unknown to this kernel); *count is then unchanged.
 */
int cs_bpf_query_attached(int cgroup_fd, enum bpf_attach_type hook,
                          struct cs_bpf_program programs[CS_BPF_PROGRAMS_MAX], size_t *count);

/* Something of the kernel's BPF that credscope uses. */
struct cs_bpf_feature {
    const char *name; /* "ring buffer map" */
    bool required;    /* run can't do without */
};

/* The table and its length. */
const struct cs_bpf_feature *cs_bpf_features(size_t *n);

/* Probe feature i by asking the kernel. 1 there, 0 not there, -errno not known. Without CAP_BPF
 * the answer means nothing: some probes then say 1. */
int cs_bpf_feature_probe(size_t i);

#endif
