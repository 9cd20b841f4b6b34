/* SPDX-License-Identifier: Apache-2.0 */
/* The Pod Identity Agent and IMDS, in many network namespaces at once: a socket stays in the
 * namespace that it was made in. A request with "hang" in it is never answered. */
#include "churn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define FDS_MAX 4096

static const char CREDENTIALS[] =
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 44\r\n\r\n"
    "{\"AccessKeyId\":\"made-up\",\"AccountId\":\"none\"}";

static bool listening[FDS_MAX];

static int listen_on(const struct sockaddr *address, socklen_t len)
{
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

    if (fd < 0 || fd >= FDS_MAX)
        churn_fail("socket");
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(fd, address, len) < 0 || listen(fd, 256) < 0)
        churn_fail("listen");
    return fd;
}

static void watch(int epoll_fd, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
        churn_fail("epoll_ctl");
}

static void listen_in(int epoll_fd, int netns)
{
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(80)};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(80)};
    static const char *const ADDRESSES[] = {CHURN_AGENT4, CHURN_IMDS4};
    int fd;

    if (setns(netns, CLONE_NEWNET) < 0)
        churn_fail("setns");
    for (size_t i = 0; i < 2; i++) {
        inet_pton(AF_INET, ADDRESSES[i], &four.sin_addr);
        fd = listen_on((struct sockaddr *)&four, sizeof(four));
        listening[fd] = true;
        watch(epoll_fd, fd);
    }
    inet_pton(AF_INET6, CHURN_AGENT6, &six.sin6_addr);
    fd = listen_on((struct sockaddr *)&six, sizeof(six));
    listening[fd] = true;
    watch(epoll_fd, fd);
}

static void take(int epoll_fd, int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC), one = 1;

    if (fd < 0)
        return;
    if (fd >= FDS_MAX) {
        close(fd);
        return;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    watch(epoll_fd, fd);
}

/* The clients' requests are small and are sent whole. */
static void answer(int fd)
{
    char buffer[4096];
    ssize_t n = read(fd, buffer, sizeof(buffer) - 1);

    if (n <= 0) {
        close(fd);
        return;
    }
    buffer[n] = '\0';
    if (strstr(buffer, "hang"))
        return;
    for (const char *at = buffer; (at = strstr(at, "\r\n\r\n")); at += 4)
        if (write(fd, CREDENTIALS, sizeof(CREDENTIALS) - 1) < 0)
            return;
}

int churn_serve(int argc, char **argv)
{
    int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event ready[64];

    if (epoll_fd < 0)
        churn_fail("epoll");
    for (int i = 1; i < argc; i++)
        listen_in(epoll_fd, atoi(argv[i]));
    watch(epoll_fd, STDIN_FILENO);
    printf("ready\n");
    fflush(stdout);
    for (;;) {
        int n = epoll_wait(epoll_fd, ready, 64, -1);

        for (int i = 0; i < n; i++) {
            int fd = ready[i].data.fd;

            if (fd == STDIN_FILENO)
                return 0;
            if (listening[fd])
                take(epoll_fd, fd);
            else
                answer(fd);
        }
    }
}
