/* SPDX-License-Identifier: Apache-2.0 */
/* A directory that answers late, never, or with an error. Root, for mounts. */
#include "base/cleanup.h"
#include "io/state_file.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "hanging_disk.h"

static char top[64], directory[80];

static int set_up(void **unused)
{
    (void)unused;
    strcpy(top, "/tmp/credscope-probe-XXXXXX");
    if (!mkdtemp(top))
        return -1;
    snprintf(directory, sizeof(directory), "%s/a/b", top);
    return 0;
}

static int tear_down(void **unused)
{
    char command[128];

    (void)unused;
    snprintf(command, sizeof(command), "rm -rf %s", top);
    return system(command);
}

static void a_directory_that_answers_is_made(void **unused)
{
    struct cs_state_file *file = NULL;
    pid_t child = 0;

    (void)unused;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(cs_state_file_probe(directory, &child, 10 * CS_NSEC_PER_SEC), 0);
        assert_int_equal(child, 0);
        assert_int_equal(access(directory, F_OK), 0);
    }
    /* what it held is let go */
    assert_int_equal(cs_state_file_open(directory, &file), 0);
    assert_int_equal(cs_state_file_probe(directory, &child, 10 * CS_NSEC_PER_SEC), 0);
    cs_state_file_close(file);
}

static void says_why_it_cannot_be_had(void **unused)
{
    pid_t child = 0;

    (void)unused;
    assert_int_equal(cs_state_file_probe("/proc/self/status/x", &child, 10 * CS_NSEC_PER_SEC),
                     -ENOTDIR);
    assert_int_equal(child, 0);
}

static int on_a_disk_that_hangs(void)
{
    uint64_t start_ns = cs_monotonic_ns();
    int ends[2], listener = trap(SYS_openat);
    pid_t child = 0, first;
    char byte;

    if (listener < 0 || pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
        return 1;
    if (cs_state_file_probe(top, &child, CS_NSEC_PER_SEC / 5) != -EAGAIN || child == 0)
        return 2;
    if (cs_monotonic_ns() - start_ns > 5 * CS_NSEC_PER_SEC)
        return 3;
    /* the same child is asked again, and holds nothing of ours open */
    first = child;
    if (cs_state_file_probe(top, &child, 0) != -EAGAIN || child != first)
        return 4;
    close(ends[1]);
    if (read(ends[0], &byte, 1) != 0)
        return 5;
    /* the directory, then the file that isn't there */
    if (!answer(listener) || !answer(listener))
        return 6;
    return cs_state_file_probe(top, &child, 10 * CS_NSEC_PER_SEC) == 0 && child == 0 ? 0 : 7;
}

static void a_disk_that_hangs_keeps_nobody_waiting(void **unused)
{
    (void)unused;
    in_child(on_a_disk_that_hangs);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_directory_that_answers_is_made),
        TEST(says_why_it_cannot_be_had),
        TEST(a_disk_that_hangs_keeps_nobody_waiting),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
