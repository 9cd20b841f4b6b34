/* SPDX-License-Identifier: Apache-2.0 */
/* The server against real, partly unfriendly, clients over loopback and Unix sockets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http_client.h"

#include <sys/un.h>

#define BIG (2u << 20)

static struct cs_http_server *server;
static uint16_t port;
static struct answer *answer;

static void serve_hello(void *data, const struct cs_http_request *request,
                        struct cs_http_response *response)
{
    const char *name = cs_http_request_query(request, "name");

    response->content_type = "text/plain";
    cs_buffer_init(&response->body, 1024);
    cs_buffer_add_format(&response->body, "%s, %s; accept %s\n", (const char *)data,
                         name ? name : "nobody", request->accept ? request->accept : "-");
}

static ssize_t read_big(void *data, char *to, size_t max)
{
    size_t *left = data;
    size_t n = max < *left ? max : *left;

    if (*left == 4242) /* asked to fail */
        return -EIO;
    memset(to, 'b', n);
    *left -= n;
    return (ssize_t)n;
}

static void serve_stream(void *data, const struct cs_http_request *request,
                         struct cs_http_response *response)
{
    size_t *left = malloc(sizeof(*left));

    (void)data;
    *left = cs_http_request_query(request, "fail") ? 4242 : BIG;
    response->content_type = "application/octet-stream";
    response->stream.read = read_big;
    response->stream.done = free;
    response->stream.data = left;
}

static const struct cs_http_route ROUTES[] = {
    {"/hello", serve_hello}, {"/stream", serve_stream}, {NULL, NULL}};

static int set_up(void **unused)
{
    int fd = listen_local(&port);

    (void)unused;
    answer = malloc(sizeof(*answer));
    return cs_http_server_new(fd, ROUTES, "hello", &server);
}

static int tear_down(void **unused)
{
    (void)unused;
    cs_http_server_free(server);
    free(answer);
    return 0;
}

static void answers(void **unused)
{
    static const struct {
        const char *method, *path, *headers;
        unsigned int status;
        const char *header, *body;
    } cases[] = {
        {"GET", "/hello", "", 200, "Content-Length: 24", "hello, nobody; accept -\n"},
        {"GET", "/hello?name=a%20b&x=1", "Accept: x/y\r\n", 200, "Content-Type: text/plain",
         "hello, a b; accept x/y\n"},
        {"HEAD", "/hello", "", 200, "Content-Length: 24", ""},
        {"HEAD", "/stream", "", 200, "X-Content-Type-Options: nosniff", ""},
        {"GET", "/", "", 404, "Content-Type: text/plain; charset=utf-8",
         "404 nothing at this path; here are: /hello /stream\n"},
        {"GET", "/hello/", "", 404, NULL, "404 nothing at this path; here are: /hello /stream\n"},
        {"GET", "/%68ello", "", 200, NULL, "hello, nobody; accept -\n"},
        {"HEAD", "/no", "", 404, NULL, ""},
        {"DELETE", "/hello", "", 405, "Allow: GET, HEAD",
         "405 only GET and HEAD; here are: /hello /stream\n"},
        {"POST", "/hello", "Content-Length: 0\r\n", 405, "Allow: GET, HEAD",
         "405 only GET and HEAD; here are: /hello /stream\n"},
        {"OPTIONS", "*", "", 405, "Allow: GET, HEAD", NULL},
        {"G\x01T", "/hello", "", 405, NULL, NULL},
    };

    (void)unused;
    for (size_t i = 0; i < CS_ARRAY_SIZE(cases); i++) {
        fetch(server, port, cases[i].method, cases[i].path, cases[i].headers, answer);
        if (status_of(answer) != cases[i].status ||
            (cases[i].header && !has_header(answer, cases[i].header)) ||
            (cases[i].body && strcmp(answer->body, cases[i].body) != 0))
            fail_msg("%s %s: %s", cases[i].method, cases[i].path, answer->text);
        assert_true(has_header(answer, "Cache-Control: no-store"));
    }
    assert_int_equal(cs_http_server_stats(server).requests, CS_ARRAY_SIZE(cases));
    assert_int_equal(cs_http_server_stats(server).refused, 7);
}

static void connections_are_kept_and_pipelined(void **unused)
{
    static const char requests[] = "GET /hello?name=1 HTTP/1.1\r\nHost: x\r\n\r\n"
                                   "GET /hello?name=2 HTTP/1.1\r\nHost: x\r\n\r\n";
    int fd = client_connect(port, 1);

    (void)unused;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(send(fd, requests, sizeof(requests) - 1, 0), sizeof(requests) - 1);
        client_read(server, fd, true, answer);
        assert_false(answer->closed);
        assert_non_null(strstr(answer->text, "hello, 1"));
        assert_non_null(strstr(answer->text, "hello, 2"));
    }
    assert_int_equal(cs_http_server_stats(server).connections, 1);
    close(fd);
}

static void streams_arrive_whole(void **unused)
{
    size_t count = 0;

    (void)unused;
    fetch(server, port, "GET", "/stream", "", answer);
    assert_int_equal(status_of(answer), 200);
    for (size_t i = 0; i < answer->len; i++)
        count += answer->text[i] == 'b';
    assert_true(count >= BIG && count < BIG + 4000); /* chunk sizes are in hex */
    assert_string_equal(answer->text + answer->len - 5, "0\r\n\r\n");
    /* one that fails is cut, not ended */
    fetch(server, port, "GET", "/stream?fail=1", "", answer);
    assert_null(strstr(answer->text, "0\r\n\r\n"));
}

/* What is no request is refused or cut, and the next client is served. */
static void rubbish(void **unused)
{
    static const struct {
        const char *text;
        size_t repeat; /* of 1 KiB of 'x' after the text */
    } cases[] = {
        {"\x16\x03\x01\x02\x05\x01\r\n\r\n", 0},
        {"\r\n\r\n\r\n", 0},
        {"GET /hello HTTP/9.9\r\n\r\n", 0},
        {"GET\r\n\r\n", 0},
        {"GET /hello HTTP/1.1\r\nHost: x\r\nNo-Colon\r\n\r\n", 0},
        {"GET /hello HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 0},
        {"GET /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n", 0},
        {"GET /hello HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n", 0},
        {"GET /hello HTTP/1.1\r\nHost: x\r\nLong: ", 64},
        {"GET /hello?", 64},
        {"", 64},
    };
    static char filler[1025];

    (void)unused;
    memset(filler, 'x', 1024);
    for (size_t i = 0; i < CS_ARRAY_SIZE(cases); i++) {
        int fd = client_connect(port, 1);

        send(fd, cases[i].text, strlen(cases[i].text), 0);
        for (size_t k = 0; k < cases[i].repeat; k++)
            send(fd, filler, 1024, MSG_DONTWAIT | MSG_NOSIGNAL);
        shutdown(fd, SHUT_WR);
        client_read(server, fd, true, answer);
        assert_null(strstr(answer->text, "HTTP/1.1 500"));
        close(fd);
        fetch(server, port, "GET", "/hello", "", answer);
        assert_int_equal(status_of(answer), 200);
    }
    /* libmicrohttpd waits for the rest of some of them: not for ever */
    for (int i = 0; i < 20; i++)
        turn(server, (CS_HTTP_REQUEST_SECONDS + 1) * CS_NSEC_PER_SEC);
    assert_int_equal(cs_http_server_stats(server).connections, 0);
}

/* One address can't take all connections: another one still gets its answer. */
static void one_address_can_not_take_all(void **unused)
{
    int fds[3 * CS_HTTP_PER_ADDRESS], other;
    unsigned int open = 0;

    (void)unused;
    for (size_t i = 0; i < CS_ARRAY_SIZE(fds); i++) {
        fds[i] = client_connect(port, 1);
        turn(server, 0);
    }
    for (int i = 0; i < 50; i++)
        turn(server, 0);
    assert_int_equal(cs_http_server_stats(server).connections, CS_HTTP_PER_ADDRESS);
    for (size_t i = 0; i < CS_ARRAY_SIZE(fds); i++) {
        char byte;

        open += recv(fds[i], &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN;
    }
    assert_int_equal(open, CS_HTTP_PER_ADDRESS);
    other = client_connect(port, 2);
    assert_true(send(other, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n", 33, 0) == 33);
    client_read(server, other, true, answer);
    assert_int_equal(status_of(answer), 200);
    close(other);
    for (size_t i = 0; i < CS_ARRAY_SIZE(fds); i++)
        close(fds[i]);
}

/* Run as the loop does: only when the descriptor is readable or a time-out is due. */
static void run_when_ready(void)
{
    for (int i = 0; i < 100; i++) {
        struct pollfd ready = {.fd = cs_http_server_fd(server), .events = POLLIN};
        uint64_t timeout = cs_http_server_timeout(server);

        if (poll(&ready, 1, timeout < 50 * CS_NSEC_PER_MSEC ? (int)(timeout / 1000000) : 50) <= 0 &&
            timeout > 50 * CS_NSEC_PER_MSEC)
            return;
        cs_http_server_run(server, clock_ns());
    }
}

/* A full house, those that wait at the door included, all of which go: then there is room. */
static void recovers_from_a_full_house(void **unused)
{
    int fds[CS_HTTP_CONNECTIONS + 20], other;

    (void)unused;
    for (size_t i = 0; i < CS_ARRAY_SIZE(fds); i++) {
        fds[i] = client_connect(port, 10 + (unsigned int)i / 4);
        run_when_ready();
    }
    assert_int_equal(cs_http_server_stats(server).connections, CS_HTTP_CONNECTIONS);
    for (size_t i = 0; i < CS_ARRAY_SIZE(fds); i++)
        close(fds[i]);
    run_when_ready();
    other = client_connect(port, 2);
    assert_true(send(other, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n", 33, 0) == 33);
    run_when_ready();
    assert_true(recv(other, answer, 12, MSG_DONTWAIT) == 12);
    close(other);
}

/* However busily a client drips: without a whole request it is cut after 30 s. */
static void slow_clients_are_cut(void **unused)
{
    int slow = client_connect(port, 1), idle = client_connect(port, 1);
    uint64_t timeout;

    (void)unused;
    send(slow, "GET /hel", 8, 0);
    turn(server, 0);
    turn(server, 0);
    timeout = cs_http_server_timeout(server);
    assert_true(timeout <= CS_HTTP_REQUEST_SECONDS * CS_NSEC_PER_SEC);
    for (uint64_t second = 1; second < CS_HTTP_REQUEST_SECONDS; second++) {
        send(slow, "l", 1, 0);
        turn(server, second * CS_NSEC_PER_SEC);
    }
    assert_int_equal(cs_http_server_stats(server).cut, 0);
    assert_int_equal(cs_http_server_stats(server).connections, 2);
    for (int i = 0; i < 20; i++)
        turn(server, (CS_HTTP_REQUEST_SECONDS + 1) * CS_NSEC_PER_SEC);
    assert_int_equal(cs_http_server_stats(server).cut, 2);
    assert_int_equal(cs_http_server_stats(server).connections, 0);
    client_read(server, slow, false, answer);
    assert_true(answer->closed);
    fetch(server, port, "GET", "/hello", "", answer);
    assert_int_equal(status_of(answer), 200);
    close(slow);
    close(idle);
}

/* A reader that never reads its answer does not keep others from theirs. */
static void a_reader_that_does_not_read(void **unused)
{
    int fd = client_connect(port, 1), size = 4096;

    (void)unused;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    assert_true(send(fd, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n", 34, 0) == 34);
    for (int i = 0; i < 20; i++)
        turn(server, 0);
    for (int i = 0; i < 3; i++) {
        fetch(server, port, "GET", "/hello", "", answer);
        assert_int_equal(status_of(answer), 200);
    }
    for (int i = 0; i < 20; i++)
        turn(server, (CS_HTTP_REQUEST_SECONDS + 1) * CS_NSEC_PER_SEC);
    assert_int_equal(cs_http_server_stats(server).cut, 1);
    close(fd);
}

static void a_busy_port_is_told(void **unused)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in foreign = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(0xC0000201)}; /* 192.0.2.1 */

    (void)unused;
    assert_int_equal(cs_http_listen((struct sockaddr *)&address, sizeof(address), false),
                     -EADDRINUSE);
    assert_int_equal(cs_http_listen((struct sockaddr *)&foreign, sizeof(foreign), false),
                     -EADDRNOTAVAIL);
}

static void any_address_serves_both_families(void **unused)
{
    struct sockaddr_in6 any = {.sin6_family = AF_INET6};
    struct cs_http_server *both;
    uint16_t at;
    int fd = cs_http_listen((struct sockaddr *)&any, sizeof(any), true);

    (void)unused;
    assert_true(fd >= 0);
    at = cs_http_listen_port(fd);
    assert_int_equal(cs_http_server_new(fd, ROUTES, "both", &both), 0);
    fetch(both, at, "GET", "/hello", "", answer); /* over IPv4 */
    assert_int_equal(status_of(answer), 200);
    cs_http_server_free(both);
}

static void unix_sockets_are_served(void **unused)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "\0credscope-test-http"};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), client;
    struct cs_http_server *local;

    (void)unused;
    snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "credscope-test-%d", getpid());
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 4), 0);
    assert_int_equal(cs_http_server_new(fd, ROUTES, "local", &local), 0);
    client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_true(send(client, "GET /hello HTTP/1.0\r\n\r\n", 23, 0) == 23);
    client_read(local, client, false, answer);
    assert_non_null(strstr(answer->text, "local, nobody"));
    close(client);
    cs_http_server_free(local);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(answers),
        TEST(connections_are_kept_and_pipelined),
        TEST(streams_arrive_whole),
        TEST(rubbish),
        TEST(one_address_can_not_take_all),
        TEST(recovers_from_a_full_house),
        TEST(slow_clients_are_cut),
        TEST(a_reader_that_does_not_read),
        TEST(a_busy_port_is_told),
        TEST(any_address_serves_both_families),
        TEST(unix_sockets_are_served),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
