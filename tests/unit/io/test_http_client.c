/* SPDX-License-Identifier: Apache-2.0 */
/* The client against sockets that answer well, badly, slowly and not at all. */
#include "io/http_client.h"

#include "base/util.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <cmocka.h>

#define BODY_MAX 10000

static char directory[64], address[128];

static int set_up(void **unused)
{
    (void)unused;
    strcpy(directory, "/tmp/credscope-http-XXXXXX");
    if (!mkdtemp(directory))
        return -1;
    snprintf(address, sizeof(address), "unix:%s/api.sock", directory);
    return 0;
}

static int tear_down(void **unused)
{
    (void)unused;
    unlink(address + 5);
    return rmdir(directory);
}

/* A listening socket at the address. */
static int listening(void)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    strcpy(to.sun_path, address + 5);
    assert_int_equal(bind(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    assert_int_equal(listen(fd, 4), 0);
    return fd;
}

/* A child that answers one connection with this text, `extra` more bytes, and the end. */
static pid_t serve(const char *text, size_t extra)
{
    int fd = listening();
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        char request[2048];
        int peer = accept(fd, NULL, NULL);

        if (recv(peer, request, sizeof(request), 0) <= 0 || !strstr(request, "GET /x?y=1 HTTP/1.1"))
            _exit(1);
        send(peer, text, strlen(text), MSG_NOSIGNAL);
        for (size_t i = 0; i < extra; i++)
            if (send(peer, "x", 1, MSG_NOSIGNAL) < 0)
                break;
        _exit(0);
    }
    close(fd);
    return pid;
}

static struct cs_http_answer ask(struct cs_http_client *client)
{
    struct cs_http_answer answer = {0};

    assert_int_equal(cs_http_client_get(client, "/x?y=1"), 0);
    assert_int_equal(cs_http_client_wait(client, NULL, 0, 5000), 0);
    assert_true(cs_http_client_done(client, &answer));
    assert_false(cs_http_client_done(client, &answer));
    return answer;
}

static void says_what_came(void **unused)
{
    static const struct {
        const char *name, *text;
        size_t extra;
        int error;
        unsigned int status;
        const char *body;
    } cases[] = {
        {"an answer", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", 0, 0, 200, "{}"},
        {"an error of the server", "HTTP/1.1 500 No\r\nContent-Length: 1\r\n\r\nx", 0, 0, 500, "x"},
        {"until the end", "HTTP/1.1 200 OK\r\n\r\nabc", 0, 0, 200, "abc"},
        {"cut short", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", 0, -ECONNRESET, 200, NULL},
        {"nothing", "", 0, -ECONNRESET, 0, NULL},
        {"no HTTP", "SSH-2.0-OpenSSH\r\n", 0, -EPROTO, 0, NULL},
        {"too large", "HTTP/1.1 200 OK\r\n\r\n", BODY_MAX + 1, -EMSGSIZE, 200, NULL},
        {"a redirect is not followed",
         "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", 0, 0,
         302, ""},
    };

    (void)unused;
    for (size_t i = 0; i < CS_ARRAY_SIZE(cases); i++) {
        _cleanup_http_client_ struct cs_http_client *client = NULL;
        pid_t pid = serve(cases[i].text, cases[i].extra);
        struct cs_http_answer answer;
        int status;

        assert_int_equal(cs_http_client_new(address, BODY_MAX, &client), 0);
        answer = ask(client);
        waitpid(pid, &status, 0);
        assert_int_equal(status, 0);
        unlink(address + 5);
        if (answer.error != cases[i].error || answer.status != cases[i].status)
            fail_msg("%s: %s, status %u", cases[i].name, strerror(-answer.error), answer.status);
        if (!cases[i].body)
            continue;
        assert_int_equal(answer.body->len, strlen(cases[i].body));
        assert_memory_equal(answer.body->data ? answer.body->data : "", cases[i].body,
                            answer.body->len);
    }
}

static void says_why_there_is_no_connection(void **unused)
{
    _cleanup_http_client_ struct cs_http_client *client = NULL;
    int fd, status;
    pid_t pid;

    (void)unused;
    assert_int_equal(cs_http_client_new(address, BODY_MAX, &client), 0);
    assert_int_equal(ask(client).error, -ENOENT);
    fd = listening();
    close(fd); /* the name stays */
    assert_int_equal(ask(client).error, -ECONNREFUSED);
    unlink(address + 5);
    fd = listening();
    chmod(address + 5, 0600);
    pid = fork();
    if (pid == 0) /* root may connect whatever the mode */
        _exit(chmod(directory, 0711) < 0 || setuid(65534) < 0 || ask(client).error != -EACCES);
    waitpid(pid, &status, 0);
    close(fd);
    assert_int_equal(status, 0);
    cs_http_client_free(&client);
    assert_int_equal(cs_http_client_new("127.0.0.1:1", BODY_MAX, &client), 0);
    assert_int_equal(ask(client).error, -ECONNREFUSED);
}

/* While an answer is awaited, other things can happen. */
static void waits_for_others_too(void **unused)
{
    _cleanup_http_client_ struct cs_http_client *client = NULL;
    uint64_t begin_ns = cs_monotonic_ns();
    struct pollfd fd = {.events = POLLIN};
    struct cs_http_answer answer;
    int listener = listening(), ends[2];

    (void)unused;
    assert_int_equal(pipe(ends), 0);
    fd.fd = ends[0];
    assert_int_equal(cs_http_client_new(address, BODY_MAX, &client), 0);
    assert_int_equal(cs_http_client_get(client, "/"), 0);
    assert_int_equal(cs_http_client_wait(client, &fd, 1, 100), 0); /* nobody answers */
    assert_int_equal(fd.revents, 0);
    assert_true(cs_monotonic_ns() - begin_ns >= 100 * CS_NSEC_PER_MSEC);
    assert_int_equal(write(ends[1], "q", 1), 1);
    assert_int_equal(cs_http_client_wait(client, &fd, 1, 5000), 0);
    assert_int_equal(fd.revents, POLLIN);
    assert_false(cs_http_client_done(client, &answer));
    close(ends[0]);
    close(ends[1]);
    close(listener);
    assert_true(cs_monotonic_ns() - begin_ns < 3 * CS_NSEC_PER_SEC);
}

static void refuses_a_long_path(void **unused)
{
    struct cs_http_client *client = NULL;
    char path[256] = "unix:/";

    (void)unused;
    memset(path + 6, 'x', sizeof(path) - 7);
    assert_int_equal(cs_http_client_new(path, BODY_MAX, &client), -ENAMETOOLONG);
    assert_null(client);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(says_what_came),
        TEST(says_why_there_is_no_connection),
        TEST(waits_for_others_too),
        TEST(refuses_a_long_path),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
