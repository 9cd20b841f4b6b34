// SPDX-License-Identifier: Apache-2.0
#include "compare.h"

#include "core/facts/fact.h"

#include <stdarg.h>
#include <string.h>

/* One direction's facts as they are matched in ring order. */
struct cursor {
    const struct pf_reading *reading;
    uint32_t next; /* expected fact */
    bool gap;      /* since the last matched one */
    bool gap_ever;
    bool in_order; /* nothing came early: the reading is exact where it is clean */
};

static bool fail(char why[PF_WHY_MAX], const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool fail(char why[PF_WHY_MAX], const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(why, PF_WHY_MAX, format, args);
    va_end(args);
    return false;
}

static bool same_flags(const struct pf_fact *want, uint32_t got)
{
    return ((want->flags ^ got) & want->flags_mask) == 0;
}

static bool same_text(const uint8_t *want, uint32_t want_len, const uint8_t *got, uint32_t got_len)
{
    return want_len == got_len && !memcmp(want, got, got_len);
}

static bool same_request(const struct pf_fact *want, const struct cs_fact_request *got)
{
    if (got->head_length != want->head_length || !same_flags(want, got->flags))
        return false;
    if (want->loose)
        return true;
    return got->body_length == want->length &&
           same_text(want->text, want->text_len, got->text, got->line_len) &&
           same_text(want->text2, want->text2_len, got->text + got->line_len, got->user_agent_len);
}

static bool same_response(const struct pf_fact *want, const struct cs_fact_response *got)
{
    if (got->head_length != want->head_length || got->status != want->code)
        return false;
    if (want->loose)
        return true;
    return got->body_length == want->length && same_flags(want, got->flags) &&
           same_text(want->text2, want->text2_len, got->text, got->server_len);
}

static bool same_client_hello(const struct pf_fact *want, const struct cs_fact_client_hello *got)
{
    return want->loose || (got->hello_length == want->length && same_flags(want, got->flags) &&
                           same_text(want->text, want->text_len, got->text, got->sni_len));
}

static bool same_record(const struct pf_fact *want, const struct cs_fact_tls_record *got)
{
    return got->length == want->length && got->content == want->code &&
           (want->loose || got->handshake == want->cipher);
}

static bool same_server_hello(const struct pf_fact *want, const struct cs_fact_server_hello *got)
{
    return want->loose || (got->version == want->code && got->cipher == want->cipher &&
                           same_flags(want, got->flags));
}

static bool same(const struct pf_fact *want, const struct cs_fact_header *got)
{
    if (want->type != got->type)
        return false;
    switch (got->type) {
    case CS_FACT_REQUEST:
        return same_request(want, (const void *)got);
    case CS_FACT_RESPONSE:
        return same_response(want, (const void *)got);
    case CS_FACT_CLIENT_HELLO:
        return same_client_hello(want, (const void *)got);
    case CS_FACT_SERVER_HELLO:
        return same_server_hello(want, (const void *)got);
    default:
        return same_record(want, (const void *)got);
    }
}

/* enum cs_direction, or -1 for a fact of the connection as a whole. */
static int direction_of(const struct cs_fact_header *fact)
{
    switch (fact->type) {
    case CS_FACT_REQUEST:
    case CS_FACT_CLIENT_HELLO:
        return CS_DIR_EGRESS;
    case CS_FACT_RESPONSE:
    case CS_FACT_SERVER_HELLO:
        return CS_DIR_INGRESS;
    case CS_FACT_TLS_RECORD:
        return ((const struct cs_fact_tls_record *)fact)->direction;
    case CS_FACT_GAP:
        return ((const struct cs_fact_gap *)fact)->direction;
    default:
        return -1;
    }
}

static uint64_t first_byte(const struct cs_fact_header *fact)
{
    switch (fact->type) {
    case CS_FACT_REQUEST:
        return ((const struct cs_fact_request *)fact)->first_byte_ns;
    case CS_FACT_RESPONSE:
        return ((const struct cs_fact_response *)fact)->first_byte_ns;
    case CS_FACT_CLIENT_HELLO:
        return ((const struct cs_fact_client_hello *)fact)->first_byte_ns;
    default:
        return fact->time_ns;
    }
}

/* What holds for every fact alone: decodable, numbered, in the case's time. */
static bool check_each(const struct pf_played *p, const struct pf_observed *o, char *why)
{
    static struct cs_fact decoded;

    for (uint32_t i = 0; i < o->count; i++) {
        const struct cs_fact_header *fact = o->facts[i];
        enum cs_fact_error error = cs_fact_decode(fact, fact->size, &decoded);
        uint64_t first = first_byte(fact);

        if (error)
            return fail(why, "fact %u (type %u) does not decode: %s", i, fact->type,
                        cs_fact_error_name(error));
        if (fact->seq != i || fact->generation)
            return fail(why, "fact %u has number %u, generation %u", i, fact->seq,
                        fact->generation);
        if (first < p->begin_ns || first > fact->time_ns || fact->time_ns > p->end_ns)
            return fail(why, "fact %u (type %u) is out of time", i, fact->type);
    }
    return true;
}

static bool check_begin(const struct pf_case *c, const struct pf_played *p,
                        const struct pf_observed *o, char *why)
{
    const struct cs_fact_connect *connect = (const void *)o->facts[0];
    const struct cs_fact_established *established = NULL;
    uint8_t addr[16];
    uint16_t port;

    pf_target_address(c->target, addr, &port);
    if (connect->header.type != CS_FACT_CONNECT || memcmp(connect->daddr, addr, 16) ||
        connect->dport != port || connect->kind != (port == 443 ? CS_WATCH_TLS : CS_WATCH_PLAIN))
        return fail(why, "the first fact is not the connect to the target");
    if (!!(connect->flags & CS_CONNECT_MAPPED) != (c->target == PF_AGENT4_IN_6))
        return fail(why, "CS_CONNECT_MAPPED is wrong");
    for (uint32_t i = 1; i < o->count; i++)
        if (o->facts[i]->type == CS_FACT_ESTABLISHED)
            established = (const void *)o->facts[i];
    if (!established || established->sport != p->local_port || established->dport != port ||
        memcmp(established->daddr, addr, 16))
        return fail(why, "no ESTABLISHED fact with both ends");
    return true;
}

/* Who ended it first (abi.h, enum cs_close_reason); 0: several answers are right. */
static uint8_t close_reason(const struct pf_case *c, const struct pf_played *p)
{
    for (uint32_t i = 0; i < p->steps; i++) {
        switch (c->steps[i].op) {
        case PF_CLOSE:
            return p->ingress.len == PF_STREAM_MAX ? 0 : CS_CLOSE_LOCAL;
        case PF_SHUTDOWN:
            return CS_CLOSE_LOCAL;
        case PF_ABORT:
            return CS_CLOSE_RESET_LOCAL;
        case PF_PEER_FIN:
            return CS_CLOSE_REMOTE;
        case PF_PEER_RST:
            return CS_CLOSE_RESET_BY_PEER;
        }
    }
    return CS_CLOSE_LOCAL;
}

static bool check_end(const struct pf_case *c, const struct pf_played *p,
                      const struct pf_observed *o, bool ordered, char *why)
{
    const struct cs_fact_close *close = (const void *)o->facts[o->count - 1];
    uint8_t reason = close_reason(c, p);

    if (close->header.type != CS_FACT_CLOSE)
        return fail(why, "the last fact is no CLOSE but type %u", close->header.type);
    if (close->bytes_sent != p->egress.len)
        return fail(why, "CLOSE says %llu bytes sent, %u were",
                    (unsigned long long)close->bytes_sent, p->egress.len);
    if (ordered && close->bytes_received != p->ingress.len)
        return fail(why, "CLOSE says %llu bytes received, %u were",
                    (unsigned long long)close->bytes_received, p->ingress.len);
    if (ordered && reason && close->reason != reason)
        return fail(why, "CLOSE says reason %u, it was %u", close->reason, reason);
    return true;
}

static bool match(struct cursor *at, const struct cs_fact_header *fact, uint32_t n,
                  const struct pf_fact **matched, char *why)
{
    const struct pf_reading *reading = at->reading;
    uint32_t i = at->next, missing = 0;

    for (; i < reading->count && !same(&reading->facts[i], fact); i++)
        missing += !reading->facts[i].optional;
    if (i == reading->count)
        return fail(why, "fact %u (type %u) is not what the stream says (%u expected, %u matched)",
                    n, fact->type, reading->count, at->next);
    if (missing && !at->gap)
        return fail(why, "fact %u (type %u): %u before it are missing without a gap", n, fact->type,
                    missing);
    *matched = &reading->facts[i];
    at->next = i + 1;
    at->gap = false;
    return true;
}

static bool gap(struct cursor *at, uint32_t n, char *why)
{
    const struct pf_reading *reading = at->reading;

    if (at->in_order && (reading->clean || at->next < reading->sure))
        return fail(why, "fact %u is a gap in a clean stream (%u of %u sure facts before it)", n,
                    at->next, reading->sure);
    at->gap = at->gap_ever = true;
    return true;
}

static bool finished(const struct cursor *at, int direction, char *why)
{
    const struct pf_reading *reading = at->reading;
    uint32_t missing = 0;

    for (uint32_t i = at->next; i < reading->count; i++)
        missing += !reading->facts[i].optional;
    if (missing && !at->gap)
        return fail(why, "direction %d: %u of %u facts, and no gap", direction, at->next,
                    reading->count);
    if (reading->gap && !at->gap_ever)
        return fail(why, "direction %d: malformed bytes and no gap", direction);
    return true;
}

static bool match_all(struct cursor cursors[2], const struct pf_observed *o, char *why)
{
    bool ordered = cursors[0].in_order && cursors[1].in_order;
    const struct pf_fact *matched = NULL;
    uint32_t step = 0;

    for (uint32_t i = 0; i < o->count; i++) {
        int direction = direction_of(o->facts[i]);

        if (direction < 0)
            continue;
        if (o->facts[i]->type == CS_FACT_GAP) {
            if (!gap(&cursors[direction], i, why))
                return false;
            continue;
        }
        if (!match(&cursors[direction], o->facts[i], i, &matched, why))
            return false;
        if (ordered && matched->step < step)
            return fail(why, "fact %u (type %u) comes too late", i, o->facts[i]->type);
        step = matched->step;
    }
    return finished(&cursors[0], 0, why) && finished(&cursors[1], 1, why);
}

/* No byte of what must stay in the kernel, in any fact of a case in which the generator knows
 * where that is. */
static bool no_secret(const struct pf_observed *o, char *why)
{
    const void *at = memmem(o->bytes, o->used, PF_SECRET, strlen(PF_SECRET));

    if (!at)
        return true;
    return fail(why, "a fact holds a secret: %.24s", (const char *)at);
}

bool pf_compare(const struct pf_case *c, const struct pf_played *played,
                const struct pf_reading reading[2], enum pf_watch watch,
                const struct pf_observed *o, struct pf_tally *tally, char why[PF_WHY_MAX])
{
    struct cursor cursors[2] = {{.reading = &reading[0], .in_order = true},
                                {.reading = &reading[1], .in_order = played->ingress_ordered}};

    if (o->overflow)
        return fail(why, "more facts than one connection may send");
    if (watch == PF_UNWATCHED || (watch == PF_PERHAPS && !o->count)) {
        tally->unwatched++;
        return !o->count || fail(why, "%u facts of a connection that is not watched", o->count);
    }
    if (!o->count)
        return fail(why, "no fact at all");
    if (!check_each(played, o, why) || !check_begin(c, played, o, why) ||
        !check_end(c, played, o, cursors[1].in_order, why) || !match_all(cursors, o, why))
        return false;
    tally->facts += o->count;
    tally->gaps += cursors[0].gap_ever || cursors[1].gap_ever;
    tally->doubtful += !reading[0].clean || !reading[1].clean;
    tally->exact += reading[0].clean && reading[1].clean && cursors[1].in_order;
    return !c->tidy || no_secret(o, why);
}

static void print_text(FILE *to, const uint8_t *text, uint32_t len)
{
    fputc('"', to);
    for (uint32_t i = 0; i < len; i++)
        if (text[i] >= 0x20 && text[i] < 0x7f)
            fputc(text[i], to);
        else
            fprintf(to, "\\x%02x", text[i]);
    fputs("\" ", to);
}

static void print_observed(const struct cs_fact_header *fact, FILE *to)
{
    const struct cs_fact_request *request = (const void *)fact;
    const struct cs_fact_response *response = (const void *)fact;
    const struct cs_fact_client_hello *hello = (const void *)fact;
    const struct cs_fact_server_hello *server = (const void *)fact;
    const struct cs_fact_tls_record *record = (const void *)fact;
    const struct cs_fact_gap *lost = (const void *)fact;
    const struct cs_fact_close *end = (const void *)fact;

    fprintf(to, "#   got  %2u %-14s ", fact->seq, cs_fact_type_name(fact->type));
    if (fact->type == CS_FACT_REQUEST) {
        print_text(to, request->text, request->line_len);
        print_text(to, request->text + request->line_len, request->user_agent_len);
        fprintf(to, "head=%u body=%llu flags=%x", request->head_length,
                (unsigned long long)request->body_length, request->flags);
    } else if (fact->type == CS_FACT_RESPONSE) {
        print_text(to, response->text, response->server_len);
        fprintf(to, "status=%u head=%u body=%llu flags=%x", response->status, response->head_length,
                (unsigned long long)response->body_length, response->flags);
    } else if (fact->type == CS_FACT_CLIENT_HELLO) {
        print_text(to, hello->text, hello->sni_len);
        fprintf(to, "length=%u flags=%x", hello->hello_length, hello->flags);
    } else if (fact->type == CS_FACT_SERVER_HELLO) {
        fprintf(to, "version=%x cipher=%x flags=%x", server->version, server->cipher,
                server->flags);
    } else if (fact->type == CS_FACT_TLS_RECORD) {
        fprintf(to, "dir=%u content=%u handshake=%u length=%u", record->direction, record->content,
                record->handshake, record->length);
    } else if (fact->type == CS_FACT_GAP) {
        fprintf(to, "dir=%u reason=%u bytes=%u", lost->direction, lost->reason, lost->bytes);
    } else if (fact->type == CS_FACT_CLOSE) {
        fprintf(to, "reason=%u sent=%llu received=%llu", end->reason,
                (unsigned long long)end->bytes_sent, (unsigned long long)end->bytes_received);
    }
    fputc('\n', to);
}

void pf_print_facts(const struct pf_reading reading[2], const struct pf_observed *o, FILE *to)
{
    for (int d = 0; d < 2; d++) {
        fprintf(to, "#   direction %d: %u facts, %u sure%s%s\n", d, reading[d].count,
                reading[d].sure, reading[d].clean ? ", clean" : "",
                reading[d].gap ? ", then a gap" : "");
        for (uint32_t i = 0; i < reading[d].count; i++) {
            const struct pf_fact *fact = &reading[d].facts[i];

            fprintf(to, "#   want %2u %-14s ", i, cs_fact_type_name(fact->type));
            print_text(to, fact->text, fact->text_len);
            print_text(to, fact->text2, fact->text2_len);
            fprintf(to, "code=%u/%x head=%u length=%llu flags=%x/%x step=%u%s\n", fact->code,
                    fact->cipher, fact->head_length, (unsigned long long)fact->length, fact->flags,
                    fact->flags_mask, fact->step, fact->loose ? " loose" : "");
        }
    }
    for (uint32_t i = 0; i < o->count; i++)
        print_observed(o->facts[i], to);
}
