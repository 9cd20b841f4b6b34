// SPDX-License-Identifier: Apache-2.0
/*
 * Token-file opens: real files in tmpfs mounts laid out as the kubelet's atomic writer does it
 * (kubernetes pkg/volume/util/atomic_writer.go), in the tests' private mount namespace; every hook
 * that this kernel takes sees the same table of opens.
 */
#include "harness.h"
#include "transcript.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ROOT    "/tmp" /* a tmpfs goes over it */
#define SECRETS ROOT "/run/secrets"
#define KUBELET ROOT "/var/lib/kubelet/pods/0f/volumes/kubernetes.io~projected"
#define WRITTEN "..2026_11_21_03_00_00.123456789"
#define NONE    -1

enum token { IRSA = 0, POD_IDENTITY = 1, AZURE = 2, CUSTOM = 3, CUSTOM_DEEP = 4 };

enum how { OPENAT, OPENAT2, OPEN };

static struct cs_sensor *sensor;

/* Make a projected volume: a tmpfs at directory with file, reached as the atomic writer has it. */
static void make_volume(const char *directory, const char *file)
{
    const char *slash = strchr(file, '/');
    int first = slash ? (int)(slash - file) : (int)strlen(file);

    harness_shell("mkdir -p %s && mount -t tmpfs none %s", directory, directory);
    harness_shell("cd %s && mkdir -p %s/$(dirname %s) && echo secret >%s/%s && ln -s %s ..data && "
                  "ln -s ..data/%.*s %.*s",
                  directory, WRITTEN, file, WRITTEN, file, WRITTEN, first, file, first, file);
}

static int make_files(void **state)
{
    (void)state;
    harness_shell("mkdir -p " ROOT " && mount -t tmpfs none " ROOT);
    harness_shell("mkdir -p " SECRETS " " ROOT "/var " KUBELET "/aws-iam-token");
    harness_shell("ln -s ../run " ROOT "/var/run");
    make_volume(SECRETS "/eks.amazonaws.com/serviceaccount", "token");
    make_volume(SECRETS "/pods.eks.amazonaws.com/serviceaccount", "eks-pod-identity-token");
    make_volume(SECRETS "/azure/tokens", "azure-identity-token");
    make_volume(SECRETS "/azure/wi", "token/azure-identity-token");
    make_volume(SECRETS "/kubernetes.io/serviceaccount", "token");
    make_volume(SECRETS "/x.eks.amazonaws.com/serviceaccount", "token");
    make_volume(SECRETS "/e/s.amazonaws.com/serviceaccount", "token");
    make_volume(SECRETS "/eks.amazonaws.com/other", "token");
    make_volume(SECRETS "/corp", "idp-token");
    make_volume(ROOT "/1/2/3/4/5/6/7", "8");
    harness_shell("cp " SECRETS "/kubernetes.io/serviceaccount/token " SECRETS
                  "/eks.amazonaws.com/serviceaccount/tokem");
    /* On the node a volume is a bind mount of this; in the container its mount point counts. */
    harness_shell("mount --bind " SECRETS "/eks.amazonaws.com/serviceaccount " KUBELET
                  "/aws-iam-token");
    /* subPath: the file itself is a mount. */
    harness_shell("mkdir -p " ROOT "/sub/eks.amazonaws.com/serviceaccount && cd " ROOT
                  "/sub/eks.amazonaws.com/serviceaccount && touch token && mount --bind " SECRETS
                  "/kubernetes.io/serviceaccount/" WRITTEN "/token token");
    harness_shell("mkdir -p /sys/kernel/tracing; [ -d /sys/kernel/tracing/events ] || "
                  "mount -t tracefs none /sys/kernel/tracing || true");
    return 0;
}

static int remove_files(void **state)
{
    (void)state;
    cs_sensor_free(sensor);
    sensor = NULL;
    umount2(ROOT, MNT_DETACH);
    return 0;
}

struct open_case {
    const char *name;
    const char *path; /* relative: from SECRETS/eks.amazonaws.com/serviceaccount */
    enum how how;
    int flags;
    int want_errno; /* 0: succeeds */
    int token;      /* entry, or NONE */
};

static const struct open_case cases[] = {
    {"IRSA as SDKs open it", SECRETS "/eks.amazonaws.com/serviceaccount/token", OPENAT,
     O_RDONLY | O_CLOEXEC, 0, IRSA},
    {"through /var/run", ROOT "/var/run/secrets/eks.amazonaws.com/serviceaccount/token", OPENAT, 0,
     0, IRSA},
    {"through ..data", SECRETS "/eks.amazonaws.com/serviceaccount/..data/token", OPENAT, 0, 0,
     IRSA},
    {"in the directory itself", SECRETS "/eks.amazonaws.com/serviceaccount/" WRITTEN "/token",
     OPENAT, 0, 0, IRSA},
    {"openat2", SECRETS "/eks.amazonaws.com/serviceaccount/token", OPENAT2, O_CLOEXEC, 0, IRSA},
    {"open", SECRETS "/eks.amazonaws.com/serviceaccount/token", OPEN, 0, 0, IRSA},
    {"relative", "token", OPENAT, 0, 0, IRSA},
    {"relative, with dots", "../serviceaccount/./token", OPENAT, 0, 0, IRSA},
    {"read and write", SECRETS "/eks.amazonaws.com/serviceaccount/token", OPENAT, O_RDWR, 0, IRSA},
    {"subPath mount", ROOT "/sub/eks.amazonaws.com/serviceaccount/token", OPENAT, 0, 0, IRSA},
    {"Pod Identity", SECRETS "/pods.eks.amazonaws.com/serviceaccount/eks-pod-identity-token",
     OPENAT, O_CLOEXEC, 0, POD_IDENTITY},
    {"Azure up to 1.5", SECRETS "/azure/tokens/azure-identity-token", OPENAT, O_CLOEXEC, 0, AZURE},
    {"Azure from 1.6", SECRETS "/azure/wi/token/azure-identity-token", OPENAT, O_CLOEXEC, 0, AZURE},
    {"a flag's bare name", SECRETS "/corp/idp-token", OPENAT, O_CLOEXEC, 0, CUSTOM},
    {"a flag's longest path", ROOT "/1/2/3/4/5/6/7/8", OPENAT, O_CLOEXEC, 0, CUSTOM_DEEP},

    {"Kubernetes' own token", SECRETS "/kubernetes.io/serviceaccount/token", OPENAT, 0, 0, NONE},
    {"longer directory", SECRETS "/x.eks.amazonaws.com/serviceaccount/token", OPENAT, 0, 0, NONE},
    {"a separator where a letter is", SECRETS "/e/s.amazonaws.com/serviceaccount/token", OPENAT, 0,
     0, NONE},
    {"other directory", SECRETS "/eks.amazonaws.com/other/token", OPENAT, 0, 0, NONE},
    {"other name, as long", SECRETS "/eks.amazonaws.com/serviceaccount/tokem", OPENAT, 0, 0, NONE},
    {"the node's view of the volume", KUBELET "/aws-iam-token/token", OPENAT, 0, 0, NONE},
    {"a directory", SECRETS "/eks.amazonaws.com/serviceaccount/..data", OPENAT,
     O_RDONLY | O_DIRECTORY, 0, NONE},
    {"write only, as the kubelet", SECRETS "/azure/tokens/azure-identity-token", OPENAT, O_WRONLY,
     0, NONE},
    {"O_PATH", SECRETS "/eks.amazonaws.com/serviceaccount/token", OPENAT, O_PATH, 0, NONE},
    {"not there", SECRETS "/pods.eks.amazonaws.com/serviceaccount/token", OPENAT, 0, ENOENT, NONE},
    {"not there, open", SECRETS "/pods.eks.amazonaws.com/serviceaccount/token", OPEN, 0, ENOENT,
     NONE},
    {"there already", SECRETS "/eks.amazonaws.com/serviceaccount/" WRITTEN "/token", OPENAT,
     O_RDWR | O_CREAT | O_EXCL, EEXIST, NONE},
    {"no directory", SECRETS "/eks.amazonaws.com/serviceaccount/token", OPENAT2, O_DIRECTORY,
     ENOTDIR, NONE},
    {"a symlink not to be followed", SECRETS "/eks.amazonaws.com/serviceaccount/token", OPENAT2,
     O_NOFOLLOW, ELOOP, NONE},
};

static int open_as(const struct open_case *c)
{
    struct open_how how = {.flags = (uint64_t)c->flags};

    switch (c->how) {
    case OPENAT2:
        return (int)syscall(SYS_openat2, AT_FDCWD, c->path, &how, sizeof(how));
    case OPEN:
#ifdef SYS_open
        return (int)syscall(SYS_open, c->path, c->flags, 0);
#endif
    case OPENAT:
        break;
    }
    return (int)syscall(SYS_openat, AT_FDCWD, c->path, c->flags, 0);
}

/* Facts of this process; the machine's other processes open tokens as they like. */
static size_t own(struct facts *facts, const struct cs_fact_token_open **last)
{
    const struct cs_fact_token_open *fact;
    size_t count = 0;

    facts_poll(sensor, facts);
    for (size_t n = 0; (fact = facts_find(facts, CS_FACT_TOKEN_OPEN, n)); n++) {
        if (fact->tgid != (uint32_t)getpid())
            continue;
        *last = fact;
        count++;
    }
    return count;
}

static void assert_told(const struct open_case *c, const struct cs_fact_token_open *fact,
                        uint64_t before)
{
    char comm[CS_COMM_LEN];

    prctl(PR_GET_NAME, comm);
    if (fact->token != (uint16_t)c->token)
        fail_msg("%s: entry %u, not %d", c->name, fact->token, c->token);
    assert_int_equal(fact->cgroup_id, harness.cgroup_id);
    assert_int_equal(fact->tid, gettid());
    assert_string_equal((const char *)fact->comm, comm);
    assert_in_range(fact->header.time_ns, before, harness_now_ns());
}

static void check(const struct open_case *c)
{
    const struct cs_fact_token_open *fact = NULL;
    uint64_t before = harness_now_ns();
    struct facts facts = {0};
    size_t want = c->token != NONE;
    int fd = open_as(c), err = errno;

    if (fd >= 0 ? c->want_errno : err != c->want_errno)
        fail_msg("%s: %s", c->name, fd >= 0 ? "opened" : strerror(err));
    if (fd >= 0)
        close(fd);
    if (own(&facts, &fact) != want)
        fail_msg("%s: %zu facts, not %zu", c->name, own(&facts, &fact), want);
    if (fact)
        assert_told(c, fact, before);
    facts_free(&facts);
}

/* Nobody without the right to read has opened anything. */
static void check_denied(void)
{
    const struct cs_fact_token_open *fact = NULL;
    struct facts facts = {0};
    pid_t pid;

    harness_shell("chmod 600 " SECRETS "/eks.amazonaws.com/serviceaccount/token");
    pid = fork();
    if (pid == 0) {
        int fd = syscall(SYS_setresuid, 65534, 65534, 65534)
                     ? -2
                     : open(SECRETS "/eks.amazonaws.com/serviceaccount/token", O_RDONLY);

        _exit(fd == -1 && errno == EACCES ? 0 : 1);
    }
    assert_int_equal(harness_join(pid), 0);
    own(&facts, &fact);
    for (size_t n = 0; (fact = facts_find(&facts, CS_FACT_TOKEN_OPEN, n)); n++)
        assert_int_not_equal(fact->tgid, pid);
    facts_free(&facts);
}

static void open_sensor(enum cs_token_hook hook)
{
    static struct cs_watchlist watch;
    struct cs_sensor_config config = {
        .watch = &watch, .no_cgroup_events = true, .token_hook = hook};
    struct cs_sensor_error error;

    cs_watchlist_init(&watch);
    assert_int_equal(cs_watchlist_add_token(&watch, "idp-token=irsa"), 0);
    assert_int_equal(cs_watchlist_add_token(&watch, "/1/2/3/4/5/6/7/8=irsa"), 0);
    if (cs_sensor_open(&config, &sensor, &error))
        fail_msg("%s", error.text);
}

static void check_hook(enum cs_token_hook hook)
{
    const struct cs_sensor_stats *stats;

    open_sensor(hook);
    if (cs_sensor_token_hook(sensor) != hook)
        harness_skip("%s", cs_sensor_token_why(sensor, hook));
    assert_int_equal(chdir(SECRETS "/eks.amazonaws.com/serviceaccount"), 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        check(&cases[i]);
    check_denied();
    assert_int_equal(chdir("/"), 0);
    stats = cs_sensor_stats(sensor);
    assert_int_equal(stats->token_unreadable, 0);
}

static int close_sensor(void **state)
{
    (void)state;
    if (chdir("/"))
        return -1;
    cs_sensor_free(sensor);
    sensor = NULL;
    return 0;
}

static void by_fexit(void **state)
{
    (void)state;
    check_hook(CS_TOKEN_HOOK_FEXIT);
}

static void by_kprobe(void **state)
{
    (void)state;
    check_hook(CS_TOKEN_HOOK_KPROBE);
}

static void by_tracepoints(void **state)
{
    (void)state;
    check_hook(CS_TOKEN_HOOK_TRACEPOINTS);
}

int test_token_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(by_fexit, harness_setup, close_sensor),
        cmocka_unit_test_setup_teardown(by_kprobe, harness_setup, close_sensor),
        cmocka_unit_test_setup_teardown(by_tracepoints, harness_setup, close_sensor),
    };

    return cmocka_run_group_tests_name("token", tests, make_files, remove_files);
}
