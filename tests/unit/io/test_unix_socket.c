/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cleanup.h"
#include "io/unix_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cmocka.h>

static char directory[64], path[96];

static int set_up(void **unused)
{
    (void)unused;
    strcpy(directory, "/tmp/credscope-sock-XXXXXX");
    if (!mkdtemp(directory))
        return -1;
    snprintf(path, sizeof(path), "%s/run/api.sock", directory);
    return 0;
}

static int tear_down(void **unused)
{
    char run[80];

    (void)unused;
    unlink(path);
    snprintf(run, sizeof(run), "%s/run", directory);
    rmdir(run);
    return rmdir(directory);
}

static int connect_to(const char *to)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    _cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    strcpy(address.sun_path, to);
    return connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
}

static void modes_are_exact_whatever_the_umask(void **unused)
{
    static const mode_t modes[] = {0600, 0660}, masks[] = {0, 022, 077, 0277};

    (void)unused;
    for (int i = 0; i < 8; i++) {
        mode_t before = umask(masks[i % 4]);
        struct cs_unix_socket listener;
        struct stat status;

        assert_int_equal(cs_unix_socket_listen(path, modes[i / 4], &listener), 0);
        umask(before);
        assert_int_equal(lstat(path, &status), 0);
        assert_true(S_ISSOCK(status.st_mode));
        assert_int_equal(status.st_mode & 07777, modes[i / 4]);
        assert_int_equal(connect_to(path), 0);
        assert_true(fcntl(listener.fd, F_GETFL) & O_NONBLOCK);
        assert_true(fcntl(listener.fd, F_GETFD) & FD_CLOEXEC);
        close(listener.fd);
        cs_unix_socket_remove(&listener);
        assert_int_equal(lstat(path, &status), -1);
    }
}

static void a_stale_socket_is_replaced(void **unused)
{
    struct cs_unix_socket first, second;

    (void)unused;
    assert_int_equal(cs_unix_socket_listen(path, 0600, &first), 0);
    close(first.fd);
    assert_int_equal(connect_to(path), -ECONNREFUSED);
    assert_int_equal(cs_unix_socket_listen(path, 0600, &second), 0);
    assert_int_equal(connect_to(path), 0);
    /* the first one's end does not take the second one's path away */
    cs_unix_socket_remove(&first);
    assert_int_equal(connect_to(path), 0);
    close(second.fd);
    cs_unix_socket_remove(&second);
    assert_int_equal(access(path, F_OK), -1);
}

static void a_living_one_is_not(void **unused)
{
    struct cs_unix_socket first, second = {.fd = 7};

    (void)unused;
    assert_int_equal(cs_unix_socket_listen(path, 0600, &first), 0);
    assert_int_equal(cs_unix_socket_listen(path, 0600, &second), -EADDRINUSE);
    assert_int_equal(second.fd, 7);
    assert_int_equal(connect_to(path), 0);
    close(first.fd);
    cs_unix_socket_remove(&first);
}

static void what_is_no_socket_stays(void **unused)
{
    struct cs_unix_socket listener;
    char target[100], run[80];
    struct stat status;

    (void)unused;
    snprintf(run, sizeof(run), "%s/run", directory);
    snprintf(target, sizeof(target), "%s/target", directory);
    assert_int_equal(mkdir(run, 0700), 0);
    close(creat(path, 0600));
    assert_int_equal(cs_unix_socket_listen(path, 0600, &listener), -EEXIST);
    assert_int_equal(lstat(path, &status), 0);
    unlink(path);
    assert_int_equal(symlink(target, path), 0);
    assert_int_equal(cs_unix_socket_listen(path, 0600, &listener), -EEXIST);
    assert_int_equal(lstat(target, &status), -1);
}

static void paths_that_can_not_be(void **unused)
{
    struct cs_unix_socket listener;
    char longest[109];

    (void)unused;
    memset(longest, 'x', sizeof(longest));
    memcpy(longest, "/tmp/", 5);
    longest[108] = '\0';
    assert_int_equal(cs_unix_socket_listen(longest, 0600, &listener), -ENAMETOOLONG);
    longest[107] = '\0';
    assert_int_equal(cs_unix_socket_listen(longest, 0600, &listener), 0);
    close(listener.fd);
    cs_unix_socket_remove(&listener);
    assert_int_equal(access(longest, F_OK), -1);
    assert_int_equal(cs_unix_socket_listen("", 0600, &listener), -EINVAL);
    assert_int_equal(cs_unix_socket_listen("/no/such/dir/x", 0600, &listener), -ENOENT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(modes_are_exact_whatever_the_umask),
        TEST(a_stale_socket_is_replaced),
        TEST(a_living_one_is_not),
        TEST(what_is_no_socket_stays),
        TEST(paths_that_can_not_be),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
