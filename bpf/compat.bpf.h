/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * The kernel structs that the sensor reads, cut down to the fields read (CO-RE finds them), and
 * what differs between kernels. vmlinux.h is not needed.
 */
#ifndef CS_COMPAT_BPF_H
#define CS_COMPAT_BPF_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>

#include <bpf/bpf_helpers.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <credscope/abi.h>

#define CS_PF_KTHREAD 0x00200000 /* include/linux/sched.h */

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wpadded"
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct task_struct {
    unsigned int flags;
};

struct kernfs_node {
    __u64 id;
};

struct cgroup {
    struct kernfs_node *kn;
};

struct sock_cgroup_data {
    struct cgroup *cgroup;
};

struct sock_common {
    unsigned long skc_flags;
};

struct sock {
    struct sock_common __sk_common;
    struct sock_cgroup_data sk_cgrp_data;
    unsigned long sk_lingertime;
    int sk_err;
};

struct tcp_sock {
    __u32 rcv_nxt;
    __u32 copied_seq;
};

/* Until commit 8520e224f547 (5.15) the pointer shared a word with v1's class ids. */
struct sock_cgroup_data___v510 {
    __u64 val;
};

struct sock___v510 {
    struct sock_cgroup_data___v510 sk_cgrp_data;
};

/* include/net/sock.h */
enum sock_flags {
    SOCK_LINGER = 5,
};

#pragma clang attribute pop
#pragma clang diagnostic pop

/* Written once before load, so that the verifier knows every value and drops what is unused. */
const volatile struct cs_sensor_constants config = {.abi_version = CS_ABI_VERSION,
                                                    .read_kernel = 1};

/*
 * Reads of kernel memory are of two kinds. What the verifier knows the type of (struct tcp_sock
 * from bpf_skc_to_tcp_sock) is read as any C object. The rest goes through bpf_probe_read_kernel,
 * which doesn't exist under lockdown=confidentiality: behind config.read_kernel, whose value the
 * verifier knows, so that it cuts the call off.
 */

/* Cgroup v2 id of the cgroup that made a socket, 0 when it can't be told. sk is typed. */
static __always_inline __u64 cs_sock_cgroup_id(const struct sock *sk)
{
    struct cgroup *cgroup;
    struct kernfs_node *kn;
    __u64 val;

    if (bpf_core_field_exists(((struct sock *)0)->sk_cgrp_data.cgroup)) {
        cgroup = sk->sk_cgrp_data.cgroup;
        if (!cgroup)
            return 0;
        kn = cgroup->kn;
        return kn ? kn->id : 0;
    }
    if (!config.read_kernel)
        return 0;
    val = BPF_CORE_READ((const struct sock___v510 *)sk, sk_cgrp_data.val);
    if (!val || (val & 3)) /* net_cls or net_prio (v1) took the word: no v2 cgroup is known */
        return 0;
    return BPF_CORE_READ((struct cgroup *)val, kn, id);
}

/* False also where it can't be told; since 5.12 no kernel thread connects for a program. */
static __always_inline bool cs_current_is_kthread(void)
{
    struct task_struct *task = (struct task_struct *)bpf_get_current_task();

    return config.read_kernel && (BPF_CORE_READ(task, flags) & CS_PF_KTHREAD);
}

#endif
