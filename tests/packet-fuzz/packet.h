/* SPDX-License-Identifier: Apache-2.0 */
/* TCP/IP packets as a TUN device carries them: IP header first. Pure. */
#ifndef PF_PACKET_H
#define PF_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PF_PACKET_MAX 65535

enum pf_tcp_flags { PF_FIN = 1, PF_SYN = 2, PF_RST = 4, PF_PSH = 8, PF_ACK = 16 };

/* One TCP segment; addresses are IPv4 in the first 4 bytes, or IPv6. */
struct pf_segment {
    int family; /* 4 or 6 */
    uint8_t from[16], to[16];
    uint16_t from_port, to_port;
    uint32_t seq, ack;
    uint8_t flags;
    bool ip_options;               /* send: IPv4 options, or IPv6 extension headers */
    bool bad_checksum;             /* send: damage the TCP checksum */
    uint16_t mss;                  /* send: with PF_SYN, the options MSS and SACK-permitted */
    uint32_t sack_start, sack_end; /* send: one SACK block when they differ */
    const uint8_t *data;
    size_t len;
};

/* Bytes of the packet, at most PF_PACKET_MAX; 0 when it does not fit. */
size_t pf_packet_build(uint8_t *packet, const struct pf_segment *segment);

/* False when it is no whole TCP packet. data points into packet. */
bool pf_packet_parse(const uint8_t *packet, size_t size, struct pf_segment *segment);

#endif
