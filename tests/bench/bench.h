/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The benchmark: every target of the product measured in one run, side by side with its
 * baseline, inside a network namespace of its own. A part measures and calls bench_row.
 */
#ifndef CS_TESTS_BENCH_H
#define CS_TESTS_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* One line of the table. ok: the target is met. figure and target are printed as they are. */
void bench_row(bool ok, const char *name, const char *target, const char *figure, ...)
    __attribute__((format(printf, 4, 5)));

/* Where a part can't go on: print why and exit 1. */
void bench_fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

double bench_median(double *values, size_t n); /* sorts values */
uint64_t bench_now_ns(void);

/* Directory for files of this run; removed at the end. */
extern char bench_directory[64];
/* cgroup v2 directory of this run, below the root; removed at the end. */
extern char bench_cgroup[256];
/* build/credscope */
extern const char *bench_program;

/* A running credscope, attached to bench_cgroup. */
struct bench_observer {
    pid_t pid;
    char metrics[1 << 12]; /* scratch of bench_metric */
};

/* Start with these further arguments (NULL-terminated) and wait until /readyz is 200. */
void bench_observer_start(struct bench_observer *observer, const char *const extra[]);
void bench_observer_launch(struct bench_observer *observer, const char *const extra[]);
/* Until the answer to a GET of path has that text in it, its head included. */
void bench_observer_await(const struct bench_observer *observer, const char *path,
                          const char *text);
void bench_observer_stop(struct bench_observer *observer);

/* Sum over all samples of a metric whose line has this prefix; 0 when there is none. */
double bench_metric(const char *prefix);
/* Bytes of the page of metrics, and how long its answer took. */
size_t bench_scrape(double *milliseconds);
/* A field of /proc/PID/status in bytes, and CPU time of a process. */
uint64_t bench_status_bytes(pid_t pid, const char *field);
uint64_t bench_cpu_ns(pid_t pid);

/* A keep-alive HTTP server on the Pod Identity Agent's and IMDS's addresses, in a child. */
pid_t bench_server_start(void);
/* count exchanges with 169.254.170.23 over 8 connections, all 8 at once, then pause_us; by a child
 * in that cgroup (NULL: outside of what is observed). Seconds taken. */
double bench_load(const char *cgroup, size_t count, unsigned int pause_us);
/* One exchange each with the agent and IMDS (IMDSv2 role credentials) from that cgroup. */
void bench_visit(const char *cgroup);
/* Make a pod's container cgroup below bench_cgroup; path gets its directory. */
void bench_pod_cgroup(unsigned int number, char path[512]);

void bench_packets(void);
void bench_syscalls(void);
void bench_throughput(void);
void bench_pipeline(const char *recorded);
void bench_memory(void);
void bench_pods(void);
void bench_scrapes(void);

#endif
