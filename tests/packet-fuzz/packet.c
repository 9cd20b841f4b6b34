// SPDX-License-Identifier: Apache-2.0
#include "packet.h"

#include <string.h>

static void put16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
    put16(at, value >> 16);
    put16(at + 2, value);
}

static uint16_t get16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static uint32_t get32(const uint8_t *at)
{
    return (uint32_t)get16(at) << 16 | get16(at + 2);
}

/* RFC 1071 */
static uint32_t sum(uint32_t start, const uint8_t *data, size_t len)
{
    for (; len > 1; len -= 2, data += 2)
        start += get16(data);
    return len ? start + ((uint32_t)data[0] << 8) : start;
}

static uint16_t fold(uint32_t value)
{
    while (value >> 16)
        value = (value & 0xffff) + (value >> 16);
    return (uint16_t)~value;
}

static size_t build_ipv4(uint8_t *at, const struct pf_segment *s, size_t payload)
{
    /* a no-operation, a 5-byte experiment (RFC 4727), an end of list */
    static const uint8_t options[] = {1, 0x5e, 5, 0, 1, 2, 0, 0};
    size_t header = s->ip_options ? 20 + sizeof(options) : 20;

    memset(at, 0, header);
    at[0] = (uint8_t)(0x40 | header / 4);
    put16(at + 2, (uint32_t)(header + payload));
    at[8] = 64;
    at[9] = 6;
    memcpy(at + 12, s->from, 4);
    memcpy(at + 16, s->to, 4);
    if (s->ip_options)
        memcpy(at + 20, options, sizeof(options));
    put16(at + 10, fold(sum(0, at, header)));
    return header;
}

static size_t build_ipv6(uint8_t *at, const struct pf_segment *s, size_t payload)
{
    /* hop-by-hop with padding; destination options with an experiment (RFC 4727); an atomic
     * fragment (RFC 6946) */
    static const uint8_t extensions[] = {
        60, 0, 1,    4,  0, 0, 0, 0,                         /* then destination options */
        44, 1, 0x1e, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* then fragment */
        6,  0, 0,    0,  1, 2, 3, 4,                         /* then TCP */
    };
    size_t more = s->ip_options ? sizeof(extensions) : 0;

    memset(at, 0, 40);
    at[0] = 0x60;
    put16(at + 4, (uint32_t)(more + payload));
    at[6] = more ? 0 : 6;
    at[7] = 64;
    memcpy(at + 8, s->from, 16);
    memcpy(at + 24, s->to, 16);
    memcpy(at + 40, extensions, more);
    return 40 + more;
}

static size_t build_tcp(uint8_t *at, const struct pf_segment *s)
{
    size_t header = 20;

    put16(at, s->from_port);
    put16(at + 2, s->to_port);
    put32(at + 4, s->seq);
    put32(at + 8, s->ack);
    at[13] = s->flags;
    put16(at + 14, 65535);
    put32(at + 16, 0);
    if (s->flags & PF_SYN) {
        const uint8_t options[] = {2, 4, (uint8_t)(s->mss >> 8), (uint8_t)s->mss, 4, 2, 1, 1};

        memcpy(at + header, options, sizeof(options));
        header += sizeof(options);
    }
    if (s->sack_start != s->sack_end) {
        at[header] = at[header + 1] = 1;
        at[header + 2] = 5;
        at[header + 3] = 10;
        put32(at + header + 4, s->sack_start);
        put32(at + header + 8, s->sack_end);
        header += 12;
    }
    put16(at + 12, (uint32_t)(header / 4) << 12 | s->flags);
    memcpy(at + header, s->data, s->len);
    return header + s->len;
}

size_t pf_packet_build(uint8_t *packet, const struct pf_segment *s)
{
    static uint8_t tcp[PF_PACKET_MAX];
    size_t size, header, address = s->family == 4 ? 4 : 16;
    uint32_t checksum;

    if (s->len > PF_PACKET_MAX - 200)
        return 0;
    size = build_tcp(tcp, s);
    checksum = sum(6 + (uint32_t)size, s->from, address);
    checksum = sum(sum(checksum, s->to, address), tcp, size);
    put16(tcp + 16, fold(checksum) ^ (s->bad_checksum ? 0x5a5au : 0));
    header = s->family == 4 ? build_ipv4(packet, s, size) : build_ipv6(packet, s, size);
    memcpy(packet + header, tcp, size);
    return header + size;
}

bool pf_packet_parse(const uint8_t *packet, size_t size, struct pf_segment *s)
{
    size_t header, total;

    memset(s, 0, sizeof(*s));
    if (size >= 40 && packet[0] >> 4 == 4 && packet[9] == 6) {
        s->family = 4;
        header = (packet[0] & 15) * 4u;
        total = get16(packet + 2);
        memcpy(s->from, packet + 12, 4);
        memcpy(s->to, packet + 16, 4);
    } else if (size >= 60 && packet[0] >> 4 == 6 && packet[6] == 6) {
        s->family = 6;
        header = 40;
        total = 40u + get16(packet + 4);
        memcpy(s->from, packet + 8, 16);
        memcpy(s->to, packet + 24, 16);
    } else {
        return false;
    }
    if (total > size || total < header + 20)
        return false;
    packet += header;
    total -= header;
    header = (packet[12] >> 4) * 4u;
    if (header < 20 || header > total)
        return false;
    s->from_port = get16(packet);
    s->to_port = get16(packet + 2);
    s->seq = get32(packet + 4);
    s->ack = get32(packet + 8);
    s->flags = packet[13];
    s->data = packet + header;
    s->len = total - header;
    return true;
}
