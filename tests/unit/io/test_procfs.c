/* SPDX-License-Identifier: Apache-2.0 */
#include "io/procfs.h"

#include "base/file.h"
#include "base/util.h"
#include "core/attribute/cgroup_path.h"

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void reads_a_process(void **state)
{
    char path[PATH_MAX] = "", text[16384], small[1] = "k";
    struct cs_slice best;
    long len = cs_file_read("/proc/self/cgroup", text, sizeof(text));

    (void)state;
    assert_true(len > 0);
    assert_int_equal(cs_cgroup_lines_pick((struct cs_slice){text, (size_t)len}, &best), 0);
    assert_int_equal(cs_procfs_cgroup_path((uint32_t)getpid(), path, sizeof(path)), 0);
    assert_int_equal(strlen(path), best.len);
    assert_memory_equal(path, best.data, best.len);
    assert_int_equal(cs_procfs_cgroup_path((uint32_t)getpid(), small, sizeof(small)),
                     -ENAMETOOLONG);
    assert_int_equal(small[0], 'k');
}

static void says_that_a_process_is_gone(void **state)
{
    char path[PATH_MAX] = "kept";
    pid_t pid = fork();

    (void)state;
    if (pid == 0)
        _exit(0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(cs_procfs_cgroup_path((uint32_t)pid, path, sizeof(path)), -ESRCH);
    assert_string_equal(path, "kept");
}

static void reads_whole_files_only(void **state)
{
    char text[4096], version[4096];
    long len = cs_file_read("/proc/version", text, sizeof(text));

    (void)state;
    assert_true(len > 10 && text[len] == '\0' && text[len - 1] == '\n');
    assert_int_equal(cs_file_read("/proc/version", version, (size_t)len + 1), len);
    assert_int_equal(cs_file_read("/proc/version", version, (size_t)len), -EFBIG);
    assert_int_equal(cs_file_read("/proc/nonexistent", version, sizeof(version)), -ENOENT);
    assert_int_equal(cs_file_read("/proc", version, sizeof(version)), -EISDIR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_process),
        cmocka_unit_test(says_that_a_process_is_gone),
        cmocka_unit_test(reads_whole_files_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
