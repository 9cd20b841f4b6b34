/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* The sensor's programs: one line each. Every one returns "allow". */
#include "connection.bpf.h"
#include "packet.bpf.h"
#include "sockops.bpf.h"

#if __has_include("token.bpf.h")
#include "token.bpf.h"
#endif
#if __has_include("cgroup.bpf.h")
#include "cgroup.bpf.h"
#endif

char LICENSE[] SEC("license") = "Dual BSD/GPL";

SEC("cgroup/connect4")
int cs_connect4_prog(struct bpf_sock_addr *ctx)
{
    cs_connect4(ctx);
    return 1;
}

SEC("cgroup/connect6")
int cs_connect6_prog(struct bpf_sock_addr *ctx)
{
    cs_connect6(ctx);
    return 1;
}

SEC("cgroup/sock_release")
int cs_release_prog(struct bpf_sock *ctx)
{
    cs_release(ctx);
    return 1;
}

SEC("sockops")
int cs_sockops_prog(struct bpf_sock_ops *ctx)
{
    cs_sockops(ctx);
    return 1;
}

SEC("cgroup_skb/egress")
int cs_egress_prog(struct __sk_buff *skb)
{
    cs_packet(skb, CS_DIR_EGRESS);
    return 1;
}

SEC("cgroup_skb/ingress")
int cs_ingress_prog(struct __sk_buff *skb)
{
    cs_packet(skb, CS_DIR_INGRESS);
    return 1;
}
