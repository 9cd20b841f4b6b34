// SPDX-License-Identifier: Apache-2.0
#include "wire.h"

#include "traffic.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define PORT      80
#define EXTENSION 8 /* bytes of destination options; as IPv4 options too */

static uint32_t sum(uint32_t start, const void *data, size_t len)
{
    const uint8_t *byte = data;

    for (size_t i = 0; i < len; i++)
        start += i % 2 ? byte[i] : (uint32_t)byte[i] << 8;
    return start;
}

static uint16_t fold(uint32_t total)
{
    while (total >> 16)
        total = (total & 0xffff) + (total >> 16);
    return (uint16_t)~total;
}

static void put16(uint8_t *to, uint16_t value)
{
    to[0] = (uint8_t)(value >> 8);
    to[1] = (uint8_t)value;
}

static void put32(uint8_t *to, uint32_t value)
{
    put16(to, (uint16_t)(value >> 16));
    put16(to + 2, (uint16_t)value);
}

static uint32_t get32(const uint8_t *from)
{
    return (uint32_t)from[0] << 24 | (uint32_t)from[1] << 16 | (uint32_t)from[2] << 8 | from[3];
}

static size_t put_ip4(const struct wire *wire, uint8_t *packet, size_t len, uint8_t protocol)
{
    size_t header = wire->extended ? 20 + EXTENSION : 20;

    memset(packet, 0, header);
    packet[0] = (uint8_t)(0x40 | header / 4);
    put16(packet + 2, (uint16_t)(header + len));
    packet[8] = 64;
    packet[9] = protocol;
    memcpy(packet + 12, wire->peer, 4);
    memcpy(packet + 16, wire->addr, 4);
    memset(packet + 20, 1 /* no operation */, header - 20);
    put16(packet + 10, fold(sum(0, packet, header)));
    return header;
}

static size_t put_ip6(const struct wire *wire, uint8_t *packet, size_t len, uint8_t protocol)
{
    size_t header = 40 + EXTENSION * (size_t)wire->extended;

    memset(packet, 0, header);
    packet[0] = 0x60;
    put16(packet + 4, (uint16_t)(header - 40 + len));
    packet[6] = wire->extended ? IPPROTO_DSTOPTS : protocol;
    packet[7] = 64;
    memcpy(packet + 8, wire->peer, 16);
    memcpy(packet + 24, wire->addr, 16);
    for (size_t at = 40; at < header; at += EXTENSION) {
        packet[at] = at + EXTENSION < header ? IPPROTO_DSTOPTS : protocol;
        packet[at + 2] = 1; /* PadN */
        packet[at + 3] = 4;
    }
    return header;
}

void wire_write(struct wire *wire, uint8_t flags, uint32_t seq, const void *data, size_t len)
{
    uint8_t packet[2048], *tcp;
    size_t size = wire->ip6 ? 16 : 4, header;
    uint32_t total;

    header = wire->ip6 ? put_ip6(wire, packet, 20 + len, IPPROTO_TCP)
                       : put_ip4(wire, packet, 20 + len, IPPROTO_TCP);
    assert_true(header + 20 + len <= sizeof(packet));
    tcp = packet + header;
    memset(tcp, 0, 20);
    put16(tcp, PORT);
    put16(tcp + 2, wire->port);
    put32(tcp + 4, WIRE_ISN + 1 + seq);
    put32(tcp + 8, wire->isn + 1 + wire->acked);
    tcp[12] = 5 << 4;
    tcp[13] = flags;
    put16(tcp + 14, 65535);
    if (len)
        memcpy(tcp + 20, data, len);
    total = sum(IPPROTO_TCP + 20 + (uint32_t)len, wire->peer, size);
    total = sum(total, wire->addr, size);
    put16(tcp + 16, fold(sum(total, tcp, 20 + len)));
    assert_int_equal(write(wire->tun, packet, header + 20 + len), header + 20 + len);
}

void wire_icmp(struct wire *wire, uint8_t type, uint8_t code)
{
    uint8_t packet[128];
    size_t header = put_ip4(wire, packet, 8 + 28, IPPROTO_ICMP);
    uint8_t *icmp = packet + header;

    memset(icmp, 0, 8);
    icmp[0] = type;
    icmp[1] = code;
    memcpy(icmp + 8, wire->last, 28);
    put16(icmp + 2, fold(sum(0, icmp, 36)));
    assert_int_equal(write(wire->tun, packet, header + 36), header + 36);
}

static bool parse(struct wire *wire, const uint8_t *packet, size_t len, struct wire_packet *out)
{
    bool ip6 = packet[0] >> 4 == 6;
    const uint8_t *tcp = packet + (ip6 ? 40 : (packet[0] & 15) * 4);

    if (ip6 != wire->ip6 || packet[ip6 ? 6 : 9] != IPPROTO_TCP)
        return false;
    memcpy(wire->last, packet, len < sizeof(wire->last) ? len : sizeof(wire->last));
    if (tcp[13] & WIRE_SYN) {
        memcpy(wire->addr, packet + (ip6 ? 8 : 12), ip6 ? 16 : 4);
        wire->port = (uint16_t)(tcp[0] << 8 | tcp[1]);
        wire->isn = get32(tcp + 4);
    } else if (wire->port != (tcp[0] << 8 | tcp[1])) {
        return false; /* an earlier test's connection */
    }
    out->flags = tcp[13];
    out->seq = get32(tcp + 4) - wire->isn - 1;
    out->ack = get32(tcp + 8) - WIRE_ISN - 1;
    out->len = len - (size_t)(tcp - packet) - (size_t)(tcp[12] >> 4) * 4;
    return true;
}

bool wire_read(struct wire *wire, struct wire_packet *packet, int ms)
{
    uint64_t end = harness_now_ns() + (uint64_t)ms * 1000000;
    uint8_t buffer[70000];

    for (;;) {
        struct pollfd pfd = {.fd = wire->tun, .events = POLLIN};
        uint64_t now = harness_now_ns();
        ssize_t len;

        if (now > end || poll(&pfd, 1, (int)((end - now) / 1000000)) <= 0)
            return false;
        len = read(wire->tun, buffer, sizeof(buffer));
        if (len > 20 && parse(wire, buffer, (size_t)len, packet))
            return true;
    }
}

void wire_settle(struct wire *wire, int ms)
{
    struct wire_packet packet;

    for (int i = 0; i < 1000 && wire_read(wire, &packet, ms); i++)
        ;
}

bool wire_open(struct wire *wire, bool ip6)
{
    struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
    struct sockaddr_storage address;
    int tries = 200;
    socklen_t len;

    /* Small systems load nothing by themselves. */
    if (access("/dev/net/tun", F_OK))
        harness_try("modprobe tun 2>/dev/null; mkdir -p /dev/net && mknod /dev/net/tun c 10 200");
    memset(wire, 0, sizeof(*wire));
    wire->ip6 = ip6;
    wire->tun = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    strcpy(request.ifr_name, "wire0");
    if (wire->tun < 0 || ioctl(wire->tun, TUNSETIFF, &request))
        return false;
    harness_shell("ip link set wire0 up && ip addr add 198.18.0.1/24 dev wire0");
    if (ip6 && !harness_try("ip -6 addr add fd00:ec2::5301/120 dev wire0 nodad 2>/dev/null"))
        return false;
    /* The kernel makes the address's local route by and by. */
    while (ip6 && !harness_try("ip -6 route show table local | grep -q 5301") && tries--)
        harness_sleep_ms(2);
    if (ip6)
        inet_pton(AF_INET6, HOST_WIRE6, wire->peer);
    else
        inet_pton(AF_INET, HOST_WIRE, wire->peer);
    len = traffic_address(&address, ip6 ? HOST_WIRE6 : HOST_WIRE, PORT, false);
    wire->client = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (connect(wire->client, (struct sockaddr *)&address, len))
        assert_int_equal(errno, EINPROGRESS);
    return true;
}

void wire_accept(struct wire *wire)
{
    struct wire_packet packet;

    assert_true(wire_read(wire, &packet, harness_patience_ms()));
    assert_int_equal(packet.flags & (WIRE_SYN | WIRE_ACK), WIRE_SYN);
    wire_write(wire, WIRE_SYN | WIRE_ACK, (uint32_t)-1, NULL, 0);
    assert_true(wire_read(wire, &packet, harness_patience_ms()));
    assert_int_equal(packet.flags & (WIRE_SYN | WIRE_ACK), WIRE_ACK);
}

void wire_close(struct wire *wire)
{
    if (wire->client >= 0)
        close(wire->client);
    close(wire->tun);
}
