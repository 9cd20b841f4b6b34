/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One fuzz case: what a client and its peer say on one connection, and the segments it travels in.
 *
 * The two streams are what the ends mean to say. Steps refer to them: SEND hands the next bytes of
 * the egress stream to the client's socket; RECV puts any range of the ingress stream on the wire,
 * so that a list of RECVs can reorder, repeat, overlap or leave out what it likes. A case can be
 * written as text and read back (tests/packet-fuzz/corpus, and the reproducer of a failure).
 */
#ifndef PF_CASE_H
#define PF_CASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define PF_STEPS_MAX  4096
#define PF_STREAM_MAX (72 * 1024)

/* Where the client connects to. */
enum pf_target {
    PF_AGENT4,      /* 169.254.170.23:80 */
    PF_AGENT6,      /* [fd00:ec2::23]:80 */
    PF_AGENT4_IN_6, /* ::ffff:169.254.170.23 from an AF_INET6 socket */
    PF_IMDS4,       /* 169.254.169.254:80 */
    PF_TLS4,        /* 203.0.113.10:443 */
    PF_TLS6,        /* [2001:db8::10]:443 */
    PF_TARGET_END,
};

enum pf_op {
    PF_SEND,     /* client: len bytes of the egress stream */
    PF_RECV,     /* peer: a segment with len bytes of the ingress stream from offset */
    PF_PEER_FIN, /* peer: FIN behind the last byte of the ingress stream */
    PF_PEER_RST, /* peer: RST */
    PF_SHUTDOWN, /* client: shutdown(SHUT_WR) */
    PF_CLOSE,    /* client: close; the end of the script */
    PF_ABORT,    /* client: close with linger 0; the end of the script */
    PF_SACK,     /* peer: all but the first unacknowledged segment have arrived (retransmit it) */
    PF_OP_END,
};

enum pf_step_flags {
    PF_NO_ACK = 1 << 0,        /* SEND: the peer holds its acknowledgement back */
    PF_OPTIONS = 1 << 1,       /* RECV: IPv4 options or IPv6 extension headers before TCP */
    PF_GARBLED = 1 << 2,       /* RECV: other bytes than the stream's (a lying retransmission) */
    PF_OUT_OF_WINDOW = 1 << 3, /* RECV: at a sequence number that the client must refuse */
    PF_BAD_CHECKSUM = 1 << 4,  /* RECV: the client's TCP drops it */
};

struct pf_step {
    uint8_t op;
    uint8_t flags;
    uint32_t offset;
    uint32_t len;
};

struct pf_stream {
    uint8_t data[PF_STREAM_MAX];
    uint32_t len;
};

struct pf_case {
    uint64_t seed;
    uint8_t target;
    uint8_t tls;       /* the streams are TLS, else HTTP/1.x */
    uint8_t tidy;      /* nothing was mutated: even what is cut off at its end is well-formed */
    uint8_t fast_open; /* the first SEND travels in the SYN */
    uint16_t mss;      /* what the peer's SYN offers */
    struct pf_stream egress, ingress;
    struct pf_step steps[PF_STEPS_MAX];
    uint32_t step_count;
};

void pf_case_reset(struct pf_case *c, uint64_t seed);

/* Append to a stream; what exceeds PF_STREAM_MAX is dropped. */
void pf_append(struct pf_stream *stream, const void *data, size_t len);
void pf_append_text(struct pf_stream *stream, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void pf_add_step(struct pf_case *c, enum pf_op op, unsigned int flags, uint32_t offset,
                 uint32_t len);

/* As text; pf_case_read returns 0 or -EBADMSG with a line on stderr. */
void pf_case_write(const struct pf_case *c, FILE *to);
int pf_case_read(struct pf_case *c, FILE *from);

#endif
