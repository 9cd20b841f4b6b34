/* SPDX-License-Identifier: Apache-2.0 */
/* A client that turns the server's loop while it waits. Include after cmocka.h. */
#ifndef CS_TESTS_HTTP_CLIENT_H
#define CS_TESTS_HTTP_CLIENT_H

#include "base/util.h"
#include "io/http_server.h"
#include "io/http_server_listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CLIENT_DEADLINE_NS (UINT64_C(5) * CS_NSEC_PER_SEC)

static inline uint64_t clock_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * CS_NSEC_PER_SEC + (uint64_t)now.tv_nsec;
}

/* A listening socket on a free port of a loopback address; its port. */
static inline int listen_local(uint16_t *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_ANY)};
    int fd = cs_http_listen((struct sockaddr *)&address, sizeof(address), false);

    assert_true(fd >= 0);
    *port = cs_http_listen_port(fd);
    assert_int_not_equal(*port, 0);
    return fd;
}

/* Connect from 127.0.0.`host`. */
static inline int client_connect(uint16_t port, unsigned int host)
{
    struct sockaddr_in from = {.sin_family = AF_INET,
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK - 1 + host)};
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&from, sizeof(from)), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    return fd;
}

/* Turn the server's loop once, for at most 10 ms, at a time that is offset from the real one. */
static inline void turn(struct cs_http_server *server, uint64_t offset_ns)
{
    struct pollfd ready = {.fd = cs_http_server_fd(server), .events = POLLIN};

    poll(&ready, 1, cs_http_server_timeout(server) < 10 * CS_NSEC_PER_MSEC ? 0 : 10);
    cs_http_server_run(server, clock_ns() + offset_ns);
}

/* A whole answer, NUL-terminated. */
struct answer {
    size_t len;
    bool closed; /* by the server */
    char *body;  /* after the blank line, NULL without one */
    char text[3u << 20];
};

/* Read until the server closes or, if `quiet`, says nothing more for 100 ms. */
static inline void client_read(struct cs_http_server *server, int fd, bool quiet,
                               struct answer *answer)
{
    uint64_t begin = clock_ns(), last = begin;

    answer->len = 0;
    answer->closed = false;
    while (!quiet || clock_ns() - last < 100 * CS_NSEC_PER_MSEC) {
        ssize_t n;

        if (clock_ns() - begin > CLIENT_DEADLINE_NS)
            fail_msg("no whole answer within 5 s");
        turn(server, 0);
        n = recv(fd, answer->text + answer->len, sizeof(answer->text) - 1 - answer->len,
                 MSG_DONTWAIT);
        if (n > 0) {
            answer->len += (size_t)n;
            last = clock_ns();
        } else if (n == 0 || errno == ECONNRESET) {
            answer->closed = true;
            break;
        }
    }
    answer->text[answer->len] = '\0';
    answer->body = strstr(answer->text, "\r\n\r\n");
    if (answer->body)
        answer->body += 4;
}

/* One request on a connection of its own, which it asks to be closed. */
static inline void fetch(struct cs_http_server *server, uint16_t port, const char *method,
                         const char *path, const char *headers, struct answer *answer)
{
    int fd = client_connect(port, 1);
    char request[1024];
    int n =
        snprintf(request, sizeof(request),
                 "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\n", method, path, headers);

    assert_int_equal(send(fd, request, (size_t)n, 0), n);
    client_read(server, fd, false, answer);
    close(fd);
}

static inline unsigned int status_of(const struct answer *answer)
{
    unsigned int status = 0;

    if (sscanf(answer->text, "HTTP/1.1 %u ", &status) != 1)
        fail_msg("no status line: %.100s", answer->text);
    return status;
}

/* The header line (as sent) is in the answer's head. */
static inline bool has_header(const struct answer *answer, const char *line)
{
    char wanted[512];
    const char *at;

    snprintf(wanted, sizeof(wanted), "\r\n%s\r\n", line);
    at = strcasestr(answer->text, wanted);
    return at && (!answer->body || at < answer->body);
}

#endif
