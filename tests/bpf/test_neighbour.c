// SPDX-License-Identifier: Apache-2.0
/* Other people's programs on the same hooks: undisturbed by ours, and not blinding them. */
#include "conversation.h"
#include "second_sensor.h"
#include "wire.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <stdio.h>
#include <unistd.h>

#define INSN(op, dst, src, offset, immediate) \
    ((struct bpf_insn){                       \
        .code = (op), .dst_reg = (dst), .src_reg = (src), .off = (offset), .imm = (immediate)})
#define LOAD(dst, src, offset)   INSN(BPF_LDX | BPF_MEM | BPF_W, dst, src, offset, 0)
#define STORE(dst, offset, src)  INSN(BPF_STX | BPF_MEM | BPF_W, dst, src, offset, 0)
#define SET(dst, value)          INSN(BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, value)
#define MOVE(dst, src)           INSN(BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0)
#define UNLESS(dst, value, skip) INSN(BPF_JMP | BPF_JNE | BPF_K, dst, 0, skip, value)
#define CALL(helper)             INSN(BPF_JMP | BPF_CALL, 0, 0, 0, helper)
#define RETURN                   INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)
#define MAP(dst, fd) \
    INSN(BPF_LD | BPF_DW | BPF_IMM, dst, BPF_PSEUDO_MAP_FD, 0, fd), INSN(0, 0, 0, 0, 0)

#define FIELD(name)       offsetof(struct bpf_sock_ops, name)
#define NEIGHBOUR_TIMEOUT 20 /* jiffies: 20 … 200 ms, where the kernel's own is a second */

/* A sockops program that wants round-trip times, counts them, and sets the first SYN's time-out
 * by its reply. */
static int neighbour_program(int map)
{
    struct bpf_insn insns[] = {
        MOVE(BPF_REG_6, BPF_REG_1),
        LOAD(BPF_REG_7, BPF_REG_6, FIELD(op)),
        UNLESS(BPF_REG_7, BPF_SOCK_OPS_TCP_CONNECT_CB, 4),
        LOAD(BPF_REG_2, BPF_REG_6, FIELD(bpf_sock_ops_cb_flags)),
        INSN(BPF_ALU64 | BPF_OR | BPF_K, BPF_REG_2, 0, 0, BPF_SOCK_OPS_RTT_CB_FLAG),
        MOVE(BPF_REG_1, BPF_REG_6),
        CALL(BPF_FUNC_sock_ops_cb_flags_set),
        UNLESS(BPF_REG_7, BPF_SOCK_OPS_TIMEOUT_INIT, 2),
        SET(BPF_REG_2, NEIGHBOUR_TIMEOUT),
        STORE(BPF_REG_6, FIELD(reply), BPF_REG_2),
        UNLESS(BPF_REG_7, BPF_SOCK_OPS_RTT_CB, 10),
        SET(BPF_REG_2, 0),
        STORE(BPF_REG_10, -4, BPF_REG_2),
        MOVE(BPF_REG_2, BPF_REG_10),
        INSN(BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_2, 0, 0, -4),
        MAP(BPF_REG_1, map),
        CALL(BPF_FUNC_map_lookup_elem),
        INSN(BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_0, 0, 2, 0),
        SET(BPF_REG_1, 1),
        INSN(BPF_STX | BPF_ATOMIC | BPF_DW, BPF_REG_0, BPF_REG_1, 0, BPF_ADD),
        SET(BPF_REG_0, 1),
        RETURN,
    };
    LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = BPF_CGROUP_SOCK_OPS);

    return bpf_prog_load(BPF_PROG_TYPE_SOCK_OPS, "neighbour", "GPL", insns,
                         sizeof(insns) / sizeof(insns[0]), &options);
}

/* Milliseconds from the first SYN to the second. */
static int second_syn_ms(void)
{
    struct wire_packet packet;
    struct wire wire;
    uint64_t start;

    if (!wire_open(&wire, false))
        harness_skip("no TUN device here");
    assert_true(wire_read(&wire, &packet, harness_patience_ms()));
    start = harness_now_ns();
    assert_true(wire_read(&wire, &packet, harness_patience_ms()));
    wire_close(&wire);
    return (int)((harness_now_ns() - start) / 1000000);
}

static void test_neighbour(void **state)
{
    int map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "neighbour", 4, 8, 1, NULL);
    int program = neighbour_program(map), link;
    struct facts facts = {0};
    uint64_t round_trips = 0;
    struct pair pair;
    struct cs_sensor *behind;
    uint32_t zero = 0;

    (void)state;
    assert_true(map >= 0 && program >= 0);
    link = bpf_link_create(program, harness.cgroup_fd, BPF_CGROUP_SOCK_OPS, NULL);
    assert_true(link >= 0);
    behind = second_sensor("", 0); /* runs after the neighbour, as the tests' own runs before */
    assert_non_null(behind);
    pair = traffic_connect(AGENT4, 80, false);
    traffic_play(&pair,
                 (struct step[]){{CLIENT, GET, 0},
                                 {SERVER, OK, 0},
                                 {CLIENT, GET, 0},
                                 {SERVER, OK, 0},
                                 {PAUSE, 0, 60},
                                 {STEP_END, 0, 0}},
                 0);
    traffic_end(&pair);
    facts_wait(harness.sensor, &facts, CS_FACT_CLOSE, 1);
    assert_int_equal(facts_count(&facts, CS_FACT_RESPONSE), 2);
    assert_int_equal(bpf_map_lookup_elem(map, &zero, &round_trips), 0);
    assert_true(round_trips > 0);
    if (!harness.virtual_machine)
        assert_true(second_syn_ms() < 800);
    cs_sensor_free(behind);
    close(link);
    facts_free(&facts);
}

/* A program at connect that sends the agent's callers to another port, as Cilium would. */
static int rewriting_program(void)
{
    struct bpf_insn insns[] = {
        LOAD(BPF_REG_2, BPF_REG_1, offsetof(struct bpf_sock_addr, user_port)),
        UNLESS(BPF_REG_2, htons(80), 2),
        SET(BPF_REG_2, htons(8081)),
        STORE(BPF_REG_1, offsetof(struct bpf_sock_addr, user_port), BPF_REG_2),
        SET(BPF_REG_0, 1),
        RETURN,
    };
    LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = BPF_CGROUP_INET4_CONNECT);

    return bpf_prog_load(BPF_PROG_TYPE_CGROUP_SOCK_ADDR, "rewriting", "GPL", insns,
                         sizeof(insns) / sizeof(insns[0]), &options);
}

/* The tests' sensor was attached before that program, so it runs first; a second one is attached
 * after it, and runs first where the kernel lets it. */
static void test_rewritten_connect(void **state)
{
    static const char rewritten[] = "connect plain 4 169.254.170.23:80\n"
                                    "intercepted pod 169.254.170.23:8081\n"
                                    "established 169.254.170.23:8081\n"
                                    "gap out unreadable bytes 0\ngap in unreadable bytes 0\n"
                                    "close local sent 0 received 0\n";
    int program = rewriting_program(), link;
    struct facts facts = {0}, behind_facts = {0};
    struct cs_sensor *behind;
    struct pair pair = {.listener = traffic_listen(AGENT4, 8081)};
    struct pair each;

    (void)state;
    assert_true(program >= 0);
    link = bpf_link_create(program, harness.cgroup_fd, BPF_CGROUP_INET4_CONNECT, NULL);
    assert_true(link >= 0);
    behind = second_sensor("", 0);
    assert_non_null(behind);
    each = traffic_connect_to(pair.listener, AGENT4, 80);
    traffic_play(&each, (struct step[]){{CLIENT, GET, 0}, {SERVER, OK, 0}, {STEP_END, 0, 0}}, 0);
    each.listener = -1;
    traffic_end(&each);
    facts_wait(harness.sensor, &facts, CS_FACT_CLOSE, 1);
    facts_assert(&facts, rewritten);
    harness_sleep_ms(20);
    facts_poll(behind, &behind_facts);
    facts_assert(&behind_facts, cs_sensor_runs_first(behind) ? rewritten : "");
    print_message("  attached later, the sensor runs %s\n",
                  cs_sensor_runs_first(behind) ? "first" : "second");
    cs_sensor_free(behind);
    close(link);
    facts_free(&facts);
    facts_free(&behind_facts);
}

int test_neighbour_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_neighbour, harness_setup),
        cmocka_unit_test_setup(test_rewritten_connect, harness_setup),
    };

    return cmocka_run_group_tests_name("neighbour", tests, NULL, NULL);
}
