/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of the real process with 110 pods and 3,000 series made by real traffic. */
#include "bench.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define PODS     110
#define SERIES   3000
#define MIB      (1024.0 * 1024.0)
#define RING_MIB 1.0

void bench_memory(void)
{
    struct bench_observer observer;
    pid_t server = bench_server_start();
    double anonymous, resident, series, milliseconds;

    bench_observer_start(&observer, NULL);
    for (unsigned int pod = 0; pod < PODS; pod++) {
        char cgroup[512];

        bench_pod_cgroup(pod, cgroup);
        bench_visit(cgroup);
    }
    usleep(700000);
    bench_scrape(&milliseconds); /* pages of metrics cost memory too */
    series = bench_metric("credscope_series ");
    anonymous = (double)bench_status_bytes(observer.pid, "RssAnon") / MIB;
    resident = (double)bench_status_bytes(observer.pid, "VmRSS") / MIB;
    bench_row(anonymous <= 4 + RING_MIB && series >= SERIES, "private memory (RssAnon)",
              "<= 4 MiB + the ring", "%.1f MiB at %d pods, %.0f series", anonymous, PODS, series);
    bench_row(resident <= 16 && series >= SERIES, "whole memory (RSS)", "<= 16 MiB",
              "%.1f MiB at %d pods, %.0f series", resident, PODS, series);
    bench_observer_stop(&observer);
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
}
