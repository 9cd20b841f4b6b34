// SPDX-License-Identifier: Apache-2.0
#include "traffic.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

socklen_t traffic_address(struct sockaddr_storage *to, const char *host, int port, bool mapped)
{
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)to;
    struct sockaddr_in *in = (struct sockaddr_in *)to;
    char text[64];

    memset(to, 0, sizeof(*to));
    if (!strchr(host, ':') && !mapped) {
        in->sin_family = AF_INET;
        in->sin_port = htons(port);
        assert_int_equal(inet_pton(AF_INET, host, &in->sin_addr), 1);
        return sizeof(*in);
    }
    snprintf(text, sizeof(text), "%s%s", mapped ? "::ffff:" : "", host);
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(port);
    assert_int_equal(inet_pton(AF_INET6, text, &in6->sin6_addr), 1);
    return sizeof(*in6);
}

int traffic_listen(const char *host, int port)
{
    struct sockaddr_storage address;
    socklen_t len = traffic_address(&address, host, port, false);
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(fd, 64), 0);
    return fd;
}

static void no_delay(int fd)
{
    int on = 1;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static struct pair connect_pair(int listener, const char *host, int port, bool mapped)
{
    struct sockaddr_storage address;
    socklen_t len = traffic_address(&address, host, port, mapped);
    struct pair pair = {.listener = listener};

    pair.client = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(pair.client, (struct sockaddr *)&address, len), 0);
    pair.server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    assert_true(pair.server >= 0);
    no_delay(pair.client);
    no_delay(pair.server);
    return pair;
}

struct pair traffic_connect(const char *host, int port, bool mapped)
{
    return connect_pair(traffic_listen(host, port), host, port, mapped);
}

struct pair traffic_connect_to(int listener, const char *host, int port)
{
    return connect_pair(listener, host, port, false);
}

static void close_one(int *fd, bool reset)
{
    struct linger linger = {.l_onoff = 1};

    if (*fd < 0)
        return;
    if (reset)
        setsockopt(*fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    close(*fd);
    *fd = -1;
}

void traffic_end(struct pair *pair)
{
    close_one(&pair->client, false);
    close_one(&pair->server, false);
    close_one(&pair->listener, false);
}

static void receive(int fd, size_t len)
{
    char buffer[65536];

    while (len) {
        struct pollfd pfd = {.fd = fd, .events = POLLIN};
        ssize_t n;

        assert_int_equal(poll(&pfd, 1, harness_patience_ms()), 1);
        n = recv(fd, buffer, len < sizeof(buffer) ? len : sizeof(buffer), 0);
        assert_true(n > 0);
        len -= (size_t)n;
    }
}

void traffic_move(int from, int to, const char *data, size_t len, size_t cut)
{
    while (len) {
        size_t want = cut && cut < len ? cut : len;
        ssize_t n = send(from, data, want, MSG_NOSIGNAL | MSG_DONTWAIT);

        assert_true(n > 0);
        receive(to, (size_t)n);
        data += n;
        len -= (size_t)n;
    }
}

void traffic_play(struct pair *pair, const struct step *steps, size_t cut)
{
    for (; steps->kind != STEP_END; steps++) {
        size_t len = steps->len || !steps->data ? steps->len : strlen(steps->data);

        switch (steps->kind) {
        case CLIENT:
            traffic_move(pair->client, pair->server, steps->data, len, cut);
            break;
        case SERVER:
            traffic_move(pair->server, pair->client, steps->data, len, cut);
            break;
        case CLIENT_CLOSE:
        case CLIENT_RESET:
            close_one(&pair->client, steps->kind == CLIENT_RESET);
            break;
        case SERVER_CLOSE:
        case SERVER_RESET:
            close_one(&pair->server, steps->kind == SERVER_RESET);
            break;
        case CLIENT_SHUTDOWN:
            shutdown(pair->client, SHUT_WR);
            break;
        case PAUSE:
            harness_sleep_ms((int)len);
            break;
        case STEP_END:
            break;
        }
    }
}
