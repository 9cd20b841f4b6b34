/* SPDX-License-Identifier: Apache-2.0 */
/* What the token-open hook adds to a bystander's system calls, with and without, interleaved. */
#include "bench.h"

#include "core/classify/watchlist.h"
#include "io/sensor.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ROUNDS   9
#define SYSCALLS 400000
#define OPENS    40000

static double syscall_ns(void)
{
    uint64_t start = bench_now_ns();

    for (int i = 0; i < SYSCALLS; i++)
        syscall(SYS_getppid);
    return (double)(bench_now_ns() - start) / SYSCALLS;
}

static double open_ns(const char *path)
{
    uint64_t start = bench_now_ns();

    for (int i = 0; i < OPENS; i++) {
        int fd = open(path, O_RDONLY | O_CLOEXEC);

        if (fd < 0)
            bench_fail("can't open %s", path);
        close(fd);
    }
    return (double)(bench_now_ns() - start) / OPENS;
}

void bench_syscalls(void)
{
    double call[ROUNDS], open_delta[ROUNDS], call_with, open_with;
    struct cs_sensor_error why = {""};
    struct cs_watchlist list;
    struct cs_sensor_config config = {.watch = &list};
    const char *hook = "no hook";
    char path[128];
    FILE *file;

    snprintf(path, sizeof(path), "%s/bystander", bench_directory);
    file = fopen(path, "w");
    if (!file)
        bench_fail("can't make %s", path);
    fclose(file);
    cs_watchlist_init(&list);
    for (int round = 0; round < ROUNDS; round++) {
        struct cs_sensor *sensor = NULL;

        call[round] = syscall_ns();
        open_delta[round] = open_ns(path);
        if (cs_sensor_open(&config, &sensor, &why) < 0)
            bench_fail("%s", why.text);
        call_with = syscall_ns();
        open_with = open_ns(path);
        hook = cs_token_hook_name(cs_sensor_token_hook(sensor));
        cs_sensor_free(sensor);
        call[round] = call_with - call[round];
        open_delta[round] = open_with - open_delta[round];
    }
    bench_row(bench_median(call, ROUNDS) <= 100, "a bystander's system call", "<= 100 ns more",
              "%+.0f ns, hook %s", call[ROUNDS / 2], hook);
    bench_row(bench_median(open_delta, ROUNDS) <= 1000, "a bystander's openat and close",
              "<= 1000 ns more", "%+.0f ns, hook %s", open_delta[ROUNDS / 2], hook);
}
