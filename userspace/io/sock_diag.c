/* SPDX-License-Identifier: Apache-2.0 */
#include "io/sock_diag.h"

#include "base/cleanup.h"
#include "base/util.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define DUMP_LIMIT_NS (2 * CS_NSEC_PER_SEC)
#define STATES        (1U << TCP_ESTABLISHED | 1U << TCP_SYN_SENT)

struct tally {
    const struct cs_sock_peer *peers;
    size_t n;
    uint32_t *counts;
    bool truncated;
};

static int request_send(int fd, int family)
{
    struct {
        struct nlmsghdr header;
        struct inet_diag_req_v2 body;
    } request = {
        .header = {.nlmsg_len = sizeof(request),
                   .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
        .body = {.sdiag_family = (uint8_t)family,
                 .sdiag_protocol = IPPROTO_TCP,
                 .idiag_states = STATES},
    };

    return send(fd, &request, sizeof(request), 0) < 0 ? -errno : 0;
}

static void socket_count(const struct inet_diag_msg *message, struct tally *tally)
{
    static const uint8_t any[16], mapped[12] = {[10] = 0xff, [11] = 0xff};
    uint8_t addr[16];

    memcpy(addr, message->id.idiag_dst, sizeof(addr));
    if (message->idiag_family == AF_INET) {
        memcpy(addr + 12, message->id.idiag_dst, 4);
        memcpy(addr, mapped, sizeof(mapped));
    }
    for (size_t i = 0; i < tally->n; i++) {
        const struct cs_sock_peer *peer = &tally->peers[i];

        if (ntohs(message->id.idiag_dport) == peer->port &&
            (memcmp(peer->addr, any, 16) == 0 || memcmp(peer->addr, addr, 16) == 0))
            tally->counts[i]++;
    }
}

/* One datagram of the dump. 1: more to come; 0: that was the last; or -errno. */
static int datagram_read(const char *buffer, size_t len, struct tally *tally)
{
    const struct nlmsghdr *header = (const struct nlmsghdr *)(const void *)buffer;

    for (; NLMSG_OK(header, len); header = NLMSG_NEXT(header, len)) {
        if (header->nlmsg_flags & NLM_F_DUMP_INTR)
            tally->truncated = true;
        if (header->nlmsg_type == NLMSG_DONE)
            return 0;
        if (header->nlmsg_type == NLMSG_ERROR) {
            const struct nlmsgerr *error = NLMSG_DATA(header);

            if (header->nlmsg_len < NLMSG_LENGTH(sizeof(*error)))
                return -EBADMSG;
            return error->error < 0 ? error->error : -EBADMSG;
        }
        if (header->nlmsg_type == SOCK_DIAG_BY_FAMILY &&
            header->nlmsg_len >= NLMSG_LENGTH(sizeof(struct inet_diag_msg)))
            socket_count(NLMSG_DATA(header), tally);
    }
    return 1;
}

static int family_count(int fd, int family, uint64_t deadline_ns, struct tally *tally)
{
    _Alignas(struct nlmsghdr) char buffer[32768];
    int r = request_send(fd, family);

    while (r >= 0) {
        ssize_t n = recv(fd, buffer, sizeof(buffer), 0);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno != EAGAIN)
            return -errno;
        if (n < 0 || cs_monotonic_ns() > deadline_ns) {
            tally->truncated = true;
            return 0;
        }
        r = datagram_read(buffer, (size_t)n, tally);
        if (r == 0)
            return 0;
    }
    return r;
}

int cs_sock_diag_count(const struct cs_sock_peer *peers, size_t n, uint32_t *counts,
                       bool *truncated)
{
    static const int families[] = {AF_INET, AF_INET6};
    const struct timeval timeout = {.tv_sec = DUMP_LIMIT_NS / CS_NSEC_PER_SEC};
    const uint64_t deadline_ns = cs_monotonic_ns() + DUMP_LIMIT_NS;
    _cleanup_free_ uint32_t *found = calloc(n > 0 ? n : 1, sizeof(*found));
    struct tally tally = {.peers = peers, .n = n, .counts = found};

    if (!found)
        return -ENOMEM;
    for (size_t i = 0; i < CS_ARRAY_SIZE(families) && !tally.truncated; i++) {
        /* A socket of its own: what an interrupted dump left behind goes with it. */
        _cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
        int r;

        if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) < 0)
            return -errno;
        r = family_count(fd, families[i], deadline_ns, &tally);
        if (r < 0)
            return r;
    }
    if (n > 0)
        memcpy(counts, found, n * sizeof(*counts));
    *truncated = tally.truncated;
    return 0;
}
