/* SPDX-License-Identifier: Apache-2.0 */
/* Exchanges a second with and without credscope on the same two processes, and what was lost. */
#include "bench.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXCHANGES    120000
#define ROUNDS       3
#define WANTED       20000.0
#define SETTLE_US    1500000
#define CALM_SECONDS 10
#define CALM_RATE    80 /* exchanges/s: 8 connections, 10 times a second */

static double cpu_percent(const struct bench_observer *observer, const char *cgroup)
{
    uint64_t cpu = bench_cpu_ns(observer->pid), start = bench_now_ns();

    if (cgroup)
        bench_load(cgroup, CALM_SECONDS * CALM_RATE, 100000);
    else
        sleep(CALM_SECONDS);
    return (double)(bench_cpu_ns(observer->pid) - cpu) / (double)(bench_now_ns() - start) * 100;
}

static void calm(const struct bench_observer *observer, const char *cgroup)
{
    double idle = cpu_percent(observer, NULL), busy = cpu_percent(observer, cgroup);
    double at_ten = idle + (busy - idle) * 10 / CALM_RATE;

    bench_row(idle <= 0.1, "CPU when idle", "<= 0.1 % of a core", "%.3f %%", idle);
    bench_row(at_ten <= 0.1, "CPU at 10 exchanges/s", "<= 0.1 % of a core",
              "%.3f %% (%.3f %% at %d/s)", at_ten, busy, CALM_RATE);
}

struct tally {
    double seen;
    double lost;
};

static struct tally tally(void)
{
    return (struct tally){
        bench_metric("credscope_node_requests_total{mechanism=\"eks-pod-identity\""),
        bench_metric("credscope_lost_total") + bench_metric("credscope_connections_lost_total"),
    };
}

/* One load: exchanges a second, and how many of them were not seen or counted as lost. */
static double measure(const char *cgroup, unsigned int pause_us, double *missed)
{
    struct tally before = tally(), after;
    double rate = EXCHANGES / bench_load(cgroup, EXCHANGES, pause_us);

    usleep(SETTLE_US);
    after = tally();
    *missed = EXCHANGES - (after.seen - before.seen) + after.lost - before.lost;
    return rate;
}

static void saturation(const char *cgroup)
{
    struct bench_observer observer;
    double alone[ROUNDS], watched[ROUNDS], missed[ROUNDS], without, with, none_lost = 0, worst = 0;

    bench_observer_start(&observer, NULL);
    for (int i = 0; i < ROUNDS; i++) {
        alone[i] = EXCHANGES / bench_load(NULL, EXCHANGES, 0);
        watched[i] = measure(cgroup, 0, &missed[i]);
        worst = missed[i] > worst ? missed[i] : worst;
        if (missed[i] == 0 && watched[i] > none_lost)
            none_lost = watched[i];
    }
    without = bench_median(alone, ROUNDS);
    with = bench_median(watched, ROUNDS);
    /* Two processes at full speed leave a machine of two cores nothing: slow down until credscope
     * gets its share. */
    for (unsigned int pause_us = 20; none_lost == 0 && pause_us <= 320; pause_us *= 2) {
        double rate = measure(cgroup, pause_us, &missed[0]);

        none_lost = missed[0] == 0 ? rate : 0;
    }
    bench_row(none_lost >= (without < WANTED ? without : WANTED), "exchanges/s with none lost",
              ">= 20000, or all there are",
              "%.0f/s (at full speed %.0f/s, %.0f lost; %.0f without)", none_lost, with, worst,
              without);
    calm(&observer, cgroup);
    bench_observer_stop(&observer);
}

void bench_throughput(void)
{
    struct bench_observer observer;
    pid_t server = bench_server_start();
    char recorded[128], cgroup[512];
    const char *const extra[] = {"--record-facts", recorded, NULL};

    snprintf(recorded, sizeof(recorded), "%s/facts", bench_directory);
    bench_pod_cgroup(0, cgroup);
    saturation(cgroup);
    bench_observer_start(&observer, extra);
    for (int i = 0; i < 100; i++)
        bench_load(cgroup, 80, 0);
    usleep(SETTLE_US);
    bench_observer_stop(&observer);
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
}
