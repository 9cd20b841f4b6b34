/* SPDX-License-Identifier: Apache-2.0 */
#include "bench.h"

#include "core/attribute/mountinfo.h"
#include "io/cgroup_fs.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

char bench_directory[64];
char bench_cgroup[256];
const char *bench_program;

static unsigned int rows, rows_met;

void bench_row(bool ok, const char *name, const char *target, const char *figure, ...)
{
    char text[160];
    va_list args;

    va_start(args, figure);
    vsnprintf(text, sizeof(text), figure, args);
    va_end(args);
    printf("%-6s %-38s %-34s %s\n", ok ? "ok" : "short", name, text, target);
    fflush(stdout);
    rows++;
    rows_met += ok;
}

void bench_fail(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fputs("bench: ", stderr);
    vfprintf(stderr, format, args);
    fputs("\n", stderr);
    va_end(args);
    exit(1);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

double bench_median(double *values, size_t n)
{
    qsort(values, n, sizeof(*values), compare);
    return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

uint64_t bench_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void run(const char *command)
{
    if (system(command) != 0)
        bench_fail("failed: %s", command);
}

/* A network namespace without a way out: the metadata addresses are on its loopback only. */
static void isolate(void)
{
    if (unshare(CLONE_NEWNET) < 0)
        bench_fail("unshare: %s; run as root", strerror(errno));
    run("ip link set lo up && ip addr add 169.254.170.23/32 dev lo && "
        "ip addr add 169.254.169.254/32 dev lo");
}

static void make_places(void)
{
    struct cs_cgroup_fs fs = CS_CGROUP_FS_INIT;
    char why[256];

    snprintf(bench_directory, sizeof(bench_directory), "/tmp/credscope-bench-XXXXXX");
    if (!mkdtemp(bench_directory))
        bench_fail("mkdtemp: %s", strerror(errno));
    if (cs_cgroup_fs_open(NULL, &fs, why, sizeof(why)) < 0)
        bench_fail("%s", why);
    if (snprintf(bench_cgroup, sizeof(bench_cgroup), "%.200s/credscope-bench-%d", fs.path,
                 getpid()) >= (int)sizeof(bench_cgroup) ||
        mkdir(bench_cgroup, 0755) < 0)
        bench_fail("mkdir %s: %s", bench_cgroup, strerror(errno));
    cs_cgroup_fs_close(&fs);
}

/* Runs in the parent, so that nothing stays behind however the measuring child ends. */
static void clean_up(pid_t child)
{
    char command[1024];

    snprintf(command, sizeof(command),
             "for i in 1 2 3 4 5; do "
             "find '%s' -mindepth 1 -depth -type d -exec rmdir {} + 2>/dev/null; "
             "rmdir '%s' 2>/dev/null && break; sleep 0.2; done; rm -rf '%s'",
             bench_cgroup, bench_cgroup, bench_directory);
    kill(-child, SIGKILL);
    if (system(command) != 0)
        fprintf(stderr, "bench: could not remove %s\n", bench_directory);
}

static int measure(void)
{
    char recorded[128];

    isolate();
    snprintf(recorded, sizeof(recorded), "%s/facts", bench_directory);
    printf("%-6s %-38s %-34s %s\n", "", "what", "measured", "target");
    bench_packets();
    bench_syscalls();
    bench_throughput();
    bench_pipeline(recorded);
    bench_memory();
    bench_pods();
    bench_scrapes();
    printf("%u of %u targets met\n", rows_met, rows);
    return 0;
}

static volatile sig_atomic_t stopped;

static void on_stop(int signal)
{
    stopped = signal;
}

int main(int argc, char **argv)
{
    struct sigaction action = {.sa_handler = on_stop};
    int status = 1;
    pid_t child;

    if (argc != 2)
        bench_fail("usage: bench PATH-OF-CREDSCOPE");
    bench_program = argv[1];
    make_places();
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    child = fork();
    if (child == 0) {
        signal(SIGINT, SIG_DFL);
        signal(SIGTERM, SIG_DFL);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        setpgid(0, 0);
        exit(measure());
    }
    while (waitpid(child, &status, 0) < 0 && !stopped)
        ;
    clean_up(child);
    return !stopped && WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
