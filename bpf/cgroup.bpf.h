/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * Cgroups of v2 as they come and go, so that a container that lives for a second is never missed.
 *
 * Raw tracepoints with CO-RE reads and not tp_btf: both need the kernel's BTF, the raw form is
 * accepted wherever the typed one is, and the rate (containers started) makes typed loads no gain.
 *
 * The kernel calls both tracepoints with cgroup_mutex and trace_cgroup_path_lock held
 * (TRACE_CGROUP_PATH, kernel/cgroup/cgroup-internal.h): one at a time, so one scratch is enough.
 */
#ifndef CS_CGROUP_BPF_H
#define CS_CGROUP_BPF_H

#include "emit.bpf.h"

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wpadded"
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct cgroup_root {
    int hierarchy_id;
};

struct cgroup___directory {
    int level;
    struct kernfs_node *kn;
    struct cgroup_root *root;
};

#pragma clang attribute pop
#pragma clang diagnostic pop

/* The tracepoint's own path buffer, TRACE_CGROUP_PATH_LEN: a longer path is cut to fill it. */
#define CS_CGROUP_TRACE_PATH 1024

/* A struct cs_fact_cgroup and its text. */
struct cs_cgroup_scratch {
    __u64 fact[sizeof(struct cs_fact_cgroup) / 8];
    char text[CS_CGROUP_TRACE_PATH];
};

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct cs_cgroup_scratch);
} cgroup_scratch SEC(".maps");

static __always_inline int cs_cgroup_event(struct bpf_raw_tracepoint_args *ctx, __u32 type)
{
    const struct cgroup___directory *cgroup = (const void *)ctx->args[0];
    const char *path = (const char *)ctx->args[1];
    struct cs_cgroup_scratch *scratch;
    struct cs_fact_cgroup *fact;
    __u32 zero = 0;
    long len;

    /* v1 hierarchies' ids overlap with v2's; the default hierarchy's number is 0. */
    if (BPF_CORE_READ(cgroup, root, hierarchy_id) != 0)
        return 0;
    scratch = bpf_map_lookup_elem(&cgroup_scratch, &zero);
    if (!scratch)
        return 0;
    fact = (struct cs_fact_cgroup *)scratch->fact;
    len = bpf_probe_read_kernel_str(scratch->text, sizeof(scratch->text), path);
    len = len > 0 ? len - 1 : 0;
    len &= CS_CGROUP_TRACE_PATH - 1;
    fact->cgroup_id = BPF_CORE_READ(cgroup, kn, id);
    fact->level = BPF_CORE_READ(cgroup, level);
    fact->flags = len == CS_CGROUP_TRACE_PATH - 1 ? CS_CGROUP_PATH_CUT : 0;
    fact->path_len = len;
    cs_emit_free(&fact->header, type, sizeof(*fact) + len);
    return 0;
}

SEC("raw_tp/cgroup_mkdir")
int cs_cgroup_mkdir(struct bpf_raw_tracepoint_args *ctx)
{
    return cs_cgroup_event(ctx, CS_FACT_CGROUP_CREATED);
}

SEC("raw_tp/cgroup_rmdir")
int cs_cgroup_rmdir(struct bpf_raw_tracepoint_args *ctx)
{
    return cs_cgroup_event(ctx, CS_FACT_CGROUP_REMOVED);
}

#endif
