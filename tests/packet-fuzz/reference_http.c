// SPDX-License-Identifier: Apache-2.0
#include "reference_head.h"

#include <string.h>

#define PENDING_MAX 63 /* requests without an answer; beyond, pairing is doubtful */

/* What the egress direction tells the ingress one. */
struct requests {
    uint32_t count;
    struct {
        uint32_t step;
        bool is_head, is_connect;
    } at[PF_FACTS_MAX];
    uint32_t doubt_step; /* from when on egress is not clean */
    uint32_t counted;    /* what ingress may know of them */
};

uint32_t pf_step_of(const uint32_t *after, uint32_t steps, uint32_t offset)
{
    uint32_t step = 0;

    while (step < steps && after[step] < offset)
        step++;
    return step;
}

void pf_reading_reset(struct pf_reading *r)
{
    r->count = r->sure = 0;
    r->clean = true;
    r->gap = false;
}

void pf_reading_doubt(struct pf_reading *r)
{
    if (r->clean)
        r->sure = r->count;
    r->clean = false;
}

struct pf_fact *pf_reading_add(struct pf_reading *r, const struct pf_fact *fact)
{
    static struct pf_fact beyond; /* what has no room is never compared: the case is too long */

    if (r->count == PF_FACTS_MAX)
        return &beyond;
    r->facts[r->count] = *fact;
    return &r->facts[r->count++];
}

static void add(struct pf_reading *r, const struct pf_head *head, uint32_t step)
{
    struct pf_fact *fact;

    if (head->doubtful || head->framing == PF_UNFRAMED)
        pf_reading_doubt(r);
    fact = pf_reading_add(r, &head->fact);
    fact->end = head->end;
    fact->step = step;
}

/* Behind a head: true and *at where the next one may begin, false when this stream is over. */
static bool body(struct pf_reading *r, const struct pf_stream *stream, const struct pf_head *head,
                 uint32_t *at, bool tidy)
{
    bool doubtful = false;
    uint32_t end = head->end;
    enum pf_state state;

    *at = end;
    if (head->framing == PF_TO_END)
        return false;
    if (head->framing == PF_UNFRAMED) {
        r->gap = true;
        return false;
    }
    if (head->framing == PF_LENGTH) {
        if (head->body > stream->len - end)
            return false;
        *at = end + (uint32_t)head->body;
        return true;
    }
    state = pf_read_chunks(stream, end, at, &doubtful);
    if (state == PF_MALFORMED)
        r->gap = true;
    if (doubtful || state == PF_MALFORMED || (state == PF_INCOMPLETE && !tidy))
        pf_reading_doubt(r);
    return state == PF_COMPLETE;
}

/* The next head from *at: empty lines before it are doubtful (RFC 9112 2.2). */
static bool next_head(struct pf_reading *r, const struct pf_stream *stream, uint32_t *at,
                      bool request, bool tidy, struct pf_head *head)
{
    while (*at < stream->len && (stream->data[*at] == '\r' || stream->data[*at] == '\n')) {
        pf_reading_doubt(r);
        (*at)++;
    }
    if (*at == stream->len)
        return false;
    *head = pf_read_head(stream, *at, request);
    if (head->state == PF_COMPLETE)
        return true;
    if (head->state == PF_MALFORMED)
        r->gap = true;
    if (head->state == PF_MALFORMED || head->doubtful || !tidy)
        pf_reading_doubt(r);
    return false;
}

static void read_requests(const struct pf_played *p, bool tidy, struct pf_reading *r,
                          struct requests *requests)
{
    const struct pf_stream *stream = &p->egress;
    struct pf_head head;
    uint32_t at = 0, start = 0, step;

    requests->doubt_step = UINT32_MAX;
    while (next_head(r, stream, &at, true, tidy, &head) && r->count < PF_FACTS_MAX) {
        step = pf_step_of(p->egress_after, p->steps, head.end);
        add(r, &head, step);
        if (!r->clean && requests->doubt_step == UINT32_MAX)
            requests->doubt_step = pf_step_of(p->egress_after, p->steps, start + 1);
        requests->at[requests->count].step = step;
        requests->at[requests->count].is_head = head.is_head;
        requests->at[requests->count++].is_connect = head.is_connect;
        if (head.is_connect)
            pf_reading_doubt(r);
        if (!body(r, stream, &head, &at, tidy))
            break;
        start = at;
    }
    if (!r->clean && requests->doubt_step == UINT32_MAX)
        requests->doubt_step = pf_step_of(p->egress_after, p->steps, start + 1);
}

static uint32_t asked_by(const struct requests *requests, uint32_t step)
{
    uint32_t n = 0;

    /* What leaves in the step of an answer leaves after it, pushed by its acknowledgement. */
    while (n < requests->count && n < requests->counted && requests->at[n].step < step)
        n++;
    return n;
}

/* How long the answer's body is, given what it answers (RFC 9112 6.3). False: what follows is no
 * HTTP of ours. */
static bool frame_answer(struct pf_reading *r, struct pf_head *head, bool asked, bool is_head,
                         bool is_connect)
{
    uint16_t status = head->fact.code;
    bool bare = is_head || status == 204 || status == 304 || (status < 200 && status != 101);

    if (status == 101 || (is_connect && status / 100 == 2)) {
        head->fact.flags_mask &= (uint16_t)~CS_RESPONSE_CLOSE;
        pf_reading_doubt(r);
        return false;
    }
    if (bare) {
        head->doubtful |= head->framing == PF_UNFRAMED;
        head->framing = PF_LENGTH;
        head->body = 0;
    } else if (head->framing == PF_TO_END) {
        head->fact.flags |= CS_RESPONSE_CLOSE;
        if (!asked)
            head->fact.flags_mask &= (uint16_t)~CS_RESPONSE_CLOSE;
    }
    return true;
}

static void read_responses(const struct pf_played *p, bool tidy, struct pf_reading *r,
                           const struct requests *requests)
{
    const struct pf_stream *stream = &p->ingress;
    uint32_t at = 0, answered = 0;
    struct pf_head head;

    while (next_head(r, stream, &at, false, tidy, &head) && r->count < PF_FACTS_MAX) {
        uint32_t step = pf_step_of(p->ingress_after, p->steps, head.end);
        uint32_t asked = asked_by(requests, step);
        bool known = asked > answered && asked - answered <= PENDING_MAX;
        bool goes_on;

        if (step >= requests->doubt_step)
            pf_reading_doubt(r);
        goes_on = frame_answer(r, &head, known && step < requests->doubt_step,
                               known && requests->at[answered].is_head,
                               known && requests->at[answered].is_connect);
        add(r, &head, step);
        if (!known)
            pf_reading_doubt(r); /* whether a body follows depends on what was asked */
        if (!known && head.fact.code >= 200 && step < requests->doubt_step) {
            /* It may answer the next request, or none: from here on no pairing is certain. */
            r->gap = head.end < stream->len;
            break;
        }
        if (known && (head.fact.code >= 200 || head.fact.code == 101))
            answered++;
        if (!goes_on)
            break;
        if (!body(r, stream, &head, &at, tidy))
            break;
    }
    for (uint32_t i = 0; requests->doubt_step != UINT32_MAX && i < r->count; i++)
        if (r->facts[i].step >= requests->doubt_step && r->sure > i)
            r->sure = i;
}

void pf_read_http(const struct pf_played *played, bool tidy, uint32_t counted,
                  struct pf_reading reading[2])
{
    static struct requests requests;

    for (int i = 0; i < 2; i++)
        pf_reading_reset(&reading[i]);
    requests.count = 0;
    requests.counted = counted;
    read_requests(played, tidy, &reading[CS_DIR_EGRESS], &requests);
    read_responses(played, tidy, &reading[CS_DIR_INGRESS], &requests);
    for (int i = 0; i < 2; i++)
        if (reading[i].clean)
            reading[i].sure = reading[i].count;
}
