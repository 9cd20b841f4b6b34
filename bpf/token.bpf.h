/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * Opens of watched token files: one of these programs is attached, the first that the kernel
 * takes (the loader loads one group at a time, since a kernel may refuse even to load another's):
 *
 *   cs_token_fexit    fexit/security_file_open. Sees the result; typed loads. Not LSM file_open:
 *                     that needs the same trampoline, and where "bpf" isn't in lsm= it attaches
 *                     and then is never called.
 *   cs_token_kprobe   kprobe/security_file_open. On entry: permissions have been checked by then,
 *                     an open that only an LSM's file_open hook denies is counted all the same.
 *   cs_token_exit_*   tracepoints sys_exit_openat, _openat2, and _open where it exists (not on
 *                     arm64). On exit and from the new descriptor's file: so the path is the
 *                     kernel's, there is no user memory to fault on, a failed open is none, and
 *                     nothing is carried from an entry hook. Adds to every syscall of the node;
 *                     opens by io_uring are not seen. One typed raw tracepoint sys_exit would need
 *                     no tracefs, yet adds 74 ns to a bystander's syscall where these add 34, and
 *                     as much to an openat (6.18, x86-64).
 *
 * All end in one comparison: names from the file's dentry upwards, across mounts as the opener's
 * mount tree has them, against an entry's components from its end. It steps over names that start
 * with ".." and are longer: the atomic writer's directories (kubernetes pkg/volume/util/
 * atomic_writer.go), wherever they stand. bpf_d_path isn't used: it is for trampolines only, and
 * would build a whole path for every file whose name has the right length.
 */
#ifndef CS_TOKEN_BPF_H
#define CS_TOKEN_BPF_H

#include "emit.bpf.h"

#define CS_TOKEN_NAME_MAX 64 /* as in core/classify/watchlist.h: no component is longer */
#define CS_TOKEN_STEPS    20 /* names and mounts crossed, at most 8 names are an entry's */
#define CS_FMODE_READ     1  /* include/linux/fs.h; O_PATH and write-only opens lack it */
#define CS_FD_MAX         (1 << 20)

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wpadded"
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct qstr {
    __u32 len;
    const unsigned char *name;
};

struct dentry {
    struct dentry *d_parent;
    struct qstr d_name;
};

struct vfsmount {
    struct dentry *mnt_root;
};

struct mount {
    struct mount *mnt_parent;
    struct dentry *mnt_mountpoint;
    struct vfsmount mnt;
};

struct path {
    struct vfsmount *mnt;
    struct dentry *dentry;
};

struct file {
    unsigned int f_mode;
    struct path f_path;
};

struct fdtable {
    unsigned int max_fds;
    struct file **fd;
};

struct files_struct {
    struct fdtable *fdt;
};

struct task_struct___files {
    struct files_struct *files;
};

struct trace_event_raw_sys_exit {
    long ret;
};

#if defined(__TARGET_ARCH_x86)
struct pt_regs___first {
    unsigned long di;
};
#define CS_FIRST_ARGUMENT(ctx) ((ctx)->di)
#else
struct pt_regs___first {
    __u64 regs[31];
};
#define CS_FIRST_ARGUMENT(ctx) ((ctx)->regs[0])
#endif

#pragma clang attribute pop
#pragma clang diagnostic pop

/* What most opens are turned away by: struct cs_token_filter of core/classify/watchlist.h. */
struct cs_token_filter {
    __u32 by_length[CS_TOKEN_NAME_MAX];
    __u64 heads[CS_TOKEN_PATHS_MAX];
};

const volatile struct cs_token_filter token_filter;

/* Names are compared as words, zero-padded. */
#define CS_TOKEN_WORDS (CS_TOKEN_NAME_MAX / 8)

enum { CS_TOKEN_DIFFERS = -1, CS_TOKEN_UNREADABLE = -2 };

/*
 * Match one name, upwards: `left` bytes of the entry are not matched yet. Returns how many are
 * left then (0: the whole entry matched; unchanged for a name that is stepped over), or one of
 * the above. A global function, here and below, so that the verifier walks it once and not once
 * a step; hence addresses as numbers.
 */
__noinline int cs_token_name(__u64 address, __u32 index, __u32 left)
{
    const struct dentry *dentry = (const struct dentry *)address;
    const struct cs_token_path *entry = bpf_map_lookup_elem(&token_paths, &index);
    __u64 name[CS_TOKEN_WORDS] = {}, want[CS_TOKEN_WORDS] = {}, differ = 0;
    __u32 len = BPF_CORE_READ(dentry, d_name.len), at;

    if (!entry || len == 0 || len >= CS_TOKEN_NAME_MAX)
        return CS_TOKEN_DIFFERS;
    len &= CS_TOKEN_NAME_MAX - 1;
    if (bpf_probe_read_kernel(name, len, BPF_CORE_READ(dentry, d_name.name)))
        return CS_TOKEN_UNREADABLE;
    if (((__u8 *)name)[0] == '.' && ((__u8 *)name)[1] == '.' && len > 2)
        return left;
    if (left <= len || left > CS_TOKEN_SUFFIX_MAX)
        return CS_TOKEN_DIFFERS;
    at = (left - len) & (CS_TOKEN_SUFFIX_MAX - 1);
    bpf_probe_read_kernel(want, len, &entry->text[at]);
#pragma unroll
    for (int i = 0; i < CS_TOKEN_WORDS; i++)
        differ |= name[i] ^ want[i];
    at = (at - 1) & (CS_TOKEN_SUFFIX_MAX - 1);
    if (differ || entry->text[at] != '/')
        return CS_TOKEN_DIFFERS;
    return at;
}

static __always_inline struct mount *cs_token_mount(struct vfsmount *mnt)
{
    return (void *)mnt - bpf_core_field_offset(struct mount, mnt);
}

/* Is the file the one of entry `index`? 1, 0, or -1 when the kernel's memory can't be read. */
__noinline int cs_token_match(__u64 address, __u32 index)
{
    const struct file *file = (const struct file *)address;
    const struct cs_token_path *entry = bpf_map_lookup_elem(&token_paths, &index);
    struct dentry *dentry = BPF_CORE_READ(file, f_path.dentry);
    struct mount *mount = cs_token_mount(BPF_CORE_READ(file, f_path.mnt));
    int left;

    if (!entry)
        return 0;
    left = entry->len;
    for (int i = 0; i < CS_TOKEN_STEPS; i++) {
        if (dentry == BPF_CORE_READ(mount, mnt.mnt_root)) {
            struct mount *parent = BPF_CORE_READ(mount, mnt_parent);

            if (parent == mount)
                return 0;
            dentry = BPF_CORE_READ(mount, mnt_mountpoint);
            mount = parent;
            continue;
        }
        left = cs_token_name((__u64)dentry, index, left);
        if (left == 0)
            return 1;
        if (left < 0)
            return left == CS_TOKEN_UNREADABLE ? -1 : 0;
        dentry = BPF_CORE_READ(dentry, d_parent);
    }
    return 0;
}

static __always_inline void cs_token_emit(__u32 index)
{
    struct cs_fact_token_open fact = {};
    __u64 id = bpf_get_current_pid_tgid();

    fact.cgroup_id = bpf_get_current_cgroup_id();
    fact.tgid = id >> 32;
    fact.tid = (__u32)id;
    fact.token = index;
    bpf_get_current_comm(fact.comm, sizeof(fact.comm));
    cs_emit_free(&fact.header, CS_FACT_TOKEN_OPEN, sizeof(fact));
}

/* The file's name has a watched length: which entry is it, if any? The first that matches. */
static __always_inline void cs_token_candidates(__u64 address, __u32 candidates, __u32 len,
                                                const unsigned char *text)
{
    __u64 head = 0;
    int match;

    if (bpf_probe_read_kernel(&head, len < sizeof(head) ? len : sizeof(head), text)) {
        cs_count(&stats.token_unreadable);
        return;
    }
    for (__u32 i = 0; i < CS_TOKEN_PATHS_MAX; i++) {
        if (!(candidates & (1U << i)) || token_filter.heads[i] != head)
            continue;
        match = cs_token_match(address, i);
        if (match < 0)
            cs_count(&stats.token_unreadable);
        if (match > 0)
            cs_token_emit(i);
        if (match)
            return;
    }
}

/* By untyped reads, for programs that get no typed pointer. */
static __always_inline int cs_token_file(__u64 address)
{
    const struct file *file = (const struct file *)address;
    struct dentry *dentry = BPF_CORE_READ(file, f_path.dentry);
    __u32 len = BPF_CORE_READ(dentry, d_name.len);
    __u32 candidates;

    if (len >= CS_TOKEN_NAME_MAX)
        return 0;
    candidates = token_filter.by_length[len];
    if (candidates && BPF_CORE_READ(file, f_mode) & CS_FMODE_READ)
        cs_token_candidates(address, candidates, len, BPF_CORE_READ(dentry, d_name.name));
    return 0;
}

SEC("fexit/security_file_open")
int cs_token_fexit(__u64 *ctx)
{
    const struct file *file = (const struct file *)ctx[0];
    const struct dentry *dentry = file->f_path.dentry;
    __u32 len = dentry->d_name.len;
    __u32 candidates;
    __u64 address;

    if (len >= CS_TOKEN_NAME_MAX)
        return 0;
    candidates = token_filter.by_length[len];
    if (!candidates || !(file->f_mode & CS_FMODE_READ) || (int)ctx[1])
        return 0;
    /* The same pointer as a number: 5.10 hands no typed one to a global function. */
    bpf_probe_read_kernel(&address, sizeof(address), ctx);
    cs_token_candidates(address, candidates, len, dentry->d_name.name);
    return 0;
}

SEC("kprobe/security_file_open")
int cs_token_kprobe(struct pt_regs___first *ctx)
{
    return cs_token_file(CS_FIRST_ARGUMENT(ctx));
}

static __always_inline int cs_token_exit(struct trace_event_raw_sys_exit *ctx)
{
    long fd = ctx->ret;
    struct task_struct___files *task;
    struct fdtable *table;
    struct file *file;
    struct file **slot;

    if (fd < 0 || fd >= CS_FD_MAX)
        return 0;
    task = (struct task_struct___files *)bpf_get_current_task();
    table = BPF_CORE_READ(task, files, fdt);
    if (fd >= BPF_CORE_READ(table, max_fds))
        return 0;
    slot = BPF_CORE_READ(table, fd) + fd;
    /* Another thread may have closed it by now. */
    if (bpf_probe_read_kernel(&file, sizeof(file), slot) || !file)
        return 0;
    return cs_token_file((__u64)file);
}

SEC("tracepoint/syscalls/sys_exit_openat")
int cs_token_exit_openat(struct trace_event_raw_sys_exit *ctx)
{
    return cs_token_exit(ctx);
}

SEC("tracepoint/syscalls/sys_exit_openat2")
int cs_token_exit_openat2(struct trace_event_raw_sys_exit *ctx)
{
    return cs_token_exit(ctx);
}

SEC("tracepoint/syscalls/sys_exit_open")
int cs_token_exit_open(struct trace_event_raw_sys_exit *ctx)
{
    return cs_token_exit(ctx);
}

#endif
