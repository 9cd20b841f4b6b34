/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cleanup.h"
#include "base/util.h"
#include "io/log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cmocka.h>

static char directory[64], path[96], old_path[100];

static int set_up(void **unused)
{
    (void)unused;
    strcpy(directory, "/tmp/credscope-log-XXXXXX");
    if (!mkdtemp(directory))
        return -1;
    snprintf(path, sizeof(path), "%s/events", directory);
    snprintf(old_path, sizeof(old_path), "%s.1", path);
    return 0;
}

static int tear_down(void **unused)
{
    (void)unused;
    unlink(path);
    unlink(old_path);
    return rmdir(directory);
}

static struct cs_log_file *open_log(uint64_t max_bytes)
{
    struct cs_log_file *log;

    assert_int_equal(cs_log_file_open(path, max_bytes, &log), 0);
    return log;
}

static void add(struct cs_log_file *log, const char *line)
{
    cs_log_file_add(log, line, strlen(line));
}

/* Everything in a file, NUL-terminated; free it. */
static char *contents(const char *name)
{
    _cleanup_fclose_ FILE *file = fopen(name, "r");
    char *text = calloc(1, 4u << 20);

    assert_non_null(file);
    assert_true(fread(text, 1, (4u << 20) - 1, file) < (4u << 20) - 1);
    return text;
}

static void assert_contents(const char *name, const char *expected)
{
    _cleanup_free_ char *text = contents(name);

    assert_string_equal(text, expected);
}

static void lines_are_appended_to_a_private_file(void **unused)
{
    struct cs_log_file *log = open_log(0);
    struct stat status;

    (void)unused;
    add(log, "{\"a\":1}");
    assert_contents(path, ""); /* nothing before the flush */
    assert_int_equal(cs_log_file_flush(log), 0);
    add(log, "{\"a\":2}");
    cs_log_file_close(log);
    log = open_log(0);
    add(log, "{\"a\":3}");
    cs_log_file_close(log);
    assert_contents(path, "{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n");
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
}

static void symbolic_links_and_directories_are_refused(void **unused)
{
    struct cs_log_file *log = NULL;

    (void)unused;
    assert_int_equal(symlink("/tmp/credscope-must-not-appear", path), 0);
    assert_int_equal(cs_log_file_open(path, 0, &log), -ELOOP);
    assert_int_equal(access("/tmp/credscope-must-not-appear", F_OK), -1);
    unlink(path);
    assert_int_equal(cs_log_file_open(directory, 0, &log), -EISDIR);
    assert_int_equal(cs_log_file_open("/no/such/directory/events", 0, &log), -ENOENT);
    assert_null(log);
}

/* Every line is in one of the two files, whole and once, and neither exceeds the maximum. */
static void rotation_keeps_whole_lines_within_the_bound(void **unused)
{
    const uint64_t max = 64u << 10;
    struct cs_log_file *log = open_log(max);
    _cleanup_free_ char *text = NULL, *older = NULL;
    struct stat status;
    unsigned int first = 0, n;
    char line[101];

    (void)unused;
    for (n = 0; n < 3000; n++) {
        snprintf(line, sizeof(line), "%06u %.*s", n, (int)(n % 90),
                 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
                 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
        add(log, line);
        if (n % 7 == 0)
            assert_int_equal(cs_log_file_flush(log), 0);
    }
    assert_int_equal(cs_log_file_flush(log), 0);
    assert_true(cs_log_file_stats(log).rotations >= 2);
    assert_int_equal(cs_log_file_stats(log).lost, 0);
    assert_int_equal(stat(path, &status), 0);
    assert_true(status.st_size > 0 && (uint64_t)status.st_size <= max);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_int_equal(stat(old_path, &status), 0);
    assert_true((uint64_t)status.st_size <= max && (uint64_t)status.st_size > max - 110);
    older = contents(old_path);
    text = contents(path);
    assert_int_equal(sscanf(older, "%6u", &first), 1);
    for (char *at = older; first < n; first++) {
        unsigned int number;

        if (*at == '\0')
            at = text;
        assert_int_equal(sscanf(at, "%6u ", &number), 1);
        assert_int_equal(number, first);
        assert_int_equal(strcspn(at, "\n"), 7 + number % 90);
        at += 7 + number % 90 + 1;
    }
    cs_log_file_close(log);
}

static void a_line_longer_than_the_file_may_be_stands_alone(void **unused)
{
    struct cs_log_file *log = open_log(10);

    (void)unused;
    add(log, "0123456789ABCDEF");
    add(log, "x");
    add(log, "y");
    assert_int_equal(cs_log_file_flush(log), 0);
    assert_contents(path, "x\ny\n");
    assert_contents(old_path, "0123456789ABCDEF\n");
    cs_log_file_close(log);
}

static void reopening_follows_the_path(void **unused)
{
    struct cs_log_file *log = open_log(0);

    (void)unused;
    add(log, "before");
    assert_int_equal(rename(path, old_path), 0);
    assert_int_equal(cs_log_file_reopen(log), 0);
    add(log, "after");
    assert_int_equal(cs_log_file_flush(log), 0);
    assert_contents(old_path, "before\n");
    assert_contents(path, "after\n");
    /* what can't be opened leaves the old one in use */
    unlink(path);
    assert_int_equal(symlink("/tmp/credscope-must-not-appear", path), 0);
    assert_int_equal(cs_log_file_reopen(log), -ELOOP);
    add(log, "still");
    assert_int_equal(cs_log_file_flush(log), 0);
    assert_int_equal(cs_log_file_stats(log).bytes, 7 + 6 + 6);
    cs_log_file_close(log);
}

/* logrotate moved the file and made a new one: that one is not ours to rename. */
static void rotation_leaves_others_files_alone(void **unused)
{
    struct cs_log_file *log = open_log(20);
    char kept[110];

    (void)unused;
    snprintf(kept, sizeof(kept), "%s.moved", path);
    add(log, "0123456789");
    assert_int_equal(cs_log_file_flush(log), 0);
    assert_int_equal(rename(path, kept), 0);
    add(log, "0123456789");
    assert_int_equal(cs_log_file_flush(log), 0);
    assert_int_equal(access(old_path, F_OK), -1);
    assert_contents(path, "0123456789\n");
    cs_log_file_close(log);
    unlink(kept);
}

/* A disk that is full in the middle of a line, by the limit on a file's size. */
static void a_full_disk_costs_lines_but_never_half_of_one(void **unused)
{
    struct rlimit limit, small;
    struct cs_log_file *log = open_log(0);
    _cleanup_free_ char *text = NULL;
    struct cs_log_file_stats stats;
    char line[1001];

    (void)unused;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    small = limit;
    small.rlim_cur = 1500;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    memset(line, 'x', 1000);
    line[1000] = '\0';
    add(log, line);
    add(log, line);
    assert_int_equal(cs_log_file_flush(log), -EFBIG);
    for (int i = 0; i < 100; i++) {
        add(log, line);
        assert_int_equal(cs_log_file_flush(log), 0); /* reported once */
    }
    stats = cs_log_file_stats(log);
    assert_int_equal(stats.lines + stats.lost, 102);
    assert_true(stats.lost > 30 && stats.errors > 100);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    assert_int_equal(cs_log_file_flush(log), 0);
    text = contents(path);
    assert_int_equal(strlen(text), stats.lines * 1001);
    for (size_t i = 0; text[i] != '\0'; i++)
        assert_int_equal(text[i], i % 1001 == 1000 ? '\n' : 'x');
    cs_log_file_close(log);
    signal(SIGXFSZ, SIG_DFL);
}

/* Half a line is out and its file is full: it is completed before the next file begins. */
static void rotation_waits_for_the_end_of_a_line(void **unused)
{
    struct cs_log_file *log = open_log(1000);
    struct rlimit limit, small;
    _cleanup_free_ char *text = NULL;
    char line[1501];

    (void)unused;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    small = limit;
    small.rlim_cur = 1200;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    memset(line, 'x', 1500);
    line[1500] = '\0';
    add(log, line);
    assert_int_equal(cs_log_file_flush(log), -EFBIG);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    add(log, "next");
    assert_int_equal(cs_log_file_flush(log), 0);
    text = contents(old_path);
    assert_int_equal(strlen(text), 1501);
    assert_int_equal(text[1500], '\n');
    assert_contents(path, "next\n");
    cs_log_file_close(log);
    signal(SIGXFSZ, SIG_DFL);
}

/* … and where it can't be completed, since the file is closed or moved away, the half goes. */
static void no_half_line_is_left_behind(void **unused)
{
    struct rlimit limit, small;

    (void)unused;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    small = limit;
    small.rlim_cur = 10;
    for (int reopen = 0; reopen < 2; reopen++) {
        struct cs_log_file *log = open_log(0);

        assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
        add(log, "whole");
        add(log, "cut off");
        assert_int_equal(cs_log_file_flush(log), -EFBIG);
        if (reopen) {
            assert_int_equal(rename(path, old_path), 0);
            assert_int_equal(cs_log_file_reopen(log), 0);
            assert_int_equal(cs_log_file_stats(log).lost, 1);
            assert_contents(old_path, "whole\n");
        }
        cs_log_file_close(log);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
        assert_contents(path, reopen ? "" : "whole\n");
        unlink(path);
    }
    signal(SIGXFSZ, SIG_DFL);
}

static void give_stdout(int fd)
{
    assert_int_equal(dup2(fd, STDOUT_FILENO), STDOUT_FILENO);
    close(fd);
}

/* A reader that does not read costs lines; one that reads again gets whole ones. */
static void slow_reader(int reading, int writing)
{
    int kept = dup(STDOUT_FILENO);
    struct cs_log_file *log;
    struct cs_log_file_stats stats;
    char line[5000], buffer[4096];
    size_t bytes = 0;
    ssize_t n;

    fflush(stdout);
    give_stdout(writing);
    memset(line, 'x', sizeof(line));
    assert_int_equal(cs_log_file_open("-", 0, &log), 0);
    for (int i = 0; i < 200; i++) {
        cs_log_file_add(log, line, sizeof(line));
        assert_int_equal(cs_log_file_flush(log), 0);
    }
    stats = cs_log_file_stats(log);
    assert_true(stats.lost > 0 && stats.waiting > 0);
    assert_int_equal(stats.lines + stats.lost, 200);
    fcntl(reading, F_SETFL, O_NONBLOCK);
    for (int round = 0; round < 1000; round++) {
        while ((n = read(reading, buffer, sizeof(buffer))) > 0) {
            for (ssize_t i = 0; i < n; i++, bytes++)
                assert_int_equal(buffer[i], bytes % 5001 == 5000 ? '\n' : 'x');
        }
        assert_int_equal(cs_log_file_flush(log), 0);
    }
    assert_int_equal(bytes, stats.lines * 5001);
    /* and one that is gone is an error, once */
    close(reading);
    cs_log_file_add(log, line, sizeof(line));
    assert_true(cs_log_file_flush(log) < 0);
    cs_log_file_add(log, line, sizeof(line));
    assert_int_equal(cs_log_file_flush(log), 0);
    assert_int_equal(cs_log_file_stats(log).lost, stats.lost + 2);
    assert_int_equal(cs_log_file_stats(log).waiting, 0);
    cs_log_file_close(log);
    give_stdout(kept);
}

static void a_slow_pipe_never_stops_the_writer(void **unused)
{
    int fds[2];

    (void)unused;
    signal(SIGPIPE, SIG_IGN);
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    slow_reader(fds[0], fds[1]);
}

static void nor_does_a_slow_socket(void **unused)
{
    int fds[2];

    (void)unused;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    slow_reader(fds[0], fds[1]);
}

static void a_fifo_without_reader_is_refused_at_once(void **unused)
{
    struct cs_log_file *log;

    (void)unused;
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(cs_log_file_open(path, 0, &log), -ENXIO);
}

static void a_line_that_can_never_fit_is_lost(void **unused)
{
    struct cs_log_file *log = open_log(0);
    _cleanup_free_ char *line = calloc(1, CS_LOG_FILE_BUFFER);

    (void)unused;
    cs_log_file_add(log, line, CS_LOG_FILE_BUFFER);
    assert_int_equal(cs_log_file_stats(log).lost, 1);
    cs_log_file_add(log, line, CS_LOG_FILE_BUFFER - 1);
    assert_int_equal(cs_log_file_stats(log).lost, 1);
    cs_log_file_close(log);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(lines_are_appended_to_a_private_file),
        TEST(symbolic_links_and_directories_are_refused),
        TEST(rotation_keeps_whole_lines_within_the_bound),
        TEST(a_line_longer_than_the_file_may_be_stands_alone),
        TEST(reopening_follows_the_path),
        TEST(rotation_leaves_others_files_alone),
        TEST(a_full_disk_costs_lines_but_never_half_of_one),
        TEST(rotation_waits_for_the_end_of_a_line),
        TEST(no_half_line_is_left_behind),
        TEST(a_slow_pipe_never_stops_the_writer),
        TEST(nor_does_a_slow_socket),
        TEST(a_fifo_without_reader_is_refused_at_once),
        TEST(a_line_that_can_never_fit_is_lost),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
