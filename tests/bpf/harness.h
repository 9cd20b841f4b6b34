/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the BPF tests share. They run in a child process with a network namespace of its own (no
 * route out), in a cgroup of its own with the sensor attached to it, and make real traffic there.
 *
 * Local addresses (on lo): 169.254.170.23, 169.254.169.254, fd00:ec2::23, and the plain HOST_*
 * below. Facts are compared as text, see transcript.h.
 */
#ifndef CS_TESTS_HARNESS_H
#define CS_TESTS_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "io/sensor.h"

#define AGENT4        "169.254.170.23"
#define AGENT6        "fd00:ec2::23"
#define IMDS4         "169.254.169.254"
#define HOST_PROXY    "10.66.0.1" /* local; port 3128 is watched as a proxy */
#define PROXY_PORT    3128
#define HOST_OTHER    "10.66.0.2"      /* local, not watched */
#define HOST_UNROUTED "198.19.0.80"    /* watched, port 80; no route */
#define HOST_WIRE     "198.18.0.80"    /* watched, port 80; beyond the test's TUN device (wire.h) */
#define HOST_WIRE6    "fd00:ec2::5380" /* likewise */
#define TLS_PORT      8443             /* watched besides 443 */

struct harness {
    struct cs_sensor *sensor; /* open and attached for all tests */
    struct cs_watchlist watch;
    char cgroup[256]; /* directory of the tests' cgroup, where the sensor is attached */
    int cgroup_fd;
    uint64_t cgroup_id;
    bool virtual_machine; /* emulated: be patient, measure nothing */
    int pid;
    int first_fd; /* descriptors from here on belong to the test that runs */
};
extern struct harness harness;

/* Run a shell command; fails the test when it fails. */
void harness_shell(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* … or tells: exit status 0. */
bool harness_try(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The setup of every test: a failed one's sockets are closed, its facts forgotten; and a child
 * whose assertion failed, which brings it here, ends. */
int harness_setup(void **state);

/* Say loudly why a test can't run on this kernel, and skip it. */
#define harness_skip(...)                       \
    do {                                        \
        fprintf(stderr, "SKIP %s: ", __func__); \
        fprintf(stderr, __VA_ARGS__);           \
        fputc('\n', stderr);                    \
        skip();                                 \
    } while (0)

/* Milliseconds to wait for something that should happen at once. */
int harness_patience_ms(void);
void harness_sleep_ms(int ms);
uint64_t harness_now_ns(void);

/* Run function in a child process that is in the sub-cgroup name (made; removed at the end), in a
 * new network namespace if so wanted, and dies with the tests. Returns its pid once it is there. */
int harness_spawn(const char *name, bool new_netns, int (*function)(void *), void *context);
int harness_join(int pid); /* its exit status; killed after harness_patience_ms() */
uint64_t harness_cgroup_id(const char *name); /* of a sub-cgroup; "" = the tests' own */

/* One per file: runs its tests, returns how many failed. Those of parts that are not built are
 * NULL. */
int test_connect_run(void);
int test_io_uring_run(void);
int test_http_run(void);
int test_http_limits_run(void);
int test_intercept_run(void);
int test_fault_run(void);
int test_neighbour_run(void);
int test_secrets_run(void);
int test_wire_run(void);
int test_tls_run(void) __attribute__((weak));
int test_token_run(void) __attribute__((weak));
int test_cgroup_run(void) __attribute__((weak));

#endif
