/* SPDX-License-Identifier: Apache-2.0 */
#include "base/util.h"
#include "io/process_stats.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static void agrees_with_the_kernel(void **unused)
{
    struct cs_process_stats before, after;
    struct timespec now;
    uint64_t age;
    int fd;

    (void)unused;
    assert_int_equal(cs_process_stats_read(&before), 0);
    fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_int_equal(cs_process_stats_read(&after), 0);
    close(fd);
    assert_int_equal(after.open_fds, before.open_fds + 1);
    assert_true(after.max_fds >= after.open_fds);
    assert_true(after.cpu_ns >= before.cpu_ns);
    assert_true(after.virtual_bytes >= after.resident_bytes);
    assert_true(after.resident_bytes >= after.anonymous_bytes);
    assert_true(after.anonymous_bytes > 0);
    clock_gettime(CLOCK_REALTIME, &now);
    age = (uint64_t)now.tv_sec * CS_NSEC_PER_SEC + (uint64_t)now.tv_nsec - after.start_ns;
    assert_true(age < 60 * CS_NSEC_PER_SEC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(agrees_with_the_kernel)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
