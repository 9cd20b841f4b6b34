/* SPDX-License-Identifier: Apache-2.0 */
/* Against this machine's cgroup2, in a cgroup and in namespaces of the test's own. Needs root. */
#include "base/util.h"
#include "io/cgroup_fs.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char top[PATH_MAX];     /* our own cgroup */
static char mounted[PATH_MAX]; /* where cgroup2 is */
static char name[64];          /* "/credscope-unit-PID" */
static char aside[64];         /* a place to mount at, in a child */
static const char *const below[] = {"/a", "/a/b c", "/d"};

/* Remove the cgroups once the test has gone, however it went. */
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
    for (size_t i = CS_ARRAY_SIZE(below); i > 0; i--) {
        char path[PATH_MAX + 16];

        snprintf(path, sizeof(path), "%s%s", top, below[i - 1]);
        rmdir(path);
    }
    rmdir(top);
    rmdir(aside);
    _exit(0);
}

static int setup(void **state)
{
    _cleanup_cgroup_fs_ struct cs_cgroup_fs fs = CS_CGROUP_FS_INIT;
    char why[512] = "";

    (void)state;
    if (geteuid() != 0) {
        fprintf(stderr, "must be root\n");
        return -1;
    }
    if (cs_cgroup_fs_open(NULL, &fs, why, sizeof(why)) < 0) {
        fprintf(stderr, "%s\n", why);
        return -1;
    }
    snprintf(mounted, sizeof(mounted), "%s", fs.path);
    snprintf(name, sizeof(name), "/credscope-unit-%d", getpid());
    snprintf(top, sizeof(top), "%.4000s%s", mounted, name);
    snprintf(aside, sizeof(aside), "/tmp/credscope-unit-aside-%d", getpid());
    guard();
    if (mkdir(aside, 0700) < 0 || mkdir(top, 0755) < 0)
        return -1;
    for (size_t i = 0; i < CS_ARRAY_SIZE(below); i++) {
        char path[PATH_MAX + 16];

        snprintf(path, sizeof(path), "%s%s", top, below[i]);
        if (mkdir(path, 0755) < 0)
            return -1;
    }
    return 0;
}

static uint64_t inode(const char *path)
{
    struct stat st;

    assert_int_equal(stat(path, &st), 0);
    return st.st_ino;
}

static void finds_the_true_root(void **state)
{
    _cleanup_cgroup_fs_ struct cs_cgroup_fs fs = CS_CGROUP_FS_INIT;
    char why[512];

    (void)state;
    assert_int_equal(cs_cgroup_fs_open(NULL, &fs, why, sizeof(why)), 0);
    assert_true(fs.true_root);
    assert_int_equal(fs.id, 1);
    assert_string_equal(fs.prefix, "");
    assert_true(fs.layout == CS_CGROUP_LAYOUT_V2 || fs.layout == CS_CGROUP_LAYOUT_HYBRID);
}

struct seen {
    const char *wanted[8];
    uint64_t ids[8];
    unsigned int found[8];
    unsigned int visits;
    unsigned int stop_at;
};

static int see(uint64_t id, const char *path, void *context)
{
    struct seen *seen = context;

    seen->visits++;
    for (size_t i = 0; i < 8 && seen->wanted[i]; i++)
        if (strcmp(path, seen->wanted[i]) == 0) {
            assert_int_equal(id, seen->ids[i]);
            seen->found[i]++;
        }
    return seen->stop_at == seen->visits ? -ECANCELED : 0;
}

static void walks(void **state)
{
    _cleanup_cgroup_fs_ struct cs_cgroup_fs root = CS_CGROUP_FS_INIT, part = CS_CGROUP_FS_INIT;
    char why[512], paths[4][PATH_MAX];
    struct seen seen = {.wanted = {name}, .ids = {inode(top)}};

    (void)state;
    for (size_t i = 0; i < CS_ARRAY_SIZE(below); i++) {
        snprintf(paths[i], PATH_MAX, "%s%s", top, below[i]);
        seen.ids[i + 1] = inode(paths[i]);
        snprintf(paths[i], PATH_MAX, "%s%s", name, below[i]);
        seen.wanted[i + 1] = paths[i];
    }
    assert_int_equal(cs_cgroup_fs_open(NULL, &root, why, sizeof(why)), 0);
    assert_int_equal(cs_cgroup_fs_walk(&root, see, &seen), 0);
    for (size_t i = 0; i <= CS_ARRAY_SIZE(below); i++)
        assert_int_equal(seen.found[i], 1);
    assert_true(seen.visits >= 5);

    assert_int_equal(cs_cgroup_fs_open(top, &part, why, sizeof(why)), 0);
    assert_false(part.true_root);
    assert_string_equal(part.prefix, name);
    seen.visits = 0;
    assert_int_equal(cs_cgroup_fs_walk(&part, see, &seen), 0);
    assert_int_equal(seen.visits, 4);
    for (size_t i = 0; i <= CS_ARRAY_SIZE(below); i++)
        assert_int_equal(seen.found[i], 2);

    seen.visits = 0;
    seen.stop_at = 2;
    assert_int_equal(cs_cgroup_fs_walk(&part, see, &seen), -ECANCELED);
    assert_int_equal(seen.visits, 2);
}

static void finds_paths_by_id(void **state)
{
    _cleanup_cgroup_fs_ struct cs_cgroup_fs fs = CS_CGROUP_FS_INIT, part = CS_CGROUP_FS_INIT;
    char why[512], path[PATH_MAX], wanted[PATH_MAX];
    struct cs_cgroup_fs *const both[] = {&fs, &part};
    uint64_t id;

    (void)state;
    snprintf(path, sizeof(path), "%.4000s/a/b c", top);
    id = inode(path);
    snprintf(wanted, sizeof(wanted), "%s/a/b c", name);
    assert_int_equal(cs_cgroup_fs_open(NULL, &fs, why, sizeof(why)), 0);
    assert_int_equal(cs_cgroup_fs_open(top, &part, why, sizeof(why)), 0);
    for (size_t i = 0; i < CS_ARRAY_SIZE(both); i++) {
        char small[8] = "kept";

        assert_int_equal(cs_cgroup_fs_path_by_id(both[i], id, path, sizeof(path)), 0);
        assert_string_equal(path, wanted);
        assert_int_equal(cs_cgroup_fs_path_by_id(both[i], 1, path, sizeof(path)), 0);
        assert_string_equal(path, "/");
        assert_int_equal(cs_cgroup_fs_path_by_id(both[i], id, small, sizeof(small)), -ENAMETOOLONG);
        assert_string_equal(small, "kept");
        assert_int_equal(cs_cgroup_fs_path_by_id(both[i], UINT64_C(1) << 62, path, sizeof(path)),
                         -ESTALE);
    }
}

static void refuses_what_is_no_cgroup2(void **state)
{
    static const struct {
        const char *path;
        int result;
        const char *why;
    } cases[] = {
        {"/proc", -ENOTSUP, "/proc is not in a cgroup2 file system"},
        {"/proc/nonexistent", -ENOENT, "/proc/nonexistent: No such file or directory"},
        {"/proc/version", -ENOTDIR, "/proc/version: Not a directory"},
    };

    (void)state;
    for (size_t i = 0; i < CS_ARRAY_SIZE(cases); i++) {
        struct cs_cgroup_fs fs = {.fd = 77};
        char why[512];

        assert_int_equal(cs_cgroup_fs_open(cases[i].path, &fs, why, sizeof(why)), cases[i].result);
        assert_string_equal(why, cases[i].why);
        assert_int_equal(fs.fd, 77);
    }
}

/* Run in a child with mounts of its own; its exit status says which step failed. */
static void in_child(int (*child)(void))
{
    int status;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
            _exit(99);
        _exit(child());
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static int enter_namespace(void)
{
    char procs[PATH_MAX + 16];

    snprintf(procs, sizeof(procs), "%s/d/cgroup.procs", top);
    int fd = open(procs, O_WRONLY | O_CLOEXEC);

    if (fd < 0 || write(fd, "0", 1) != 1 || unshare(CLONE_NEWCGROUP) < 0)
        return -1;
    close(fd);
    return 0;
}

static int leave(int status)
{
    char procs[PATH_MAX + 16];

    /* So that the guardian can remove the cgroup at once. */
    snprintf(procs, sizeof(procs), "%s/cgroup.procs", mounted);
    int fd = open(procs, O_WRONLY | O_CLOEXEC);

    if (fd >= 0 && write(fd, "0", 1) == 1)
        close(fd);
    return status;
}

static int in_private_namespace(void)
{
    struct cs_cgroup_fs fs = CS_CGROUP_FS_INIT;
    char why[512] = "";

    if (enter_namespace() < 0)
        return 1;
    /* The node's own mount is still there: that one is taken. */
    if (cs_cgroup_fs_open(NULL, &fs, why, sizeof(why)) != 0 || !fs.true_root)
        return leave(2);
    cs_cgroup_fs_close(&fs);
    if (umount2(mounted, MNT_DETACH) < 0 || mount("cgroup2", aside, "cgroup2", 0, NULL) < 0)
        return 3;
    if (cs_cgroup_fs_open(NULL, &fs, why, sizeof(why)) != -EXDEV)
        return 4;
    if (strncmp(why, aside, strlen(aside)) != 0 ||
        !strstr(why, " shows only the cgroup namespace") || !strstr(why, "hostPath"))
        return 5;
    /* Not even a mount of our own gets out of it. */
    if (umount2(aside, MNT_DETACH) < 0 ||
        cs_cgroup_fs_open(NULL, &fs, why, sizeof(why)) != -EXDEV ||
        !strstr(why, "a fresh cgroup2 mount shows only"))
        return 6;
    return 0;
}

static void refuses_a_private_namespace(void **state)
{
    (void)state;
    in_child(in_private_namespace);
}

static int without_cgroup2(void)
{
    struct cs_cgroup_fs fs = CS_CGROUP_FS_INIT;
    struct seen seen = {.wanted = {name}, .ids = {inode(top)}};
    char why[512] = "", path[PATH_MAX];
    cap_t none;

    if (umount2(mounted, MNT_DETACH) < 0)
        return 1;
    if (cs_cgroup_fs_open(NULL, &fs, why, sizeof(why)) != 0 || !fs.true_root || fs.mount_fd < 0)
        return 2;
    if (cs_cgroup_fs_walk(&fs, see, &seen) != 0 || seen.found[0] != 1)
        return 3;
    if (cs_cgroup_fs_path_by_id(&fs, seen.ids[0], path, sizeof(path)) != 0 ||
        strcmp(path, name) != 0)
        return 4;
    cs_cgroup_fs_close(&fs);

    none = cap_init();
    if (!none || cap_set_proc(none) < 0)
        return 5;
    if (cs_cgroup_fs_open(NULL, &fs, why, sizeof(why)) != -ENOENT ||
        !strstr(why, "add CAP_SYS_ADMIN"))
        return 6;
    return 0;
}

static void mounts_one_where_there_is_none(void **state)
{
    (void)state;
    in_child(without_cgroup2);
}

static int part_mounted(void)
{
    struct cs_cgroup_fs fs = CS_CGROUP_FS_INIT;
    struct seen seen = {.wanted = {name}};
    char why[512] = "", wanted[PATH_MAX], path[PATH_MAX], aside_a[80];

    snprintf(aside_a, sizeof(aside_a), "%s/a", aside);
    snprintf(wanted, sizeof(wanted), "%s/a", name);
    snprintf(path, sizeof(path), "%.4000s/a", top);
    seen.wanted[0] = wanted;
    seen.ids[0] = inode(path);
    if (mount(top, aside, NULL, MS_BIND, NULL) < 0 ||
        cs_cgroup_fs_open(aside_a, &fs, why, sizeof(why)) != 0)
        return 1;
    if (strcmp(fs.root, name) != 0 || strcmp(fs.prefix, wanted) != 0 || fs.true_root)
        return 2;
    if (cs_cgroup_fs_walk(&fs, see, &seen) != 0 || seen.found[0] != 1 || seen.visits != 2)
        return 3;
    if (cs_cgroup_fs_path_by_id(&fs, seen.ids[0], path, sizeof(path)) != 0 ||
        strcmp(path, wanted) != 0)
        return 4;
    return 0;
}

static void knows_a_bind_mount_of_a_part(void **state)
{
    (void)state;
    in_child(part_mounted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_true_root),
        cmocka_unit_test(walks),
        cmocka_unit_test(finds_paths_by_id),
        cmocka_unit_test(refuses_what_is_no_cgroup2),
        cmocka_unit_test(refuses_a_private_namespace),
        cmocka_unit_test(mounts_one_where_there_is_none),
        cmocka_unit_test(knows_a_bind_mount_of_a_part),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
