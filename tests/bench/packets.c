/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the sensor adds to a bystander's packet, by BPF_PROG_TEST_RUN against an empty program of
 * the same type. test_run's socket has remote port 0: with port 0 unwatched the port check ends
 * the program, with port 0 watched it goes on to a socket without state.
 */
#include "bench.h"

#include "core/classify/watchlist.h"
#include "io/sensor.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>

#define ROUNDS  15
#define REPEAT  400000
#define PAYLOAD 100

static struct {
    struct ethhdr eth;
    struct iphdr ip;
    struct tcphdr tcp;
    uint8_t payload[PAYLOAD];
} __attribute__((packed)) packet;

static void make_packet(void)
{
    packet.eth.h_proto = htons(ETH_P_IP);
    packet.ip.version = 4;
    packet.ip.ihl = 5;
    packet.ip.ttl = 64;
    packet.ip.protocol = IPPROTO_TCP;
    packet.ip.tot_len = htons(sizeof(packet) - sizeof(packet.eth));
    packet.ip.saddr = packet.ip.daddr = htonl(INADDR_LOOPBACK);
    packet.tcp.source = htons(40000);
    packet.tcp.dest = htons(8080);
    packet.tcp.doff = 5;
    packet.tcp.ack = 1;
}

static int load_empty(void)
{
    const struct bpf_insn program[] = {
        {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 1},
        {.code = BPF_JMP | BPF_EXIT},
    };
    LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = BPF_CGROUP_INET_EGRESS);
    int fd = bpf_prog_load(BPF_PROG_TYPE_CGROUP_SKB, "empty", "GPL", program, 2, &options);

    if (fd < 0)
        bench_fail("can't load the empty program: %s", strerror(-fd));
    return fd;
}

static double run_ns(int fd)
{
    LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = &packet, .data_size_in = sizeof(packet),
                .repeat = REPEAT);
    int error = bpf_prog_test_run_opts(fd, &options);

    if (error < 0)
        bench_fail("BPF_PROG_TEST_RUN: %s", strerror(-error));
    return options.duration;
}

static struct cs_sensor *load_sensor(bool watch_port_zero, int *egress, int *ingress)
{
    struct cs_watchlist list;
    struct cs_sensor_config config = {
        .watch = &list, .watch_port_zero = watch_port_zero, .no_token_opens = true};
    struct cs_sensor_error why = {""};
    struct cs_sensor *sensor = NULL;
    const struct cs_sensor_program *programs;
    size_t n;

    cs_watchlist_init(&list);
    if (cs_sensor_open(&config, &sensor, &why) < 0)
        bench_fail("%s", why.text);
    programs = cs_sensor_programs(sensor, &n);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(programs[i].hook, "cgroup_skb/egress") == 0)
            *egress = programs[i].fd;
        if (strcmp(programs[i].hook, "cgroup_skb/ingress") == 0)
            *ingress = programs[i].fd;
    }
    return sensor;
}

void bench_packets(void)
{
    double ns[5][ROUNDS], ratio[5][ROUNDS], empty_ns;
    const char *const names[] = {"", "packet out, port not watched", "packet in, port not watched",
                                 "packet out, watched port, bystander",
                                 "packet in, watched port, bystander"};
    int fds[5] = {load_empty(), -1, -1, -1, -1};
    struct cs_sensor *off = load_sensor(false, &fds[1], &fds[2]);
    struct cs_sensor *on = load_sensor(true, &fds[3], &fds[4]);

    make_packet();
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < 5; i++) {
            ns[i][round] = run_ns(fds[i]);
            ratio[i][round] = ns[i][round] / ns[0][round];
        }
    }
    empty_ns = bench_median(ns[0], ROUNDS);
    for (int i = 1; i < 5; i++) {
        double limit = i < 3 ? 1.10 : 1.6, median = bench_median(ratio[i], ROUNDS);
        char target[64];

        snprintf(target, sizeof(target), "<= %.2f x an empty program", limit);
        bench_row(median <= limit, names[i], target, "%.2f x (%+.0f ns on %.0f)", median,
                  bench_median(ns[i], ROUNDS) - empty_ns, empty_ns);
    }
    cs_sensor_free(off);
    cs_sensor_free(on);
}
