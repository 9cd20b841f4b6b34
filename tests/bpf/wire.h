/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A TCP peer made by hand behind a TUN device: it sends the segments that the test says, in the
 * order that the test says. HOST_WIRE and HOST_WIRE6 are routed there.
 */
#ifndef CS_TESTS_WIRE_H
#define CS_TESTS_WIRE_H

#include "harness.h"

#define WIRE_FIN 0x01
#define WIRE_SYN 0x02
#define WIRE_RST 0x04
#define WIRE_ACK 0x10

/* The peer's first sequence number: sequence numbers wrap within every test's first bytes. */
#define WIRE_ISN 0xfffffff8u

struct wire {
    int tun;
    int client;
    bool ip6;
    int extended; /* IPv6 extension headers to add to each packet; IP options, if not 0 */
    uint8_t addr[16], peer[16]; /* the client's end, ours; IPv4 in the first four bytes */
    uint16_t port;
    uint32_t isn;      /* the client's */
    uint32_t acked;    /* client bytes that we acknowledge */
    uint8_t last[128]; /* start of the client's last packet, for ICMP */
};

struct wire_packet {
    uint8_t flags;
    uint32_t seq; /* relative to the client's first byte */
    uint32_t ack; /* relative to ours */
    size_t len;
};

/* The device, and a client socket that has begun to connect; false without TUN or IPv6. */
bool wire_open(struct wire *wire, bool ip6);
void wire_close(struct wire *wire);

/* The next TCP packet of the client within ms; false: none came. */
bool wire_read(struct wire *wire, struct wire_packet *packet, int ms);
/* Read until the client is silent for ms. */
void wire_settle(struct wire *wire, int ms);

/* Send a segment; seq is relative to our first byte. */
void wire_write(struct wire *wire, uint8_t flags, uint32_t seq, const void *data, size_t len);

/* Answer the SYN and read the ACK. */
void wire_accept(struct wire *wire);

/* An ICMP error about the client's last packet. */
void wire_icmp(struct wire *wire, uint8_t type, uint8_t code);

#endif
