/* SPDX-License-Identifier: Apache-2.0 */
/* What knowing the pods costs: the real program, its own client, a real API server over TLS. */
#include "bench.h"

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define PODS           110
#define MANY           5000
#define MIB            (1024.0 * 1024.0)
#define RING_MIB       1.0
#define UPDATES        1667 /* in 10 s: 10,000 a minute */
#define UPDATE_SECONDS 10
#define PEAK_MIB       32

struct api {
    pid_t pid;
    FILE *to, *from;
    char url[64], token[96], ca[96];
};

/* tests/bench/pods_api.py, beside whose build this program is run. */
static void execute(int input, int output)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(input, STDIN_FILENO);
    dup2(output, STDOUT_FILENO);
    execl("/usr/bin/python3", "python3", "-B", "tests/bench/pods_api.py", bench_directory, NULL);
    _exit(127);
}

static void start_api(struct api *api)
{
    int to[2], from[2];

    if (pipe2(to, O_CLOEXEC) < 0 || pipe2(from, O_CLOEXEC) < 0)
        bench_fail("pipe");
    api->pid = fork();
    if (api->pid == 0)
        execute(to[0], from[1]);
    close(to[0]);
    close(from[1]);
    api->to = fdopen(to[1], "w");
    api->from = fdopen(from[0], "r");
    if (!api->to || !api->from || fscanf(api->from, "%63s", api->url) != 1)
        bench_fail("the API server did not start");
    snprintf(api->token, sizeof(api->token), "%s/token", bench_directory);
    snprintf(api->ca, sizeof(api->ca), "%s/ca.pem", bench_directory);
}

static uint64_t command(struct api *api, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static uint64_t command(struct api *api, const char *format, ...)
{
    unsigned long long answer;
    va_list args;

    va_start(args, format);
    vfprintf(api->to, format, args);
    va_end(args);
    fputc('\n', api->to);
    fflush(api->to);
    if (fscanf(api->from, "%llu", &answer) != 1)
        bench_fail("the API server did not answer \"%s\"", format);
    return answer;
}

static void stop_api(struct api *api)
{
    fclose(api->to);
    fclose(api->from);
    kill(api->pid, SIGKILL);
    waitpid(api->pid, NULL, 0);
}

static void launch(struct bench_observer *observer, const struct api *api)
{
    const char *const extra[] = {"--kube",       "api",        "--kube-api", api->url,
                                 "--kube-token", api->token,   "--kube-ca",  api->ca,
                                 "--node-name",  "bench-node", NULL};

    bench_observer_launch(observer, extra);
}

/* VmHWM from here on: the start's own peak is BTF's, which is another matter. */
static void forget_peak(pid_t pid)
{
    char path[64];
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%d/clear_refs", pid);
    file = fopen(path, "w");
    if (!file || fputs("5", file) < 0 || fclose(file) != 0)
        bench_fail("can't reset the peak of memory");
}

static void await_listed(double count)
{
    for (int i = 0; i < 2000; i++) {
        if (bench_metric("credscope_kube_events_total{type=\"listed\"}") >= count)
            return;
        usleep(20000);
    }
    bench_fail("the list of %.0f pods was not read", count);
}

static void measure_node(struct api *api)
{
    struct bench_observer observer;
    uint64_t start = bench_now_ns(), ready, cpu;
    double anonymous, resident, milliseconds, named, percent;

    command(api, "pods %d %d", PODS, PODS);
    launch(&observer, api);
    bench_observer_await(&observer, "/readyz", " 200 ");
    ready = bench_now_ns();
    milliseconds = (double)(ready - command(api, "answered")) / 1e6;
    bench_row(milliseconds <= 1000, "ready, after the API answers", "<= 1 s",
              "%.0f ms at %d pods (%.0f ms from the start)", milliseconds, PODS,
              (double)(ready - start) / 1e6);
    for (unsigned int pod = 0; pod < PODS; pod++) {
        char cgroup[512];

        bench_pod_cgroup(pod, cgroup);
        bench_visit(cgroup);
    }
    usleep(700000);
    bench_scrape(&milliseconds);
    named = bench_metric("credscope_attributions_total{result=\"pod\"}");
    anonymous = (double)bench_status_bytes(observer.pid, "RssAnon") / MIB;
    resident = (double)bench_status_bytes(observer.pid, "VmRSS") / MIB;
    bench_row(anonymous <= 4 + RING_MIB && named >= PODS, "private memory with the API's pods",
              "<= 4 MiB + the ring", "%.1f MiB at %d pods of 20 KB", anonymous, PODS);
    bench_row(resident <= 16 && named >= PODS, "whole memory with the API's pods", "<= 16 MiB",
              "%.1f MiB at %d pods of 20 KB", resident, PODS);
    cpu = bench_cpu_ns(observer.pid);
    start = bench_now_ns();
    command(api, "updates %d %d", UPDATES, UPDATE_SECONDS);
    percent = 100.0 * (double)(bench_cpu_ns(observer.pid) - cpu) / (double)(bench_now_ns() - start);
    bench_row(percent <= 2, "CPU of pods' updates", "<= 2 % of a core",
              "%.2f %% at 10,000 a minute", percent);
    bench_observer_stop(&observer);
}

static void row_peak(const struct bench_observer *observer, const char *name)
{
    double peak = (double)bench_status_bytes(observer->pid, "VmHWM") / MIB;

    bench_row(peak <= PEAK_MIB, name, "<= 32 MiB whole", "peak %.1f MiB, then %.1f private", peak,
              (double)bench_status_bytes(observer->pid, "RssAnon") / MIB);
}

/* A file with pods of all nodes; it replaces one with the node's own. */
static void measure_file(struct api *api)
{
    char source[128], path[96];
    const char *const extra[] = {"--kube", source, "--node-name", "bench-node", NULL};
    struct bench_observer observer;

    snprintf(path, sizeof(path), "%s/pods.json", bench_directory);
    snprintf(source, sizeof(source), "file:%s", path);
    command(api, "pods %d %d", PODS, PODS);
    command(api, "file %s", path);
    bench_observer_start(&observer, extra);
    forget_peak(observer.pid);
    command(api, "pods %d %d", MANY, PODS);
    command(api, "file %s", path);
    await_listed(PODS + MANY);
    row_peak(&observer, "a file of 5,000 pods, 110 of them ours");
    bench_observer_stop(&observer);
}

/* The worst that an API can do: all 5,000 say that they are this node's. */
static void measure_unselected(struct api *api, int own, const char *name)
{
    struct bench_observer observer;

    command(api, "pods %d %d", MANY, own);
    command(api, "hold");
    launch(&observer, api);
    bench_observer_await(&observer, "/readyz", "list of pods");
    forget_peak(observer.pid);
    command(api, "go");
    bench_observer_await(&observer, "/readyz", " 200 ");
    await_listed(MANY);
    row_peak(&observer, name);
    bench_observer_stop(&observer);
}

void bench_pods(void)
{
    pid_t server = bench_server_start();
    struct api api;

    start_api(&api);
    measure_node(&api);
    measure_file(&api);
    measure_unselected(&api, PODS, "an API that ignores the selector");
    measure_unselected(&api, MANY, "an API with 5,000 pods for us");
    stop_api(&api);
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
}
