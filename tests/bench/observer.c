/* SPDX-License-Identifier: Apache-2.0 */
/* A credscope process under measurement. */
#include "bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PORT     9810
#define READY_NS UINT64_C(20000000000)
#define PAGE_MAX (16u << 20)

/* GET a path; the whole answer, NUL-terminated, to be freed, or NULL. */
static char *get(const char *path, size_t *len)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char request[128], *page = malloc(PAGE_MAX);
    ssize_t n;

    *len = 0;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
             path);
    if (!page || connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0 ||
        write(fd, request, strlen(request)) < 0) {
        close(fd);
        free(page);
        return NULL;
    }
    while (*len < PAGE_MAX - 1 && (n = read(fd, page + *len, PAGE_MAX - 1 - *len)) > 0)
        *len += (size_t)n;
    page[*len] = '\0';
    close(fd);
    return page;
}

static void execute(const char *const extra[])
{
    const char *argv[32] = {
        bench_program,    "run",      "--kube",       "none",          "--listen",
        "127.0.0.1:9810", "--cgroup", bench_cgroup,   "--state-dir",   "none",
        "--log-level",    "error",    "--api-listen", "127.0.0.1:9811"};
    size_t n = 14;

    for (; extra && *extra && n < 31; extra++)
        argv[n++] = *extra;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execv(bench_program, (char *const *)argv);
    _exit(127);
}

void bench_observer_launch(struct bench_observer *observer, const char *const extra[])
{
    observer->pid = fork();
    if (observer->pid == 0)
        execute(extra);
}

void bench_observer_await(const struct bench_observer *observer, const char *path, const char *text)
{
    uint64_t until = bench_now_ns() + READY_NS;

    while (bench_now_ns() < until) {
        size_t len;
        char *page = get(path, &len);
        int found = page && strstr(page, text);

        free(page);
        if (found)
            return;
        if (waitpid(observer->pid, NULL, WNOHANG) == observer->pid)
            bench_fail("credscope ended at once");
        usleep(5000);
    }
    bench_fail("credscope did not say \"%s\" at %s", text, path);
}

void bench_observer_start(struct bench_observer *observer, const char *const extra[])
{
    bench_observer_launch(observer, extra);
    bench_observer_await(observer, "/readyz", " 200 ");
}

void bench_observer_stop(struct bench_observer *observer)
{
    int status;

    kill(observer->pid, SIGTERM);
    waitpid(observer->pid, &status, 0);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        bench_fail("credscope did not stop cleanly");
}

double bench_metric(const char *prefix)
{
    double sum = 0;
    size_t len;
    char *page = get("/metrics", &len), *rest = NULL;

    if (!page)
        bench_fail("no metrics");
    for (char *line = strtok_r(page, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        char *value = strrchr(line, ' ');

        if (value && strncmp(line, prefix, strlen(prefix)) == 0)
            sum += atof(value);
    }
    free(page);
    return sum;
}

size_t bench_scrape(double *milliseconds)
{
    uint64_t start = bench_now_ns();
    size_t len;
    char *page = get("/metrics", &len);

    if (!page)
        bench_fail("no metrics");
    *milliseconds = (double)(bench_now_ns() - start) / 1e6;
    free(page);
    return len;
}

uint64_t bench_status_bytes(pid_t pid, const char *field)
{
    char path[64], line[256];
    uint64_t bytes = 0;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%d/status", pid);
    file = fopen(path, "r");
    while (file && fgets(line, sizeof(line), file))
        if (strncmp(line, field, strlen(field)) == 0 && line[strlen(field)] == ':')
            bytes = strtoull(line + strlen(field) + 1, NULL, 10) * 1024;
    if (file)
        fclose(file);
    return bytes;
}

/* The scheduler's own account: nanoseconds, where /proc/PID/stat has ticks of 10 ms. */
uint64_t bench_cpu_ns(pid_t pid)
{
    unsigned long long ns = 0;
    char path[64];
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%d/schedstat", pid);
    file = fopen(path, "r");
    if (!file || fscanf(file, "%llu", &ns) != 1)
        bench_fail("can't read %s", path);
    fclose(file);
    return ns;
}

void bench_pod_cgroup(unsigned int number, char path[512])
{
    char slice[400];

    snprintf(slice, sizeof(slice), "%s/kubepods-pod%08x_0000_4000_8000_%012x.slice", bench_cgroup,
             number, number);
    snprintf(path, 512, "%.400s/cri-containerd-%064x.scope", slice, number);
    if ((mkdir(slice, 0755) < 0 && errno != EEXIST) || (mkdir(path, 0755) < 0 && errno != EEXIST))
        bench_fail("mkdir %s: %s", path, strerror(errno));
}
