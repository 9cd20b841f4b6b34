/* SPDX-License-Identifier: Apache-2.0 */
/* Disks of its own, in a mount namespace, and a writer that is killed before each of its system
 * calls: root is needed. */
#include "base/cleanup.h"
#include "base/util.h"
#include "io/state_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "hanging_disk.h"

#define FIRST  "{\"the first\":1}\n"
#define SECOND "{\"the second, which is longer\":2}\n"

static char top[64], directory[80], path[100], temporary[104];

static int set_up(void **unused)
{
    (void)unused;
    strcpy(top, "/tmp/credscope-state-XXXXXX");
    if (!mkdtemp(top))
        return -1;
    snprintf(directory, sizeof(directory), "%s/a/b", top);
    snprintf(path, sizeof(path), "%s/" CS_STATE_FILE_NAME, directory);
    snprintf(temporary, sizeof(temporary), "%s.tmp", path);
    return 0;
}

static int tear_down(void **unused)
{
    char command[128];

    (void)unused;
    snprintf(command, sizeof(command), "rm -rf %s", top);
    return system(command);
}

static struct cs_state_file *open_file(void)
{
    struct cs_state_file *file;

    assert_int_equal(cs_state_file_open(directory, &file), 0);
    return file;
}

static int write_text(const struct cs_state_file *file, const char *text)
{
    return cs_state_file_write(file, text, strlen(text));
}

/* The file holds exactly this; NULL: there is none. */
static bool holds(const struct cs_state_file *file, const char *text)
{
    struct cs_buffer buffer;
    bool result;
    int error;

    cs_buffer_init(&buffer, 1000);
    error = cs_state_file_read(file, &buffer);
    result = text ? error == 0 && buffer.len == strlen(text) &&
                        memcmp(buffer.data, text, buffer.len) == 0
                  : error == -ENOENT;
    cs_buffer_free(&buffer);
    return result;
}

static void it_is_private_and_replaced_as_a_whole(void **unused)
{
    struct cs_state_file *file = open_file();
    struct stat status;

    (void)unused;
    assert_int_equal(stat(directory, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0700);
    assert_true(holds(file, NULL));
    assert_int_equal(write_text(file, SECOND), 0);
    assert_int_equal(write_text(file, FIRST), 0);
    assert_true(holds(file, FIRST));
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_int_equal(access(temporary, F_OK), -1);
    cs_state_file_close(file);
}

static void one_holds_it_at_a_time(void **unused)
{
    struct cs_state_file *file = open_file(), *other = NULL;

    (void)unused;
    assert_int_equal(cs_state_file_open(directory, &other), -EBUSY);
    assert_null(other);
    cs_state_file_close(file);
    file = open_file();
    cs_state_file_close(file);
}

static void what_is_no_plain_file_is_refused_and_can_be_put_aside(void **unused)
{
    static const struct {
        const char *name, *command;
        int error;
    } cases[] = {
        {"a link", "ln -s /etc/passwd state.json", -ELOOP},
        {"a FIFO", "mkfifo state.json", -EINVAL},
        {"a directory", "mkdir state.json", -EINVAL},
        {"too much", "head -c 1001 /dev/zero > state.json", -EFBIG},
    };
    struct cs_state_file *file = open_file();
    char command[256], aside[120];
    struct cs_buffer buffer;

    (void)unused;
    snprintf(aside, sizeof(aside), "%s/" CS_STATE_FILE_CORRUPT, directory);
    for (size_t i = 0; i < CS_ARRAY_SIZE(cases); i++) {
        int error;

        snprintf(command, sizeof(command), "cd %s && %s", directory, cases[i].command);
        assert_int_equal(system(command), 0);
        cs_buffer_init(&buffer, 1000);
        error = cs_state_file_read(file, &buffer);
        cs_buffer_free(&buffer);
        if (error != cases[i].error)
            fail_msg("%s: %s", cases[i].name, strerror(-error));
        assert_int_equal(cs_state_file_set_aside(file, CS_STATE_FILE_CORRUPT), 0);
        assert_true(holds(file, NULL));
        assert_int_equal(write_text(file, FIRST), 0);
        assert_true(holds(file, FIRST));
        assert_int_equal(unlink(path), 0);
        snprintf(command, sizeof(command), "rm -r %s", aside);
        assert_int_equal(system(command), 0);
    }
    cs_state_file_close(file);
}

static void a_link_in_the_way_of_writing_is_not_followed(void **unused)
{
    struct cs_state_file *file = open_file();
    char victim[100];
    struct stat status;

    (void)unused;
    snprintf(victim, sizeof(victim), "%s/victim", top);
    assert_int_equal(symlink(victim, temporary), 0);
    assert_int_equal(symlink(victim, path), 0);
    assert_int_equal(write_text(file, FIRST), 0);
    assert_int_equal(access(victim, F_OK), -1);
    assert_int_equal(lstat(path, &status), 0);
    assert_true(S_ISREG(status.st_mode));
    cs_state_file_close(file);
}

static void a_save_goes_on_beside_the_caller(void **unused)
{
    struct cs_state_file *file = open_file();

    (void)unused;
    assert_int_equal(cs_state_file_poll(file), 0);
    assert_int_equal(cs_state_file_save(file, FIRST, strlen(FIRST)), 0);
    assert_int_equal(cs_state_file_wait(file, 10 * CS_NSEC_PER_SEC), 0);
    assert_true(holds(file, FIRST));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(directory), 0);
    assert_int_equal(cs_state_file_save(file, FIRST, strlen(FIRST)), 0);
    assert_int_equal(cs_state_file_wait(file, 10 * CS_NSEC_PER_SEC), -ENOENT);
    assert_int_equal(cs_state_file_poll(file), 0); /* told once */
    cs_state_file_close(file);
}

/* The tmpfs has room for the first and not for the second: the first stays, nothing is left. */
static int on_a_full_disk(void)
{
    struct cs_state_file *file;
    static char large[128 << 10];

    memset(large, 'x', sizeof(large));
    if (mkdir(directory, 0700) < 0 ||
        mount("none", directory, "tmpfs", MS_NOSUID, "size=64k,mode=700") < 0)
        return 1;
    if (cs_state_file_open(directory, &file) < 0 || write_text(file, FIRST) < 0)
        return 2;
    for (int i = 0; i < 3; i++) {
        if (cs_state_file_write(file, large, sizeof(large)) != -ENOSPC)
            return 3;
        if (access(temporary, F_OK) == 0 || !holds(file, FIRST))
            return 4;
    }
    if (cs_state_file_save(file, large, sizeof(large)) < 0 ||
        cs_state_file_wait(file, 10 * CS_NSEC_PER_SEC) != -ENOSPC)
        return 5;
    /* there is room again */
    if (write_text(file, SECOND) < 0 || !holds(file, SECOND))
        return 6;
    return 0;
}

static void a_full_disk_leaves_the_file_as_it_was(void **unused)
{
    (void)unused;
    *strrchr(directory, '/') = '\0';
    snprintf(path, sizeof(path), "%s/" CS_STATE_FILE_NAME, directory);
    snprintf(temporary, sizeof(temporary), "%s.tmp", path);
    in_child(on_a_full_disk);
}

static int on_a_read_only_disk(void)
{
    struct cs_state_file *file;

    if (mkdir(directory, 0700) < 0 || mount("none", directory, "tmpfs", MS_NOSUID, "size=64k") < 0)
        return 1;
    if (cs_state_file_open(directory, &file) < 0 || write_text(file, FIRST) < 0)
        return 2;
    cs_state_file_close(file);
    if (mount(NULL, directory, NULL, MS_REMOUNT | MS_RDONLY, NULL) < 0)
        return 3;
    if (cs_state_file_open(directory, &file) < 0 || !holds(file, FIRST))
        return 4;
    if (write_text(file, SECOND) != -EROFS ||
        cs_state_file_set_aside(file, CS_STATE_FILE_CORRUPT) != -EROFS || !holds(file, FIRST))
        return 5;
    strcat(directory, "/x/y");
    return cs_state_file_open(directory, &file) == -EROFS ? 0 : 6;
}

static void a_read_only_disk_can_be_read(void **unused)
{
    (void)unused;
    *strrchr(directory, '/') = '\0';
    snprintf(path, sizeof(path), "%s/" CS_STATE_FILE_NAME, directory);
    snprintf(temporary, sizeof(temporary), "%s.tmp", path);
    in_child(on_a_read_only_disk);
}

/* SIGKILL before the n-th system call of writing SECOND over FIRST; false: there are fewer. */
static bool killed_before_call(int n, uint64_t *last_call)
{
    struct __ptrace_syscall_info info;
    struct cs_state_file *file = open_file();
    int status;
    pid_t pid;

    assert_int_equal(write_text(file, FIRST), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        alarm(20);
        ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        raise(SIGSTOP);
        _exit(-write_text(file, SECOND));
    }
    cs_state_file_close(file);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(
        ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD), 0);
    for (int entered = 0; entered < n;) {
        assert_int_equal(ptrace(PTRACE_SYSCALL, pid, NULL, NULL), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        if (WIFEXITED(status)) {
            assert_int_equal(WEXITSTATUS(status), 0);
            return false;
        }
        assert_true(ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) > 0);
        if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
            *last_call = info.entry.nr;
            entered++;
        }
    }
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return true;
}

/* The old or the new, never between; what is left is removed by the next. */
static void a_writer_killed_anywhere_leaves_a_whole_file(void **unused)
{
    bool was_left = false, before_rename = false;
    uint64_t call = 0;
    int n;

    (void)unused;
    for (n = 1; n < 100 && killed_before_call(n, &call); n++) {
        bool first = true;
        struct cs_state_file *file;

        was_left |= access(temporary, F_OK) == 0;
        file = open_file();
        assert_int_equal(access(temporary, F_OK), -1);
        first = holds(file, FIRST);
        if (!first && !holds(file, SECOND))
            fail_msg("killed before call %d: neither", n);
        before_rename |= call == SYS_renameat || call == SYS_renameat2;
        if (!before_rename || call == SYS_renameat || call == SYS_renameat2)
            assert_true(first);
        cs_state_file_close(file);
    }
    assert_true(n > 6 && n < 100);
    assert_true(was_left && before_rename);
}

static int on_a_disk_that_hangs(void)
{
    struct cs_state_file *file;
    uint64_t start_ns;
    int listener;

    if (cs_state_file_open(directory, &file) < 0 || write_text(file, FIRST) < 0)
        return 1;
    listener = trap(SYS_fsync);
    if (listener < 0)
        return 2;
    start_ns = cs_monotonic_ns();
    if (cs_state_file_save(file, SECOND, strlen(SECOND)) < 0)
        return 3;
    if (cs_state_file_wait(file, CS_NSEC_PER_SEC / 5) != -EAGAIN ||
        cs_state_file_save(file, SECOND, strlen(SECOND)) != -EAGAIN || !holds(file, FIRST))
        return 4;
    if (cs_monotonic_ns() - start_ns > 5 * CS_NSEC_PER_SEC)
        return 5;
    /* the file's, then the directory's */
    if (!answer(listener) || !answer(listener))
        return 6;
    if (cs_state_file_wait(file, 10 * CS_NSEC_PER_SEC) != 0 || !holds(file, SECOND))
        return 7;
    /* and one that never comes back does not keep us */
    if (cs_state_file_save(file, FIRST, strlen(FIRST)) < 0)
        return 8;
    cs_state_file_close(file);
    return 0;
}

static void a_disk_that_hangs_keeps_nobody_waiting(void **unused)
{
    (void)unused;
    in_child(on_a_disk_that_hangs);
}

/* What is held open by the child would be held for as long as it hangs: only the directory. */
static int without_descriptors(void)
{
    struct cs_state_file *file;
    int ends[2], listener;
    char byte;

    if (cs_state_file_open(directory, &file) < 0 || pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
        return 1;
    listener = trap(SYS_fsync);
    if (listener < 0 || cs_state_file_save(file, FIRST, strlen(FIRST)) < 0)
        return 2;
    if (poll(&(struct pollfd){.fd = listener, .events = POLLIN}, 1, 10000) != 1)
        return 3;
    close(ends[1]);
    /* end of file: nobody else has the writing end */
    return read(ends[0], &byte, 1) == 0 ? 0 : 4;
}

static void the_child_holds_nothing_open(void **unused)
{
    (void)unused;
    in_child(without_descriptors);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_is_private_and_replaced_as_a_whole),
        TEST(one_holds_it_at_a_time),
        TEST(what_is_no_plain_file_is_refused_and_can_be_put_aside),
        TEST(a_link_in_the_way_of_writing_is_not_followed),
        TEST(a_save_goes_on_beside_the_caller),
        TEST(a_full_disk_leaves_the_file_as_it_was),
        TEST(a_read_only_disk_can_be_read),
        TEST(a_writer_killed_anywhere_leaves_a_whole_file),
        TEST(a_disk_that_hangs_keeps_nobody_waiting),
        TEST(the_child_holds_nothing_open),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
