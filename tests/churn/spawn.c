/* SPDX-License-Identifier: Apache-2.0 */
/* kubelet and the runtime, as far as a cgroup shows of them: directories made, a process put into
 * them, and all removed as soon as it has ended. */
#include "churn.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PODS_MAX    20000
#define PATH_SIZE   1024
#define TICK_NS     UINT64_C(1000000)
#define OVERTIME_NS UINT64_C(30000000000)

struct pod {
    uint64_t start_ns, life_ns;
    int netns;
    pid_t pid; /* 0: not started, or its cgroup is gone */
    bool ended;
    char address[16], name[16], script[32];
    char *cgroup; /* below the root of pods */
};

struct spawner {
    const char *root;
    const char *truth;
    uint64_t t0_ns;
    struct pod *pods;
    size_t count, started, gone;
    bool failed;
};

static void read_plan(struct spawner *spawner)
{
    char line[PATH_SIZE], cgroup[PATH_SIZE];
    unsigned long long start, life;

    spawner->pods = calloc(PODS_MAX, sizeof(*spawner->pods));
    if (!spawner->pods)
        churn_fail("calloc");
    while (spawner->count < PODS_MAX && fgets(line, sizeof(line), stdin)) {
        struct pod *pod = &spawner->pods[spawner->count];

        if (sscanf(line, "%llu %llu %d %15s %15s %31s %1023s", &start, &life, &pod->netns,
                   pod->address, pod->name, pod->script, cgroup) != 7 ||
            !(pod->cgroup = strdup(cgroup))) {
            fprintf(stderr, "churn: not a line of a plan: %s", line);
            exit(1);
        }
        pod->start_ns = spawner->t0_ns + start * 1000000;
        pod->life_ns = life * 1000000;
        spawner->count++;
    }
}

/* mkdir -p, or rmdir -p, of the pod's cgroup below the root. */
static void make_cgroup(const struct spawner *spawner, const struct pod *pod, char path[PATH_SIZE])
{
    size_t root = (size_t)snprintf(path, PATH_SIZE, "%s/", spawner->root);

    if (root + strlen(pod->cgroup) >= PATH_SIZE) {
        errno = ENAMETOOLONG;
        churn_fail(pod->cgroup);
    }
    strcpy(path + root, pod->cgroup);
    for (char *slash = path + root; (slash = strchr(slash, '/')); *slash++ = '/') {
        *slash = '\0';
        if (mkdir(path, 0755) < 0 && errno != EEXIST)
            churn_fail(path);
    }
    if (mkdir(path, 0755) < 0)
        churn_fail(path);
}

/* False: not all of it was free yet. Slices that other pods are in stay. */
static bool remove_cgroup(const struct spawner *spawner, const struct pod *pod)
{
    char path[PATH_SIZE];
    size_t root = (size_t)snprintf(path, sizeof(path), "%s/", spawner->root);

    strcpy(path + root, pod->cgroup);
    if (rmdir(path) < 0 && errno != ENOENT)
        return false;
    for (char *slash; (slash = strrchr(path + root, '/'));) {
        *slash = '\0';
        if (rmdir(path) < 0)
            break;
    }
    return true;
}

static void be_client(const struct spawner *spawner, const struct pod *pod, const char *cgroup)
{
    char procs[PATH_SIZE + 16], start[24], end[24];
    uint64_t now;
    int fd;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    snprintf(procs, sizeof(procs), "%s/cgroup.procs", cgroup);
    fd = open(procs, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, "0", 1) != 1)
        churn_fail(procs);
    if (setns(pod->netns, CLONE_NEWNET) < 0)
        churn_fail("setns");
    now = churn_now_ns();
    snprintf(start, sizeof(start), "%llu", (unsigned long long)now);
    snprintf(end, sizeof(end), "%llu", (unsigned long long)(now + pod->life_ns));
    execl("/proc/self/exe", "churn", "client", start, end, spawner->truth, pod->address, pod->name,
          pod->script, NULL);
    churn_fail("exec");
}

static void start_due(struct spawner *spawner, uint64_t now)
{
    char cgroup[PATH_SIZE];

    for (; spawner->started < spawner->count; spawner->started++) {
        struct pod *pod = &spawner->pods[spawner->started];

        if (pod->start_ns > now)
            return;
        make_cgroup(spawner, pod, cgroup);
        pod->pid = fork();
        if (pod->pid < 0)
            churn_fail("fork");
        if (pod->pid == 0) {
            be_client(spawner, pod, cgroup);
            _exit(1);
        }
    }
}

static void reap(struct spawner *spawner)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        for (size_t i = 0; i < spawner->started; i++) {
            if (spawner->pods[i].pid == pid)
                spawner->pods[i].ended = true;
        }
        spawner->failed |= status != 0;
    }
    for (size_t i = 0; i < spawner->started; i++) {
        struct pod *pod = &spawner->pods[i];

        if (pod->ended && pod->pid != 0 && remove_cgroup(spawner, pod)) {
            pod->pid = 0;
            spawner->gone++;
        }
    }
}

int churn_spawn(int argc, char **argv)
{
    struct spawner spawner = {0};
    uint64_t now;

    if (argc != 4) {
        fprintf(stderr, "usage: churn spawn T0-NS CGROUP-DIRECTORY TRUTH-FD <PLAN\n");
        return 2;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    spawner.t0_ns = strtoull(argv[1], NULL, 10);
    spawner.root = argv[2];
    spawner.truth = argv[3];
    read_plan(&spawner);
    while (spawner.gone < spawner.count) {
        const struct pod *last = &spawner.pods[spawner.count - 1];

        now = churn_now_ns();
        if (now > last->start_ns + last->life_ns + OVERTIME_NS) {
            fprintf(stderr, "churn: %zu of %zu pods are not gone\n", spawner.count - spawner.gone,
                    spawner.count);
            return 1;
        }
        start_due(&spawner, now);
        reap(&spawner);
        churn_sleep_until(now + TICK_NS);
    }
    return spawner.failed;
}
