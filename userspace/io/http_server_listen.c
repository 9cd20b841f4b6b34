/* SPDX-License-Identifier: Apache-2.0 */
#include "io/http_server_listen.h"

#include "base/cleanup.h"

#include <errno.h>
#include <netinet/in.h>

#define BACKLOG 128

static int listen_at(const struct sockaddr *address, socklen_t len, bool both_families)
{
    _cleanup_close_ int fd =
        socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1, only = !both_families;

    if (fd < 0)
        return -errno;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
        return -errno;
    if (address->sa_family == AF_INET6 &&
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only)) < 0)
        return -errno;
    if (bind(fd, address, len) < 0 || listen(fd, BACKLOG) < 0)
        return -errno;
    return TAKE_FD(fd);
}

int cs_http_listen(const struct sockaddr *address, socklen_t len, bool any)
{
    struct sockaddr_in ipv4 = {.sin_family = AF_INET};
    int fd = listen_at(address, len, any);

    if (!any || address->sa_family != AF_INET6 || (fd != -EAFNOSUPPORT && fd != -EADDRNOTAVAIL))
        return fd;
    ipv4.sin_port = ((const struct sockaddr_in6 *)address)->sin6_port;
    return listen_at((struct sockaddr *)&ipv4, sizeof(ipv4), false);
}

uint16_t cs_http_listen_port(int fd)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof(address);

    if (getsockname(fd, (struct sockaddr *)&address, &len) < 0)
        return 0;
    if (address.ss_family == AF_INET)
        return ntohs(((struct sockaddr_in *)&address)->sin_port);
    if (address.ss_family == AF_INET6)
        return ntohs(((struct sockaddr_in6 *)&address)->sin6_port);
    return 0;
}
