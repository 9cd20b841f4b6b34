/* SPDX-License-Identifier: Apache-2.0 */
/* Real connections in a network namespace of the test's own, which has nothing but lo. */
#include "io/sock_diag.h"

#include "base/util.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define PEER4(a, b, c, d, p)               \
    {                                      \
        {[10] = 0xff, 0xff, a, b, c, d}, p \
    }
#define ANY(p) \
    {          \
        {0}, p \
    }

static const struct sockaddr_in listener4 = {.sin_family = AF_INET};
static const struct sockaddr_in6 listener6 = {.sin6_family = AF_INET6};

static int setup(void **state)
{
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    int fd;

    (void)state;
    if (unshare(CLONE_NEWNET) < 0) {
        perror("unshare");
        return -1;
    }
    fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    return ioctl(fd, SIOCSIFFLAGS, &request) < 0 ? -1 : close(fd);
}

/* A socket that listens on port at every address of the family. */
static int listen_at(int family, uint16_t port)
{
    struct sockaddr_in in = listener4;
    struct sockaddr_in6 in6 = listener6;
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

    in.sin_port = htons(port);
    in6.sin6_port = htons(port);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
    if (family == AF_INET6)
        assert_int_equal(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)), 0);
    assert_int_equal(family == AF_INET ? bind(fd, (struct sockaddr *)&in, sizeof(in))
                                       : bind(fd, (struct sockaddr *)&in6, sizeof(in6)),
                     0);
    assert_int_equal(listen(fd, 16), 0);
    return fd;
}

static int connect_to(const char *address, uint16_t port)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    bool six = strchr(address, ':');
    int fd = socket(six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(six ? inet_pton(AF_INET6, address, &in6.sin6_addr)
                         : inet_pton(AF_INET, address, &in.sin_addr),
                     1);
    assert_int_equal(six ? connect(fd, (struct sockaddr *)&in6, sizeof(in6))
                         : connect(fd, (struct sockaddr *)&in, sizeof(in)),
                     0);
    return fd;
}

static void counts_connections_by_peer(void **state)
{
    static const struct cs_sock_peer peers[] = {
        PEER4(127, 0, 0, 1, 8080),
        PEER4(127, 0, 0, 2, 8080),
        PEER4(127, 0, 0, 1, 8081),
        {{[15] = 1}, 8080},
        ANY(8080),
        ANY(8082),
    };
    static const uint32_t before[] = {0, 0, 0, 0, 0, 0}, open[] = {3, 1, 0, 2, 6, 0};
    uint32_t counts[CS_ARRAY_SIZE(peers)];
    bool truncated = true;
    int fds[8];

    (void)state;
    fds[0] = listen_at(AF_INET, 8080);
    fds[1] = listen_at(AF_INET6, 8080);
    assert_int_equal(cs_sock_diag_count(peers, CS_ARRAY_SIZE(peers), counts, &truncated), 0);
    assert_memory_equal(counts, before, sizeof(counts));
    assert_false(truncated);

    fds[2] = connect_to("127.0.0.1", 8080);
    fds[3] = connect_to("127.0.0.1", 8080);
    fds[4] = connect_to("127.0.0.2", 8080);
    fds[5] = connect_to("::1", 8080);
    fds[6] = connect_to("::1", 8080);
    fds[7] = connect_to("::ffff:127.0.0.1", 8080);
    assert_int_equal(cs_sock_diag_count(peers, CS_ARRAY_SIZE(peers), counts, &truncated), 0);
    if (memcmp(counts, open, sizeof(counts)) != 0)
        fail_msg("%u %u %u %u %u %u", counts[0], counts[1], counts[2], counts[3], counts[4],
                 counts[5]);
    for (size_t i = 0; i < CS_ARRAY_SIZE(fds); i++)
        close(fds[i]);
}

/* More than one datagram of answers. */
static void counts_many(void **state)
{
    static const struct cs_sock_peer peer = PEER4(127, 0, 0, 1, 8090);
    int listener = listen_at(AF_INET, 8090), clients[400], servers[400];
    uint32_t count = 0;
    bool truncated;

    (void)state;
    for (size_t i = 0; i < CS_ARRAY_SIZE(clients); i++) {
        clients[i] = connect_to("127.0.0.1", 8090);
        servers[i] = accept(listener, NULL, NULL);
        assert_true(servers[i] >= 0);
    }
    assert_int_equal(cs_sock_diag_count(&peer, 1, &count, &truncated), 0);
    assert_int_equal(count, CS_ARRAY_SIZE(clients));
    assert_false(truncated);
    for (size_t i = 0; i < CS_ARRAY_SIZE(clients); i++) {
        close(clients[i]);
        close(servers[i]);
    }
    close(listener);
}

static void counts_nothing_of_nothing(void **state)
{
    bool truncated = true;

    (void)state;
    assert_int_equal(cs_sock_diag_count(NULL, 0, NULL, &truncated), 0);
    assert_false(truncated);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_connections_by_peer),
        cmocka_unit_test(counts_many),
        cmocka_unit_test(counts_nothing_of_nothing),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
