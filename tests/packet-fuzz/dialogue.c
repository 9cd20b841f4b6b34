// SPDX-License-Identifier: Apache-2.0
#include "dialogue.h"

#include "packet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PEER_ISN 0x7ffff000u /* so that the peer's sequence numbers pass 2^31 */

struct dialogue {
    int tun, client;
    const struct pf_case *c;
    struct pf_played *played;
    struct pf_segment wire; /* the template of what the peer sends */
    uint32_t client_isn, acked;
    bool syn, fin, reset; /* what the client sent */
    bool closed;          /* what its TCP sends from now on is after the connection's CLOSE */
    uint8_t packet[PF_PACKET_MAX + 1];
};

static const struct {
    const char *addr;
    uint16_t port;
    uint8_t family; /* of the packets */
} targets[PF_TARGET_END] = {
    [PF_AGENT4] = {"169.254.170.23", 80, 4},      [PF_AGENT6] = {"fd00:ec2::23", 80, 6},
    [PF_AGENT4_IN_6] = {"169.254.170.23", 80, 4}, [PF_IMDS4] = {"169.254.169.254", 80, 4},
    [PF_TLS4] = {"203.0.113.10", 443, 4},         [PF_TLS6] = {"2001:db8::10", 443, 6},
};

void pf_target_address(uint8_t target, uint8_t addr[16], uint16_t *port)
{
    memset(addr, 0, 16);
    *port = targets[target].port;
    if (targets[target].family == 6) {
        inet_pton(AF_INET6, targets[target].addr, addr);
        return;
    }
    addr[10] = addr[11] = 0xff;
    inet_pton(AF_INET, targets[target].addr, addr + 12);
}

static uint64_t now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* Take what the client's TCP has put on the wire. */
static void drain(struct dialogue *d)
{
    struct pf_played *p = d->played;
    struct pf_segment s;
    ssize_t n;

    for (int i = 0; i < 4096 && (n = read(d->tun, d->packet, sizeof(d->packet))) > 0; i++) {
        if (!pf_packet_parse(d->packet, (size_t)n, &s) || s.to_port != targets[d->c->target].port)
            continue;
        if (s.flags & PF_SYN) {
            if (d->syn)
                continue;
            d->syn = true;
            d->client_isn = s.seq;
            d->wire = (struct pf_segment){.family = s.family,
                                          .from_port = s.to_port,
                                          .to_port = s.from_port,
                                          .seq = PEER_ISN};
            memcpy(d->wire.from, s.to, 16);
            memcpy(d->wire.to, s.from, 16);
            p->local_port = s.from_port;
            s.seq++;
        }
        if (!d->syn || s.from_port != p->local_port)
            continue;
        d->fin |= s.flags & PF_FIN;
        d->reset |= (s.flags & PF_RST) != 0;
        if (s.len && !d->closed) {
            uint32_t offset = s.seq - d->client_isn - 1, known = p->egress.len;

            if (offset < known)
                p->egress_repeats += known - offset < s.len ? known - offset : (uint32_t)s.len;
            if (offset <= known && offset + s.len > known)
                pf_append(&p->egress, s.data + (known - offset), offset + s.len - known);
        }
    }
}

static int transmit(struct dialogue *d, const struct pf_segment *s)
{
    static uint8_t packet[PF_PACKET_MAX];
    size_t size = pf_packet_build(packet, s);

    if (!size)
        return -EMSGSIZE;
    if (write(d->tun, packet, size) != (ssize_t)size)
        return -errno;
    drain(d);
    return 0;
}

static int acknowledge(struct dialogue *d)
{
    struct pf_segment s = d->wire;

    d->acked = d->played->egress.len;
    s.flags = PF_ACK;
    s.seq = PEER_ISN + 1 + d->played->ingress.len;
    s.ack = d->client_isn + 1 + d->acked + (d->fin ? 1 : 0);
    return transmit(d, &s);
}

/* What exceeds the client's congestion window leaves with the acknowledgements. */
static int acknowledge_all(struct dialogue *d)
{
    uint32_t before;
    int r;

    do {
        before = d->played->egress.len;
        r = acknowledge(d);
    } while (!r && d->played->egress.len != before);
    return r;
}

/* Loss of the first unacknowledged segment, as its receiver reports it (RFC 2018): three times,
 * with all that followed in one block. */
static int report_loss(struct dialogue *d)
{
    struct pf_segment s = d->wire;
    uint32_t outstanding = d->played->egress.len - d->acked, lost;
    int r = 0;

    lost = outstanding < d->c->mss ? outstanding / 2 : d->c->mss;
    if (outstanding - lost < 2 || !lost)
        return 0;
    s.flags = PF_ACK;
    s.seq = PEER_ISN + 1 + d->played->ingress.len;
    s.ack = d->client_isn + 1 + d->acked;
    s.sack_start = s.ack + lost;
    s.sack_end = s.ack + outstanding;
    for (int i = 0; i < 3 && !r; i++)
        r = transmit(d, &s);
    return r;
}

static void read_client(struct dialogue *d)
{
    struct pf_stream *stream = &d->played->ingress;
    ssize_t n;

    while (stream->len < PF_STREAM_MAX && (n = recv(d->client, stream->data + stream->len,
                                                    PF_STREAM_MAX - stream->len, MSG_DONTWAIT)) > 0)
        stream->len += (uint32_t)n;
}

static int send_client(struct dialogue *d, const struct pf_step *step, uint32_t *sent)
{
    const uint8_t *data = d->c->egress.data + *sent;
    ssize_t n = step->len ? send(d->client, data, step->len, MSG_DONTWAIT | MSG_NOSIGNAL) : 0;

    if (n > 0)
        *sent += (uint32_t)n;
    drain(d);
    if (step->flags & PF_NO_ACK)
        return 0;
    return acknowledge_all(d);
}

static int receive(struct dialogue *d, const struct pf_step *step)
{
    static uint8_t lies[PF_STREAM_MAX];
    struct pf_segment s = d->wire;
    int r;

    if (step->offset > d->played->ingress.len || step->flags & PF_OUT_OF_WINDOW)
        d->played->ingress_ordered = false;
    s.flags = PF_ACK | PF_PSH;
    s.seq = PEER_ISN + 1 + step->offset + (step->flags & PF_OUT_OF_WINDOW ? 0x40000000u : 0);
    s.ack = d->client_isn + 1 + d->acked;
    s.ip_options = step->flags & PF_OPTIONS;
    s.bad_checksum = step->flags & PF_BAD_CHECKSUM;
    s.data = d->c->ingress.data + step->offset;
    s.len = step->len;
    if (step->flags & PF_GARBLED) {
        for (uint32_t i = 0; i < step->len; i++)
            lies[i] = s.data[i] ^ 1;
        s.data = lies;
    }
    r = transmit(d, &s);
    read_client(d);
    return r;
}

static int finish(struct dialogue *d, uint8_t flags)
{
    struct pf_segment s = d->wire;

    s.flags = flags;
    s.seq = PEER_ISN + 1 + d->played->ingress.len;
    s.ack = d->client_isn + 1 + d->acked + (d->fin ? 1 : 0);
    return transmit(d, &s);
}

static int close_client(struct dialogue *d, bool abort)
{
    const struct linger linger = {.l_onoff = 1};

    if (abort)
        setsockopt(d->client, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    d->closed = true;
    if (d->client >= 0)
        close(d->client);
    d->client = -1;
    drain(d);
    return 0;
}

static int play_step(struct dialogue *d, const struct pf_step *step, uint32_t *sent)
{
    switch (step->op) {
    case PF_SEND:
        return send_client(d, step, sent);
    case PF_RECV:
        return receive(d, step);
    case PF_PEER_FIN:
        return finish(d, PF_ACK | PF_FIN);
    case PF_PEER_RST:
        return finish(d, PF_ACK | PF_RST);
    case PF_SHUTDOWN:
        shutdown(d->client, SHUT_WR);
        drain(d);
        return acknowledge(d);
    case PF_SACK:
        return report_loss(d);
    default:
        return close_client(d, step->op == PF_ABORT);
    }
}

static int connect_client(struct dialogue *d, uint32_t *sent)
{
    union {
        struct sockaddr sa;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    } to;
    const struct pf_case *c = d->c;
    bool in4 = targets[c->target].family == 4 && c->target != PF_AGENT4_IN_6;
    socklen_t len = in4 ? sizeof(to.in) : sizeof(to.in6), size = sizeof(d->played->cookie);
    ssize_t r;

    memset(&to, 0, sizeof(to));
    if (in4) {
        to.in.sin_family = AF_INET;
        to.in.sin_port = htons(targets[c->target].port);
        inet_pton(AF_INET, targets[c->target].addr, &to.in.sin_addr);
    } else {
        to.in6.sin6_family = AF_INET6;
        pf_target_address(c->target, to.in6.sin6_addr.s6_addr, &to.in6.sin6_port);
        to.in6.sin6_port = htons(to.in6.sin6_port);
    }
    d->client = socket(to.sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (d->client < 0)
        return -errno;
    setsockopt(d->client, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    setsockopt(d->client, SOL_SOCKET, SO_RCVBUF, &(int){1 << 18}, sizeof(int));
    setsockopt(d->client, SOL_SOCKET, SO_SNDBUF, &(int){1 << 18}, sizeof(int));
    getsockopt(d->client, SOL_SOCKET, SO_COOKIE, &d->played->cookie, &size);
    if (c->fast_open && c->steps[0].op == PF_SEND) {
        r = sendto(d->client, c->egress.data, c->steps[0].len,
                   MSG_FASTOPEN | MSG_DONTWAIT | MSG_NOSIGNAL, &to.sa, len);
        if (r > 0)
            *sent = (uint32_t)r;
    } else {
        r = connect(d->client, &to.sa, len);
    }
    if (r < 0 && errno != EINPROGRESS)
        return -errno;
    drain(d);
    return d->syn ? 0 : -ENETUNREACH;
}

static int handshake(struct dialogue *d)
{
    struct tcp_info info = {0};
    socklen_t size = sizeof(info);
    struct pf_segment s = d->wire;
    int r;

    s.flags = PF_SYN | PF_ACK;
    s.mss = d->c->mss;
    s.ack = d->client_isn + 1 + d->played->egress.len;
    d->acked = d->played->egress.len;
    r = transmit(d, &s);
    if (!r && (getsockopt(d->client, IPPROTO_TCP, TCP_INFO, &info, &size) ||
               info.tcpi_state != TCP_ESTABLISHED))
        r = -ETIMEDOUT;
    return r;
}

int pf_play(int tun, const struct pf_case *c, struct pf_played *played)
{
    static struct dialogue d;
    uint32_t sent = 0;
    int r;

    d.tun = tun;
    d.client = -1;
    d.c = c;
    d.played = played;
    d.closed = true;
    drain(&d); /* what an earlier case left on the wire; counts for nothing */
    d.syn = d.fin = d.reset = d.closed = false;
    played->egress.len = played->ingress.len = played->steps = played->egress_repeats = 0;
    played->ingress_ordered = true;
    played->begin_ns = now_ns();
    r = connect_client(&d, &sent);
    if (!r)
        r = handshake(&d);
    for (uint32_t i = 0; !r && i < c->step_count && d.client >= 0; i++) {
        struct pf_step step = c->steps[i];

        if (!i && step.op == PF_SEND)
            step.len -= sent; /* what went with the SYN */
        if (i && step.op == PF_RECV && d.acked != played->egress.len) {
            r = acknowledge_all(&d); /* a server that answers has heard the question */
            played->egress_after[i - 1] = played->egress.len;
        }
        if (!r)
            r = play_step(&d, &step, &sent);
        played->egress_after[i] = played->egress.len;
        played->ingress_after[i] = played->ingress.len;
        played->steps = i + 1;
    }
    close_client(&d, false);
    /* Leave no TIME_WAIT behind, which would run out of ports. */
    if (!r && d.syn && !d.reset)
        finish(&d, PF_ACK | PF_RST);
    played->end_ns = now_ns();
    return r;
}
