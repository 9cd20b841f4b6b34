/* SPDX-License-Identifier: Apache-2.0 */
/* A page of 10,000 series, scraped over HTTP from the real process. */
#include "bench.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define PODS_MAX 800
#define SERIES   10000
#define ROUNDS   9

void bench_scrapes(void)
{
    static const char *const EXTRA[] = {"--max-series", "20000", NULL};
    struct bench_observer observer;
    pid_t server = bench_server_start();
    double times[ROUNDS], written, series = 0;
    size_t bytes = 0;

    bench_observer_start(&observer, EXTRA);
    for (unsigned int pod = 0; pod < PODS_MAX && series < SERIES; pod++) {
        char cgroup[512];

        bench_pod_cgroup(pod, cgroup);
        bench_visit(cgroup);
        if (pod % 20 == 19) {
            usleep(200000);
            series = bench_metric("credscope_series ");
        }
    }
    for (int i = 0; i < ROUNDS; i++)
        bytes = bench_scrape(&times[i]);
    written = bench_metric("credscope_scrape_duration_seconds ") * 1000;
    bench_row(bench_median(times, ROUNDS) <= 20 && series >= SERIES, "a scrape over HTTP",
              "<= 20 ms at 10000 series", "%.1f ms, %.0f series, %.1f MB", times[ROUNDS / 2],
              series, (double)bytes / 1e6);
    bench_row(written <= 20 && series >= SERIES, "the event path's pause for it", "<= 20 ms",
              "%.1f ms", written);
    bench_observer_stop(&observer);
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
}
