/* SPDX-License-Identifier: Apache-2.0 */
/* `check` on this machine, made to lack one thing after the other. Needs root and cgroup2. */
#include "app/check/command_check.h"

#include "base/cleanup.h"
#include "base/util.h"
#include "io/cgroup_fs.h"

#include <arpa/inet.h>
#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char top[PATH_MAX];     /* our own cgroup */
static char mounted[PATH_MAX]; /* where cgroup2 is */
static char aside[64];         /* a place to mount at, in a child */
static char port[32];          /* "127.0.0.1:PORT" of a socket that listens */
static char output[65536];

/* Remove the cgroup once the test has gone, however it went. */
static void guard(void)
{
    int ends[2];
    char byte;

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid > 0) {
        close(ends[0]);
        return;
    }
    setsid();
    close(ends[1]);
    while (read(ends[0], &byte, 1) > 0)
        ;
    rmdir(top);
    rmdir(aside);
    _exit(0);
}

static int setup(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    _cleanup_cgroup_fs_ struct cs_cgroup_fs fs = CS_CGROUP_FS_INIT;
    socklen_t len = sizeof(address);
    char why[512] = "";
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)state;
    if (cs_cgroup_fs_open(NULL, &fs, why, sizeof(why)) < 0) {
        fprintf(stderr, "%s\n", why);
        return -1;
    }
    if (bind(fd, (struct sockaddr *)&address, len) < 0 || listen(fd, 1) < 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) < 0)
        return -1;
    snprintf(port, sizeof(port), "127.0.0.1:%u", ntohs(address.sin_port));
    snprintf(mounted, sizeof(mounted), "%s", fs.path);
    snprintf(top, sizeof(top), "%.4000s/credscope-unit-check-%d", fs.path, getpid());
    snprintf(aside, sizeof(aside), "/tmp/credscope-unit-aside-%d", getpid());
    guard();
    return mkdir(aside, 0700) < 0 || mkdir(top, 0755) < 0 ? -1 : 0;
}

static int own_mounts(void)
{
    return unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0;
}

static int without_cgroup2(void)
{
    return own_mounts() || umount2(mounted, MNT_DETACH) < 0;
}

static int in_private_namespace(void)
{
    char procs[PATH_MAX + 16];

    snprintf(procs, sizeof(procs), "%s/cgroup.procs", top);
    int fd = open(procs, O_WRONLY | O_CLOEXEC);

    if (fd < 0 || write(fd, "0", 1) != 1 || unshare(CLONE_NEWCGROUP) < 0)
        return 1;
    return without_cgroup2() || mount("cgroup2", aside, "cgroup2", 0, NULL) < 0;
}

static int without_capabilities(void)
{
    cap_t none = cap_init();

    return !none || cap_set_proc(none) < 0;
}

static int without_cgroup2_or_rights(void)
{
    return without_cgroup2() || without_capabilities();
}

static int without_sys(void)
{
    return own_mounts() || umount2("/sys", MNT_DETACH) < 0 ||
           mount("tmpfs", "/sys", "tmpfs", 0, NULL) < 0;
}

static int without_proc(void)
{
    return own_mounts() || mount("tmpfs", "/proc", "tmpfs", 0, NULL) < 0;
}

static int as_it_is(void)
{
    return 0;
}

static const struct check_case {
    const char *name;
    int (*prepare)(void);
    const char *argument;
    int exit_status;
    const char *line, *status, *says; /* says: within detail or advice */
} cases[] = {
    {"as it is", as_it_is, "--listen=:0", 0, "cgroup", "ok", "the node's root"},
    {"programs", as_it_is, "--listen=:0", 0, "programs", "ok", "load and attach"},
    {"private cgroup namespace", in_private_namespace, "--listen=:0", 2, "cgroup", "missing",
     "mount the host's /sys/fs/cgroup into the container"},
    {"no capabilities", without_capabilities, "--listen=:0", 2, "capabilities", "missing",
     "CAP_PERFMON, CAP_BPF: run as root, or add them"},
    {"no capabilities, and it shows", without_capabilities, "--listen=:0", 2, "programs", "missing",
     "the kernel refuses"},
    {"no cgroup2", without_cgroup2, "--listen=:0", 0, "cgroup", "ok", "(private mount)"},
    {"no cgroup2, and none can be mounted", without_cgroup2_or_rights, "--listen=:0", 2, "cgroup",
     "missing", "add CAP_SYS_ADMIN"},
    {"no /sys", without_sys, "--listen=:0", 2, "BTF", "missing", "CONFIG_DEBUG_INFO_BTF"},
    {"no /proc", without_proc, "--listen=:0", 2, "cgroup", "missing", "mount /proc"},
    {"a busy port", as_it_is, port, 2, "metrics", "missing",
     "Address already in use: does a credscope run already? Else give"},
    {"no state directory wanted", as_it_is, "--state-dir=none", 0, "state directory", "degraded",
     "lost at a restart"},
    {"a state directory in a file", as_it_is, "--state-dir=/proc/version/x", 0, "state directory",
     "degraded", "Not a directory"},
    {"an API socket where nothing can be made", as_it_is, "--api-listen=unix:/proc/nonexistent/x/y",
     2, "API", "missing", "--api-listen"},
    {"an API socket where a file is", as_it_is, "--api-listen=unix:/proc/version", 2, "API",
     "missing", "is no socket"},
    {"expectations that are not there", as_it_is, "--expect=/nonexistent/x", 2, "expectations",
     "missing", "No such file or directory: `run` refuses it"},
    {"expectations that are none", as_it_is, "--expect=Makefile", 2, "expectations", "missing",
     "is no NAMESPACE/SERVICE_ACCOUNT"},
    {"an event log in no directory", as_it_is, "--events=/nonexistent/x/y", 2, "event log",
     "missing", "No such file or directory: make its directory"},
    {"an event log that is a directory", as_it_is, "--events=/tmp", 2, "event log", "missing",
     "Is a directory"},
    {"an event log to standard output", as_it_is, "--events=-", 0, "event log", "ok",
     "standard output"},
    {"facts that can be recorded", as_it_is, "--record-facts=/tmp/credscope-none-such", 0,
     "recorded facts", "ok", "/tmp/credscope-none-such"},
    {"facts never go to standard output: a file's name", as_it_is, "--record-facts=-", 0,
     "recorded facts", "ok", "-"},
    {"a part of the node", as_it_is, top, 0, "cgroup", "degraded", "what is outside of it"},
    {"not a cgroup", as_it_is, "--cgroup=/tmp", 2, "cgroup", "missing",
     "/tmp is not in a cgroup2 file system"},
};

/* Run in a child, its standard output in `output`. Exit status, 99 if it couldn't be prepared. */
static int run(int (*prepare)(void), const char *const *arguments)
{
    FILE *out = tmpfile();
    int status, argc = 0;
    char *argv[9] = {(char *)"check"};
    pid_t pid;

    for (argc = 1; arguments[argc - 1]; argc++)
        argv[argc] = (char *)(uintptr_t)arguments[argc - 1];
    assert_non_null(out);
    fflush(NULL);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (dup2(fileno(out), STDOUT_FILENO) < 0 || prepare() != 0)
            _exit(99);
        status = cs_command_check(argc, argv);
        fflush(NULL);
        _exit(status);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    rewind(out);
    output[fread(output, 1, sizeof(output) - 1, out)] = '\0';
    fclose(out);
    return WEXITSTATUS(status);
}

static const char *text_of(const cJSON *object, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(object, name));

    return text ? text : "";
}

static const cJSON *line_of(const cJSON *json, const char *name)
{
    const cJSON *line;

    cJSON_ArrayForEach(line, cJSON_GetObjectItem(json, "checks"))
    {
        if (strcmp(text_of(line, "name"), name) == 0)
            return line;
    }
    return NULL;
}

static void run_case(const struct check_case *c)
{
    char argument[PATH_MAX + 32], api[64], said[2048];

    /* An observer may run here, at the usual addresses. */
    snprintf(api, sizeof(api), "--api-listen=unix:/tmp/credscope-unit-%d.sock", getpid());
    snprintf(argument, sizeof(argument), "%s%s",
             c->argument == port ? "--listen=" : (c->argument == top ? "--cgroup=" : ""),
             c->argument);
    int status =
        run(c->prepare, (const char *const[]){"--json", "--listen=:0", api, argument, NULL});

    if (status != c->exit_status)
        fail_msg("%s: exit status %d\n%s", c->name, status, output);
    cJSON *json = cJSON_Parse(output);
    const cJSON *line = line_of(json, c->line);

    snprintf(said, sizeof(said), "%s: %s", text_of(line, "detail"), text_of(line, "advice"));
    if (!line || strcmp(text_of(line, "status"), c->status) != 0 || !strstr(said, c->says))
        fail_msg("%s: %s %s %s\n%s", c->name, c->line, text_of(line, "status"), said, output);
    if ((status == 2) != (strcmp(text_of(json, "status"), "missing") == 0))
        fail_msg("%s: in sum %s", c->name, text_of(json, "status"));
    cJSON_Delete(json);
}

static void says_what_is_missing(void **state)
{
    (void)state;
    for (size_t i = 0; i < CS_ARRAY_SIZE(cases); i++)
        run_case(&cases[i]);
}

static void prints_a_line_each(void **state)
{
    size_t lines = 0;
    char *last = NULL;

    (void)state;
    assert_int_equal(
        run(as_it_is, (const char *const[]){"--listen=:0", "--api-listen=[::1]:0", NULL}), 0);
    for (char *line = strtok(output, "\n"); line; line = strtok(NULL, "\n")) {
        lines++;
        last = line;
        assert_null(strchr(line, '\033'));
    }
    assert_true(lines > 10);
    assert_non_null(strstr(last, "credscope can run here"));
}

static void refuses_bad_usage(void **state)
{
    (void)state;
    assert_int_equal(run(as_it_is, (const char *const[]){"--nonsense", NULL}), 2);
    assert_int_equal(run(as_it_is, (const char *const[]){"--listen=x", NULL}), 2);
    assert_string_equal(output, "");
    assert_int_equal(run(as_it_is, (const char *const[]){"--help", NULL}), 0);
    assert_non_null(strstr(output, "Usage: credscope check"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_what_is_missing),
        cmocka_unit_test(prints_a_line_each),
        cmocka_unit_test(refuses_bad_usage),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
