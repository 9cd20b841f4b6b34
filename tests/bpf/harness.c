// SPDX-License-Identifier: Apache-2.0
#include "harness.h"

#include "transcript.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct harness harness;

bool harness_try(const char *format, ...)
{
    char command[1024];
    va_list args;
    int status;

    va_start(args, format);
    vsnprintf(command, sizeof(command), format, args);
    va_end(args);
    status = system(command);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

void harness_shell(const char *format, ...)
{
    char command[1024];
    va_list args;
    int status;

    va_start(args, format);
    vsnprintf(command, sizeof(command), format, args);
    va_end(args);
    status = system(command);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("failed: %s", command);
}

int harness_patience_ms(void)
{
    return harness.virtual_machine ? 20000 : 10000;
}

void harness_sleep_ms(int ms)
{
    struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = (ms % 1000) * 1000000L};

    while (nanosleep(&pause, &pause) && errno == EINTR)
        ;
}

uint64_t harness_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void sub_cgroup(char *path, size_t size, const char *name)
{
    snprintf(path, size, "%s%s%s", harness.cgroup, name[0] ? "/" : "", name);
}

/* kernfs: a cgroup's id is the inode number of its directory (64-bit kernels). */
uint64_t harness_cgroup_id(const char *name)
{
    char path[512];
    struct stat st;

    sub_cgroup(path, sizeof(path), name);
    assert_int_equal(stat(path, &st), 0);
    return st.st_ino;
}

static void join_cgroup(const char *name)
{
    char path[512];
    FILE *procs;

    sub_cgroup(path, sizeof(path), name);
    if (mkdir(path, 0755) && errno != EEXIST)
        exit(101);
    strcat(path, "/cgroup.procs");
    procs = fopen(path, "w");
    if (!procs || fprintf(procs, "0\n") < 0 || fclose(procs))
        exit(102);
}

int harness_spawn(const char *name, bool new_netns, int (*function)(void *), void *context)
{
    int ready[2];
    pid_t pid;
    char byte;

    assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
    pid = fork();
    if (pid) {
        close(ready[1]);
        while (read(ready[0], &byte, 1) < 0 && errno == EINTR)
            ;
        close(ready[0]);
        return pid;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (name[0])
        join_cgroup(name);
    if (new_netns && unshare(CLONE_NEWNET))
        exit(103);
    close(ready[0]);
    close(ready[1]); /* the parent's read ends here, or with this process */
    _exit(function(context));
}

int harness_join(int pid)
{
    uint64_t end = harness_now_ns() + (uint64_t)harness_patience_ms() * 1000000;
    int status = 0;
    pid_t done;

    while ((done = waitpid(pid, &status, WNOHANG)) == 0 && harness_now_ns() < end)
        harness_sleep_ms(2);
    if (done == 0) {
        kill(pid, SIGKILL);
        waitpid(pid, &status, 0);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

int harness_setup(void **state)
{
    (void)state;
    if (getpid() != harness.pid)
        _exit(99);
    for (int fd = harness.first_fd; fd < harness.first_fd + 256; fd++)
        close(fd);
    facts_drain(harness.sensor);
    return 0;
}
