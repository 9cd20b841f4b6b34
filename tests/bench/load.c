/* SPDX-License-Identifier: Apache-2.0 */
/* Real exchanges over real sockets: a keep-alive server in a child, clients in this process. */
#include "bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define CONNECTIONS 8
#define AGENT       "169.254.170.23"
#define IMDS        "169.254.169.254"

static const char ANSWER[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                             "Content-Length: 2\r\n\r\n{}";
static const char REQUEST[] = "GET /v1/credentials HTTP/1.1\r\nHost: 169.254.170.23\r\n"
                              "User-Agent: bench/1.0\r\nAuthorization: not-a-token\r\n\r\n";

static int listen_on(const char *address)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(80)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

    inet_pton(AF_INET, address, &to.sin_addr);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(fd, (struct sockaddr *)&to, sizeof(to)) < 0 || listen(fd, 512) < 0)
        bench_fail("listen on %s: %s", address, strerror(errno));
    return fd;
}

/* Requests here are small and never cut, so that one read is whole requests. */
static int answer(int fd)
{
    char buffer[4096];
    ssize_t n = read(fd, buffer, sizeof(buffer) - 1);

    if (n <= 0)
        return -1;
    buffer[n] = '\0';
    for (const char *at = buffer; (at = strstr(at, "\r\n\r\n")); at += 4)
        if (write(fd, ANSWER, sizeof(ANSWER) - 1) < 0)
            return -1;
    return 0;
}

static void serve(int agent, int imds)
{
    int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN}, ready[64];
    int listeners[] = {agent, imds};

    for (int i = 0; i < 2; i++) {
        event.data.fd = listeners[i];
        epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listeners[i], &event);
    }
    for (;;) {
        int n = epoll_wait(epoll_fd, ready, 64, -1);

        for (int i = 0; i < n; i++) {
            int fd = ready[i].data.fd, one = 1;

            if (fd == agent || fd == imds) {
                event.data.fd = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
                setsockopt(event.data.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
                epoll_ctl(epoll_fd, EPOLL_CTL_ADD, event.data.fd, &event);
            } else if (answer(fd) < 0) {
                close(fd);
            }
        }
    }
}

pid_t bench_server_start(void)
{
    int agent = listen_on(AGENT), imds = listen_on(IMDS);
    pid_t pid = fork();

    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        serve(agent, imds);
    }
    close(agent);
    close(imds);
    return pid;
}

static int connect_to(const char *address)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(80)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

    inet_pton(AF_INET, address, &to.sin_addr);
    if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
        bench_fail("connect to %s: %s", address, strerror(errno));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    return fd;
}

static void exchange(int fd, const char *request, size_t len)
{
    char buffer[512];

    if (write(fd, request, len) != (ssize_t)len || read(fd, buffer, sizeof(buffer)) <= 0)
        bench_fail("an exchange failed: %s", strerror(errno));
}

static void enter(const char *cgroup)
{
    char procs[640];
    FILE *file;

    snprintf(procs, sizeof(procs), "%s/cgroup.procs", cgroup);
    file = fopen(procs, "w");
    if (!file || fprintf(file, "%d\n", getpid()) < 0 || fclose(file) != 0)
        bench_fail("can't enter %s", cgroup);
}

static double load(size_t count, unsigned int pause_us)
{
    int fds[CONNECTIONS];
    char buffer[4096];
    uint64_t start;

    for (int i = 0; i < CONNECTIONS; i++)
        fds[i] = connect_to(AGENT);
    start = bench_now_ns();
    /* One request in flight on each connection, as a crowd of SDKs would. */
    for (size_t done = 0; done < count; done += CONNECTIONS) {
        for (int i = 0; i < CONNECTIONS; i++)
            if (write(fds[i], REQUEST, sizeof(REQUEST) - 1) < 0)
                bench_fail("write: %s", strerror(errno));
        for (int i = 0; i < CONNECTIONS; i++)
            if (read(fds[i], buffer, sizeof(buffer)) <= 0)
                bench_fail("read: %s", strerror(errno));
        if (pause_us)
            usleep(pause_us);
    }
    for (int i = 0; i < CONNECTIONS; i++)
        close(fds[i]);
    return (double)(bench_now_ns() - start) / 1e9;
}

double bench_load(const char *cgroup, size_t count, unsigned int pause_us)
{
    double seconds = 0;
    int ends[2];
    pid_t pid;

    if (pipe(ends) < 0)
        bench_fail("pipe: %s", strerror(errno));
    pid = fork();
    if (pid == 0) {
        if (cgroup)
            enter(cgroup);
        seconds = load(count, pause_us);
        _exit(write(ends[1], &seconds, sizeof(seconds)) != sizeof(seconds));
    }
    close(ends[1]);
    if (read(ends[0], &seconds, sizeof(seconds)) != sizeof(seconds))
        bench_fail("the load failed");
    close(ends[0]);
    waitpid(pid, NULL, 0);
    return seconds;
}

static void visit(const char *cgroup)
{
    static const char ROLE[] = "GET /latest/meta-data/iam/security-credentials/role HTTP/1.1\r\n"
                               "Host: 169.254.169.254\r\nX-aws-ec2-metadata-token: none\r\n\r\n";
    int fd;

    enter(cgroup);
    fd = connect_to(AGENT);
    exchange(fd, REQUEST, sizeof(REQUEST) - 1);
    close(fd);
    fd = connect_to(IMDS);
    exchange(fd, ROLE, sizeof(ROLE) - 1);
    close(fd);
}

void bench_visit(const char *cgroup)
{
    int status = 1;
    pid_t pid = fork();

    if (pid == 0) {
        visit(cgroup);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    if (status != 0)
        bench_fail("a visit from %s failed", cgroup);
}
