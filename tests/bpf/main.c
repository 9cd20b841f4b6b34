// SPDX-License-Identifier: Apache-2.0
/*
 * The BPF tests: real sockets, a real kernel. Needs root, ip(8), a cgroup v2 hierarchy.
 *   bpf-tests [NAME]...     the files whose name begins so; all without arguments
 * The tests run in a child that dies with this process; this one cleans up behind it.
 */
#include "harness.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <mntent.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define CGROUP_PREFIX      "credscope-test-"
#define TIME_LIMIT_SECONDS 540

static const struct test_file {
    const char *name;
    int (*run)(void);
} files[] = {
    {"connect", test_connect_run},     {"io_uring", test_io_uring_run},
    {"http", test_http_run},           {"http-limits", test_http_limits_run},
    {"intercept", test_intercept_run}, {"wire", test_wire_run},
    {"fault", test_fault_run},         {"neighbour", test_neighbour_run},
    {"secrets", test_secrets_run},     {"tls", test_tls_run},
    {"token", test_token_run},         {"cgroup", test_cgroup_run},
};

static int remove_directory(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)ftw;
    if (type == FTW_DP)
        rmdir(path);
    return 0;
}

static void remove_cgroup(const char *path)
{
    nftw(path, remove_directory, 8, FTW_DEPTH | FTW_PHYS);
}

/* What runs that were killed, guardian and all, left behind. */
static void remove_stale_cgroups(const char *root)
{
    DIR *directory = opendir(root);
    struct dirent *entry;
    char path[512];
    int pid;

    while (directory && (entry = readdir(directory))) {
        if (sscanf(entry->d_name, CGROUP_PREFIX "%d", &pid) != 1 || kill(pid, 0) == 0)
            continue;
        snprintf(path, sizeof(path), "%s/%s", root, entry->d_name);
        remove_cgroup(path);
    }
    if (directory)
        closedir(directory);
}

static int find_cgroup2(char *path, size_t size)
{
    FILE *mounts = setmntent("/proc/self/mounts", "r");
    struct mntent *mount;
    int err = -ENOENT;

    while (mounts && err && (mount = getmntent(mounts)))
        if (strcmp(mount->mnt_type, "cgroup2") == 0 &&
            (size_t)snprintf(path, size, "%s", mount->mnt_dir) < size)
            err = 0;
    if (mounts)
        endmntent(mounts);
    return err;
}

static int make_cgroup(void)
{
    char root[200];

    if (find_cgroup2(root, sizeof(root))) {
        fprintf(stderr, "bpf-tests: no cgroup2 is mounted\n");
        return -1;
    }
    snprintf(harness.cgroup, sizeof(harness.cgroup), "%s/" CGROUP_PREFIX "%d", root, getpid());
    remove_stale_cgroups(root);
    if (mkdir(harness.cgroup, 0755)) {
        perror(harness.cgroup);
        return -1;
    }
    harness.cgroup_fd = open(harness.cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return harness.cgroup_fd < 0 ? -1 : 0;
}

static int enter_cgroup(void)
{
    char path[300];
    FILE *procs;

    snprintf(path, sizeof(path), "%s/cgroup.procs", harness.cgroup);
    procs = fopen(path, "w");
    if (!procs || fprintf(procs, "0\n") < 0 || fclose(procs)) {
        perror(path);
        return -1;
    }
    return 0;
}

static void make_network(void)
{
    harness_shell("ip link set lo up");
    harness_shell("ip addr add " AGENT4 "/32 dev lo");
    harness_shell("ip addr add " IMDS4 "/32 dev lo");
    harness_shell("ip addr add " HOST_PROXY "/32 dev lo");
    harness_shell("ip addr add " HOST_OTHER "/32 dev lo");
    if (!harness_try("ip -6 addr add " AGENT6 "/128 dev lo 2>/dev/null"))
        fprintf(stderr, "bpf-tests: no IPv6 on this kernel\n");
}

static int open_sensor(void)
{
    struct cs_sensor_config config = {.watch = &harness.watch};
    struct cs_sensor_error error;
    int err = 0;

    cs_watchlist_init(&harness.watch);
    err |= cs_watchlist_add_address(&harness.watch, HOST_UNROUTED, CS_WATCH_PLAIN);
    err |= cs_watchlist_add_address(&harness.watch, HOST_WIRE, CS_WATCH_PLAIN);
    err |= cs_watchlist_add_address(&harness.watch, HOST_WIRE6, CS_WATCH_PLAIN);
    err |= cs_watchlist_add_address(&harness.watch, HOST_PROXY ":3128", CS_WATCH_PROXY);
    err |= cs_watchlist_add_tls_port(&harness.watch, TLS_PORT);
    if (err) {
        fprintf(stderr, "bpf-tests: the watch list takes no addresses\n");
        return -1;
    }
    if (cs_sensor_open(&config, &harness.sensor, &error) ||
        cs_sensor_attach(harness.sensor, harness.cgroup_fd, &error)) {
        fprintf(stderr, "bpf-tests: %s\n", error.text);
        return -1;
    }
    for (int hook = 0; hook < CS_TOKEN_HOOK_NONE; hook++)
        if (cs_sensor_token_why(harness.sensor, hook)[0])
            fprintf(stderr, "bpf-tests: token hook %s: %s\n", cs_token_hook_name(hook),
                    cs_sensor_token_why(harness.sensor, hook));
    return 0;
}

static int run_files(int argc, char **argv)
{
    int failed = 0;

    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        bool wanted = argc < 2;

        for (int arg = 1; arg < argc; arg++)
            wanted |= strncmp(files[i].name, argv[arg], strlen(argv[arg])) == 0;
        if (wanted && files[i].run)
            failed += files[i].run();
    }
    return failed;
}

static int child(int argc, char **argv)
{
    int failed;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGPIPE, SIG_IGN);
    alarm(TIME_LIMIT_SECONDS);
    harness.virtual_machine = getenv("CREDSCOPE_TEST_VM") || access("/vm", F_OK) == 0;
    if (enter_cgroup() || unshare(CLONE_NEWNET | CLONE_NEWNS) ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)) {
        perror("bpf-tests: cannot enter a namespace");
        return 1;
    }
    make_network();
    harness.cgroup_id = harness_cgroup_id("");
    if (open_sensor())
        return 1;
    harness.pid = getpid();
    harness.first_fd = dup(STDIN_FILENO);
    close(harness.first_fd);
    failed = run_files(argc, argv);
    cs_sensor_free(harness.sensor);
    return failed ? 1 : 0;
}

int main(int argc, char **argv)
{
    int status;
    pid_t pid;

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (geteuid() != 0) {
        fprintf(stderr, "bpf-tests: needs root\n");
        return 2;
    }
    if (make_cgroup())
        return 2;
    pid = fork();
    if (pid == 0)
        exit(child(argc, argv));
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    remove_cgroup(harness.cgroup);
    if (WIFSIGNALED(status))
        fprintf(stderr, "bpf-tests: ended by signal %d\n", WTERMSIG(status));
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
