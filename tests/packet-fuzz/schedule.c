// SPDX-License-Identifier: Apache-2.0
#include "generate.h"

#include <string.h>

#define CUTS_MAX 512

/* How a turn's bytes are cut into segments. */
enum cutting { WHOLE, A_FEW, AT_LINES, SMALL, BYTES };

/* Offsets behind each piece of [from, to). */
static uint32_t cut(struct pf_random *r, const struct pf_stream *s, uint32_t from, uint32_t to,
                    enum cutting how, uint32_t limit, uint32_t ends[CUTS_MAX])
{
    uint32_t n = 0, at = from;

    while (at < to && n < CUTS_MAX - 1) {
        const uint8_t *line = memchr(s->data + at, '\n', to - at);
        uint32_t step = to - at;

        if (how == A_FEW && step > 1)
            step = pf_between(r, 1, step);
        else if (how == AT_LINES && line)
            step = (uint32_t)(line - s->data) - at + pf_below(r, 3);
        else if (how == SMALL)
            step = pf_between(r, 1, 20 + (to - from) / 12);
        else if (how == BYTES)
            step = pf_percent(r, 90) ? 1 : 2;
        if (!step)
            step = 1;
        if (step > limit || n > CUTS_MAX / 2)
            step = limit;
        at = step > to - at ? to : at + step;
        ends[n++] = at;
    }
    return n;
}

/* Many segments are slow to play: mostly short turns are cut small. */
static enum cutting pick_cutting(struct pf_random *r, uint32_t len)
{
    uint32_t dice = pf_below(r, 100);

    if (dice < 40)
        return WHOLE;
    if (dice < 75)
        return A_FEW;
    if (dice < 88)
        return AT_LINES;
    if (dice < 96 || len > CUTS_MAX / 2)
        return SMALL;
    return BYTES;
}

static void send_turn(struct pf_case *c, struct pf_random *r, uint32_t from, uint32_t to,
                      uint32_t held)
{
    uint32_t ends[CUTS_MAX], n;

    n = cut(r, &c->egress, from, to, pick_cutting(r, to - from), 16384, ends);
    for (uint32_t i = 0; i < n; i++) {
        /* Unacknowledged bytes stay below the initial window of ten segments (RFC 6928). */
        bool hold = held && ends[i] - from < 4u * c->mss && i < 8;

        pf_add_step(c, PF_SEND, hold ? PF_NO_ACK : 0, from, ends[i] - from);
        if (hold && i + 1 < n && pf_percent(r, 50))
            pf_add_step(c, PF_SACK, 0, 0, 0);
        from = ends[i];
    }
}

/* One segment out of order, repeated, lied about or refused. */
static void disturb(struct pf_case *c, struct pf_random *r, uint32_t from, uint32_t end)
{
    uint32_t back = pf_below(r, from < 200 ? from + 1 : 200);

    switch (pf_below(r, 5)) {
    case 0: /* repeats what came before */
        pf_add_step(c, PF_RECV, 0, from - back, back);
        break;
    case 1: /* … and lies about it */
        pf_add_step(c, PF_RECV, PF_GARBLED, from - back, back);
        break;
    case 2: /* overlaps what is new */
        pf_add_step(c, PF_RECV, 0, from - back, back + (end - from + 1) / 2);
        break;
    case 3:
        pf_add_step(c, PF_RECV, PF_GARBLED | PF_OUT_OF_WINDOW, from, end - from);
        break;
    default:
        pf_add_step(c, PF_RECV, PF_BAD_CHECKSUM, from, end - from);
        break;
    }
}

static void receive_turn(struct pf_case *c, struct pf_random *r, uint32_t from, uint32_t to,
                         bool disturbed, bool disordered)
{
    uint32_t ends[CUTS_MAX], n, flags = pf_percent(r, 15) ? PF_OPTIONS : 0;

    n = cut(r, &c->ingress, from, to, pick_cutting(r, to - from), 16384, ends);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t end = ends[i], next = i + 1 < n ? ends[i + 1] : end;

        if (disturbed && pf_percent(r, 30))
            disturb(c, r, from, end);
        if (disordered && next != end && pf_percent(r, 40)) {
            pf_add_step(c, PF_RECV, flags, end, next - end);
            pf_add_step(c, PF_RECV, flags, from, end - from);
            end = next;
            i++;
        } else {
            pf_add_step(c, PF_RECV, flags, from, end - from);
        }
        from = end;
    }
}

static void finish(struct pf_case *c, struct pf_random *r)
{
    switch (pf_below(r, 6)) {
    case 0:
        pf_add_step(c, PF_PEER_FIN, 0, 0, 0);
        break;
    case 1:
        pf_add_step(c, PF_PEER_RST, 0, 0, 0);
        break;
    case 2:
        pf_add_step(c, PF_SHUTDOWN, 0, 0, 0);
        break;
    case 3:
        pf_add_step(c, PF_ABORT, 0, 0, 0);
        return;
    }
    pf_add_step(c, PF_CLOSE, 0, 0, 0);
}

static uint32_t up_to(uint32_t offset, uint32_t len)
{
    return offset < len ? offset : len;
}

void pf_schedule(struct pf_case *c, struct pf_random *r, const struct pf_turns *turns)
{
    bool held = pf_percent(r, 20), disturbed = pf_percent(r, 20), disordered = pf_percent(r, 15);
    uint32_t egress = 0, ingress = 0;

    for (uint32_t i = 0; i < turns->count; i++) {
        bool last = i + 1 == turns->count;
        uint32_t out = last ? c->egress.len : up_to(turns->at[i].egress, c->egress.len);
        uint32_t in = last ? c->ingress.len : up_to(turns->at[i].ingress, c->ingress.len);

        if (out > egress)
            send_turn(c, r, egress, out, held);
        if (in > ingress)
            receive_turn(c, r, ingress, in, disturbed, disordered);
        egress = out > egress ? out : egress;
        ingress = in > ingress ? in : ingress;
    }
    finish(c, r);
}
