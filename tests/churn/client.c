/* SPDX-License-Identifier: Apache-2.0 */
/* The process of a pod. What it did it writes down itself: the truth that the log is held to. */
#include "churn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LAST_NS  UINT64_C(50000000)
#define REFUSED6 "fd00:ec2::254" /* IMDS over IPv6: the pods' namespaces have nobody there */

struct client {
    uint64_t start_ns, end_ns;
    int truth;
    const char *address; /* source, IPv4 */
    const char *pod;
    long pid; /* in the machine's PID namespace, whose /proc this is */
    unsigned int made;
};

static long host_pid(void)
{
    char text[32];
    ssize_t n = readlink("/proc/self", text, sizeof(text) - 1);

    if (n <= 0)
        churn_fail("/proc/self");
    text[n] = '\0';
    return atol(text);
}

/* One line, one write: the file is shared by all pods and opened for appending. */
static void write_truth(const struct client *client, char step, uint64_t at_ns, int status)
{
    char line[512];
    int n = snprintf(line, sizeof(line),
                     "{\"pod\":\"%s\",\"marker\":\"churn/%s/%u\",\"step\":\"%c\",\"pid\":%ld,"
                     "\"at_ns\":%llu,\"after_ms\":%.3f,\"status\":%d}\n",
                     client->pod, client->pod, client->made, step, client->pid,
                     (unsigned long long)at_ns, (double)(at_ns - client->start_ns) / 1e6, status);

    if (write(client->truth, line, (size_t)n) != n)
        churn_fail("truth");
}

static int connect4(const struct client *client, const char *to)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

    inet_pton(AF_INET, client->address, &address.sin_addr);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
        churn_fail("bind");
    inet_pton(AF_INET, to, &address.sin_addr);
    address.sin_port = htons(80);
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
        churn_fail("connect");
    return fd;
}

/* The descriptor, or -1: refused. */
static int connect6(const char *to)
{
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons(80)};
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

    inet_pton(AF_INET6, to, &address.sin6_addr);
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    if (errno != ECONNREFUSED)
        churn_fail("connect");
    close(fd);
    return -1;
}

static void ask(struct client *client, int fd, char step, const char *line, const char *more)
{
    char request[512], answer[512];
    uint64_t at_ns = churn_now_ns();
    int status = 0;
    int n = snprintf(request, sizeof(request),
                     "%s HTTP/1.1\r\nHost: x\r\nUser-Agent: churn/%s/%u\r\n%s\r\n", line,
                     client->pod, client->made, more);

    if (write(fd, request, (size_t)n) != n)
        churn_fail("write");
    if (step != 'x') {
        ssize_t got = read(fd, answer, sizeof(answer) - 1);

        if (got <= 0)
            churn_fail("read");
        answer[got] = '\0';
        status = atoi(answer + strlen("HTTP/1.1 "));
    }
    write_truth(client, step, at_ns, status);
    client->made++;
}

static void ask_agent(struct client *client, int fd, char step)
{
    ask(client, fd, step, "GET /v1/credentials",
        step == 'x' ? "X-Test: hang\r\n" : "Authorization: not-a-token\r\n");
}

static void one_step(struct client *client, char step)
{
    uint64_t now = churn_now_ns();
    int fd = -1;

    switch (step) {
    case 'a':
    case 'x':
    case 'k':
        fd = connect4(client, CHURN_AGENT4);
        ask_agent(client, fd, step);
        if (step == 'k')
            ask_agent(client, fd, step);
        break;
    case 'b':
        fd = connect6(CHURN_AGENT6);
        ask_agent(client, fd, step);
        break;
    case 'i':
        fd = connect4(client, CHURN_IMDS4);
        ask(client, fd, step, "GET /latest/meta-data/iam/security-credentials/node-role",
            "X-aws-ec2-metadata-token: not-a-token\r\n");
        break;
    case 't':
        fd = connect4(client, CHURN_IMDS4);
        ask(client, fd, step, "PUT /latest/api/token",
            "X-aws-ec2-metadata-token-ttl-seconds: 21600\r\n");
        break;
    case 'r':
        if (connect6(REFUSED6) >= 0)
            churn_fail("not refused");
        write_truth(client, step, now, 0);
        client->made++;
        break;
    default:
        churn_sleep_until(client->end_ns - LAST_NS);
    }
    if (fd >= 0 && step != 'x')
        close(fd);
}

int churn_client(int argc, char **argv)
{
    if (argc != 7) {
        fprintf(stderr, "usage: churn client START-NS END-NS TRUTH-FD ADDRESS POD SCRIPT\n");
        return 2;
    }
    struct client client = {
        .start_ns = strtoull(argv[1], NULL, 10),
        .end_ns = strtoull(argv[2], NULL, 10),
        .truth = atoi(argv[3]),
        .address = argv[4],
        .pod = argv[5],
        .pid = host_pid(),
    };

    for (const char *step = argv[6]; *step != '\0'; step++)
        one_step(&client, *step);
    churn_sleep_until(client.end_ns);
    return 0;
}
