// SPDX-License-Identifier: Apache-2.0
/* What must not happen: a loss that isn't counted, a trace left behind, a neighbour disturbed, a
 * secret kept. */
#include "io/sensor_internal.h"
#include "traffic.h"
#include "transcript.h"
#include "wire.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define GET    "GET / HTTP/1.1\r\n\r\n"
#define OK     "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
#define ROUNDS 200

static int sub_cgroup_fd(const char *name)
{
    char path[512];

    snprintf(path, sizeof(path), "%s/%s", harness.cgroup, name);
    mkdir(path, 0755);
    return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static struct cs_sensor *second_sensor(const char *cgroup, uint32_t ring_bytes)
{
    struct cs_sensor_config config = {
        .watch = &harness.watch,
        .ring_bytes = ring_bytes,
        .no_token_opens = true,
        .no_cgroup_events = true,
    };
    struct cs_sensor *sensor = NULL;
    struct cs_sensor_error error;
    int fd = sub_cgroup_fd(cgroup);

    if (cs_sensor_open(&config, &sensor, &error) || cs_sensor_attach(sensor, fd, &error)) {
        fprintf(stderr, "second sensor: %s\n", error.text);
        cs_sensor_free(sensor);
        sensor = NULL;
    }
    close(fd);
    return sensor;
}

static int many_exchanges(void *context)
{
    struct pair pair = {.listener = traffic_listen(AGENT4, 80)};

    (void)context;
    for (int i = 0; i < ROUNDS; i++) {
        struct pair each = traffic_connect_to(pair.listener, AGENT4, 80);

        traffic_play(&each, (struct step[]){{CLIENT, GET, 0}, {SERVER, OK, 0}, {STEP_END, 0, 0}},
                     0);
        close(each.client);
        close(each.server);
    }
    return 0;
}

/* A ring that nobody reads is soon full: every exchange succeeds, every fact is counted once. */
static void test_starved_ring(void **state)
{
    static const enum cs_fact_type types[] = {CS_FACT_CONNECT, CS_FACT_ESTABLISHED, CS_FACT_REQUEST,
                                              CS_FACT_RESPONSE, CS_FACT_CLOSE};
    static const char whole[] = "connect plain 4 169.254.170.23:80\n"
                                "established 169.254.170.23:80\nrequest ";
    struct cs_sensor *sensor = second_sensor("starved", 4096);
    const struct cs_sensor_stats *stats;
    uint64_t dropped = 0;
    struct facts facts = {0};
    char *text;

    (void)state;
    assert_non_null(sensor);
    stats = cs_sensor_stats(sensor);
    assert_int_equal(harness_join(harness_spawn("starved", false, many_exchanges, NULL)), 0);
    harness_sleep_ms(50);
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        assert_int_equal(stats->facts[types[i]] + stats->dropped[types[i]], ROUNDS);
        dropped += stats->dropped[types[i]];
    }
    assert_int_equal(stats->watched, ROUNDS);
    assert_true(dropped > 0);
    facts_poll(sensor, &facts);
    assert_int_equal(facts.count, ROUNDS * 5 - dropped);
    facts_free(&facts);

    /* Room again: the next connection is whole. */
    assert_int_equal(harness_join(harness_spawn("starved", false, many_exchanges, NULL)), 0);
    facts_poll(sensor, &facts);
    text = facts_text(&facts);
    assert_int_equal(strncmp(text, whole, strlen(whole)), 0);
    free(text);
    facts_free(&facts);
    cs_sensor_free(sensor);
}

static int many_in_own_network(void *context)
{
    if (!harness_try("ip link set lo up && ip addr add " AGENT4 "/32 dev lo"))
        return 9;
    return many_exchanges(context);
}

/* As much as four clients and this machine can: nothing is lost, out of order or misread. */
static void test_many(void **state)
{
    static const char each[] = "connect plain 4 169.254.170.23:80\n"
                               "established 169.254.170.23:80\n"
                               "request \"GET / HTTP/1.1\" agent \"\" head 18 body 0\n"
                               "response 200 server \"\" head 38 body 0 flags length\n"
                               "close local sent 18 received 38 retransmits 0\n";
    struct facts facts = {0};
    int pids[4];
    size_t connections = 0;
    char *text;

    (void)state;
    for (int i = 0; i < 4; i++)
        pids[i] = harness_spawn("many", true, many_in_own_network, NULL);
    assert_int_equal(facts_wait(harness.sensor, &facts, CS_FACT_CLOSE, 4 * ROUNDS), 4 * ROUNDS);
    for (int i = 0; i < 4; i++)
        assert_int_equal(harness_join(pids[i]), 0);
    text = facts_text(&facts);
    for (const char *at = text; *at; at += sizeof(each) - 1 + (at[sizeof(each) - 1] == '\n')) {
        assert_int_equal(strncmp(at, each, sizeof(each) - 1), 0);
        connections++;
    }
    assert_int_equal(connections, 4 * ROUNDS);
    free(text);
    facts_free(&facts);
}

static const enum bpf_attach_type hooks[] = {
    BPF_CGROUP_INET4_CONNECT, BPF_CGROUP_INET6_CONNECT, BPF_CGROUP_INET_SOCK_RELEASE,
    BPF_CGROUP_SOCK_OPS,      BPF_CGROUP_INET_INGRESS,  BPF_CGROUP_INET_EGRESS,
};

static unsigned int attached_programs(const char *cgroup)
{
    int fd = sub_cgroup_fd(cgroup);
    unsigned int total = 0;

    for (size_t i = 0; i < sizeof(hooks) / sizeof(hooks[0]); i++) {
        uint32_t ids[64], n = 64, flags = 0;

        assert_int_equal(bpf_prog_query(fd, hooks[i], 0, &flags, ids, &n), 0);
        total += n;
    }
    close(fd);
    return total;
}

static int hold_sensor(void *context)
{
    if (!second_sensor("killed", 0))
        return 7;
    if (write(*(int *)context, "", 1) != 1)
        return 8;
    pause();
    return 0;
}

static void test_killed(void **state)
{
    int pipes[2], pid, status;
    char byte;

    (void)state;
    assert_int_equal(pipe(pipes), 0);
    pid = harness_spawn("killed", false, hold_sensor, &pipes[1]);
    close(pipes[1]);
    assert_int_equal(read(pipes[0], &byte, 1), 1);
    assert_int_equal(attached_programs("killed"), 6);
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    for (int i = 0; i < 500 && attached_programs("killed"); i++)
        harness_sleep_ms(2);
    assert_int_equal(attached_programs("killed"), 0);
}

/* ---- a neighbour on the same hook ---- */

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
        assert_in_range(second_syn_ms(), 10, 500);
    cs_sensor_free(behind);
    close(link);
    facts_free(&facts);
}

/* The map of open clients holds nobody once all are closed. */
static void test_clients_forgotten(void **state)
{
    int map = bpf_map__fd(harness.sensor->skeleton->maps.clients);
    struct cs_client_key_bytes {
        uint8_t bytes[24];
    } key;
    struct pair pair = traffic_connect(AGENT4, 80, false);

    (void)state;
    assert_int_equal(bpf_map_get_next_key(map, NULL, &key), 0);
    traffic_end(&pair);
    for (int i = 0; i < 100 && bpf_map_get_next_key(map, NULL, &key) == 0; i++)
        harness_sleep_ms(2);
    assert_int_equal(bpf_map_get_next_key(map, NULL, &key), -ENOENT);
}

/* ---- secrets ---- */

#define SECRET "wJalrXUtnFEMI"

static const struct step secret_steps[] = {
    {CLIENT,
     "GET /v1/credentials?token=" SECRET "&" SECRET "&resource=kept-value#" SECRET " HTTP/1.1\r\n"
     "Authorization: " SECRET "\r\nUser-Agent: kept-agent\r\nCookie: a=" SECRET "\r\n"
     "X-aws-ec2-metadata-token: " SECRET "\r\nX-" SECRET ": 1\r\nContent-Length: 61\r\n\r\n"
     "User-Agent: " SECRET "\r\nAuthorization: " SECRET "\r\n0123",
     0},
    {SERVER,
     "HTTP/1.1 200 " SECRET "\r\nServer: kept-server\r\nSet-Cookie: " SECRET "\r\n"
     "Transfer-Encoding: chunked\r\n\r\nd;x=" SECRET "\r\n" SECRET "\r\n0\r\nX: " SECRET "\r\n\r\n",
     0},
    {CLIENT, "GET /?" SECRET SECRET SECRET SECRET SECRET " HTTP/1.1\r\n\r\n", 0},
    {SERVER, OK, 0},
    {CLIENT,
     "POST http://user:" SECRET "@169.254.169.254/kept-path HTTP/1.1\r\nAuthorization: ", 0},
    {CLIENT, SECRET, 0},
    {STEP_END, 0, 0},
};

/* What the kernel keeps of this socket. */
static bool state_holds(int socket, const char *text)
{
    const struct bpf_map *map = harness.sensor->skeleton->maps.sockets;
    size_t size = bpf_map__value_size(map);
    char *value = calloc(1, size);
    bool found;

    assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(map), &socket, value), 0);
    found = memmem(value, size, text, strlen(text));
    free(value);
    return found;
}

static bool ring_holds(const char *text)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), size = CS_SENSOR_RING_BYTES;
    char *ring = mmap(NULL, page + size, PROT_READ, MAP_SHARED,
                      bpf_map__fd(harness.sensor->skeleton->maps.facts), (off_t)page);
    bool found;

    assert_ptr_not_equal(ring, MAP_FAILED);
    found = memmem(ring + page, size, text, strlen(text));
    munmap(ring, page + size);
    return found;
}

static void check_secrets(size_t cut)
{
    struct pair pair = traffic_connect(AGENT4, 80, false);

    for (const struct step *step = secret_steps; step->kind != STEP_END; step++) {
        struct step one[] = {*step, {STEP_END, 0, 0}};

        traffic_play(&pair, one, cut);
        assert_false(state_holds(pair.client, SECRET));
    }
    assert_true(state_holds(pair.client, "kept-path"));
    traffic_end(&pair);
}

static void test_secrets(void **state)
{
    struct facts facts = {0};

    (void)state;
    check_secrets(0);
    check_secrets(1);
    check_secrets(5);
    facts_wait(harness.sensor, &facts, CS_FACT_CLOSE, 3);
    assert_int_equal(facts_count(&facts, CS_FACT_REQUEST), 6);
    assert_int_equal(facts_count(&facts, CS_FACT_RESPONSE), 6);
    assert_int_equal(facts_count(&facts, CS_FACT_GAP), 0);
    assert_false(ring_holds(SECRET));
    assert_true(ring_holds("kept-value"));
    assert_true(ring_holds("kept-agent"));
    assert_true(ring_holds("kept-server"));
    facts_free(&facts);
}

static void test_no_cgroup(void **state)
{
    struct cs_sensor_config config = {
        .watch = &harness.watch, .no_token_opens = true, .no_cgroup_events = true};
    struct cs_sensor *sensor = NULL;
    struct cs_sensor_error error;
    int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    (void)state;
    assert_int_equal(cs_sensor_open(&config, &sensor, &error), 0);
    assert_int_equal(cs_sensor_attach(sensor, fd, &error), -EBADF);
    assert_non_null(strstr(error.text, "cannot attach cgroup/connect4: "));
    cs_sensor_free(sensor);
}

static void test_programs(void **state)
{
    size_t n, required = 0;
    const struct cs_sensor_program *programs = cs_sensor_programs(harness.sensor, &n);

    (void)state;
    for (size_t i = 0; i < n; i++) {
        if (!programs[i].required)
            continue;
        required++;
        assert_true(programs[i].attached);
        assert_true(programs[i].fd >= 0);
    }
    assert_int_equal(required, 6);
}

int test_fault_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_starved_ring, harness_setup),
        cmocka_unit_test_setup(test_many, harness_setup),
        cmocka_unit_test_setup(test_killed, harness_setup),
        cmocka_unit_test_setup(test_neighbour, harness_setup),
        cmocka_unit_test_setup(test_clients_forgotten, harness_setup),
        cmocka_unit_test_setup(test_secrets, harness_setup),
        cmocka_unit_test_setup(test_no_cgroup, harness_setup),
        cmocka_unit_test_setup(test_programs, harness_setup),
    };

    return cmocka_run_group_tests_name("fault", tests, NULL, NULL);
}
