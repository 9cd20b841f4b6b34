// SPDX-License-Identifier: Apache-2.0
/* What must not happen: a loss that isn't counted, a trace left behind. */
#include "conversation.h"
#include "io/sensor_internal.h"
#include "second_sensor.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS 200

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
                               "close local sent 18 received 38\n";
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
    assert_non_null(strstr(error.text, "cannot attach cgroup_skb/ingress: "));
    cs_sensor_free(sensor);
}

/* Nothing is given up but where the kernel forbids it. */
static void test_kernel_reads(void **state)
{
    bool locked =
        harness_try("grep -q '\\[confidentiality\\]' /sys/kernel/security/lockdown 2>/dev/null");

    (void)state;
    assert_int_equal(cs_sensor_reads_kernel(harness.sensor), !locked);
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
        cmocka_unit_test_setup(test_clients_forgotten, harness_setup),
        cmocka_unit_test_setup(test_no_cgroup, harness_setup),
        cmocka_unit_test_setup(test_programs, harness_setup),
        cmocka_unit_test_setup(test_kernel_reads, harness_setup),
    };

    return cmocka_run_group_tests_name("fault", tests, NULL, NULL);
}
