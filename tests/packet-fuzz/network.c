// SPDX-License-Identifier: Apache-2.0
#include "dialogue.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int open_tun(const char *name)
{
    struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
    int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

    if (fd < 0)
        return -errno;
    strncpy(request.ifr_name, name, IFNAMSIZ - 1);
    if (ioctl(fd, TUNSETIFF, &request)) {
        int r = -errno;

        close(fd);
        return r;
    }
    return fd;
}

static int write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC), r = 0;

    if (fd < 0)
        return -errno;
    if (write(fd, text, strlen(text)) < 0)
        r = -errno;
    close(fd);
    return r;
}

int pf_network_enter(int *tun)
{
    /* The documentation networks stand for STS; all of it ends in our own TUN device. */
    static const char setup[] = "ip -batch - <<EOF\n"
                                "link set lo up\n"
                                "addr add 10.250.0.1/32 dev pf0\n"
                                "addr add fd00:f::1/128 dev pf0 nodad\n"
                                "link set pf0 mtu 1500 up txqueuelen 4096\n"
                                "route add 169.254.170.23/32 dev pf0 src 10.250.0.1\n"
                                "route add 169.254.169.254/32 dev pf0 src 10.250.0.1\n"
                                "route add 203.0.113.0/24 dev pf0 src 10.250.0.1\n"
                                "route add fd00:ec2::23/128 dev pf0 src fd00:f::1\n"
                                "route add 2001:db8::/64 dev pf0 src fd00:f::1\n"
                                "EOF\n";
    int fd;

    if (unshare(CLONE_NEWNET)) {
        fprintf(stderr, "packet-fuzz: a network namespace of its own: %s\n", strerror(errno));
        return -errno;
    }
    fd = open_tun("pf0");
    if (fd < 0) {
        fprintf(stderr, "packet-fuzz: /dev/net/tun: %s\n", strerror(-fd));
        return fd;
    }
    /* 5: client side, and data in the SYN without a cookie (RFC 7413) */
    write_text("/proc/sys/net/ipv4/tcp_fastopen", "5");
    write_text("/proc/sys/net/ipv4/tcp_timestamps", "0");
    write_text("/proc/sys/net/ipv4/tcp_no_metrics_save", "1");
    if (system(setup)) {
        close(fd);
        return -EIO;
    }
    *tun = fd;
    return 0;
}
