// SPDX-License-Identifier: Apache-2.0
#include "reference_hello.h"

#include <string.h>

#define RECORD_MAX 16640 /* RFC 8446 5.2 */
#define HELD_MAX   4     /* records of one ClientHello that the sensor reports */
#define PIECES_MAX 4096

/* A record as it lies in its stream; size counts what of its payload is there. */
struct piece {
    uint32_t at, size;
    uint16_t length;
    uint8_t content;
};

struct records {
    uint32_t count;
    bool malformed; /* what follows the last one is no record */
    struct piece at[PIECES_MAX];
};

static void split(const struct pf_stream *stream, struct records *r)
{
    uint32_t at = 0;

    r->count = 0;
    r->malformed = false;
    while (stream->len - at >= 5 && r->count < PIECES_MAX) {
        const uint8_t *head = stream->data + at;
        struct piece *piece = &r->at[r->count];
        uint32_t left = stream->len - at - 5;

        piece->at = at;
        piece->content = head[0];
        piece->length = (uint16_t)(head[3] << 8 | head[4]);
        if (head[0] < 20 || head[0] > 24 || head[1] != 3 || piece->length > RECORD_MAX) {
            r->malformed = true;
            return;
        }
        piece->size = left < piece->length ? left : piece->length;
        at += 5 + piece->size;
        r->count++;
    }
}

/* The handshake message that begins with record `first`, put together over records. */
struct message {
    uint32_t len;  /* as its header says; 0: the header is not whole */
    uint32_t last; /* the record it ends in */
    uint32_t end;  /* stream offset behind it */
    bool whole;
    bool broken; /* another content comes in between */
    uint8_t data[1 << 17];
};

static void assemble(const struct pf_stream *stream, const struct records *r, uint32_t first,
                     struct message *m)
{
    uint32_t have = 0;

    m->len = 0;
    m->whole = m->broken = false;
    for (uint32_t i = first; i < r->count; i++) {
        uint32_t size = r->at[i].size;

        if (r->at[i].content != 22) {
            m->broken = true;
            return;
        }
        if (have + size > sizeof(m->data))
            return;
        memcpy(m->data + have, stream->data + r->at[i].at + 5, size);
        have += size;
        if (have >= 4)
            m->len = 4 + ((uint32_t)m->data[1] << 16 | (uint32_t)m->data[2] << 8 | m->data[3]);
        if (m->len && have >= m->len) {
            m->whole = true;
            m->last = i;
            m->end = r->at[i].at + 5 + size - (have - m->len);
            return;
        }
    }
}

static uint8_t known_type(uint8_t type)
{
    static const uint8_t types[] = {1, 2, 4, 5, 8, 11, 12, 13, 14, 15, 16, 20, 21, 22, 24};

    return memchr(types, type, sizeof(types)) ? type : 0;
}

/* A direction while its records are gone through. */
struct side {
    const struct pf_played *played;
    const struct pf_stream *stream;
    const uint32_t *after;
    struct pf_reading *reading;
    struct records records;
    bool ccs;           /* a ChangeCipherSpec went by: what follows may be encrypted */
    bool unsure;        /* handshake types aren't compared any more */
    bool unsure_behind; /* … once a ChangeCipherSpec went by: the other side's choice is unsure */
    uint32_t message;   /* bytes of a handshake message that the next record goes on with */
};

static void side_init(struct side *side, const struct pf_played *played, bool egress,
                      struct pf_reading *reading)
{
    side->played = played;
    side->stream = egress ? &played->egress : &played->ingress;
    side->after = egress ? played->egress_after : played->ingress_after;
    side->reading = reading;
    side->ccs = side->unsure = side->unsure_behind = false;
    side->message = 0;
    split(side->stream, &side->records);
    pf_reading_reset(reading);
}

static uint32_t step_at(const struct side *side, uint32_t offset)
{
    return pf_step_of(side->after, side->played->steps, offset);
}

/* Follow clear handshake messages through a record, to know where the next one begins. */
static void follow(struct side *side, const struct piece *piece)
{
    const uint8_t *p = side->stream->data + piece->at + 5;
    uint32_t left = piece->size;

    while (left) {
        if (!side->message) {
            if (left < 4) {
                side->unsure = true;
                return;
            }
            side->message = 4 + ((uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]);
        }
        uint32_t n = side->message < left ? side->message : left;

        side->message -= n;
        p += n;
        left -= n;
    }
}

enum typing {
    NO_TYPE,   /* 0: not a handshake, encrypted, or known to go on with a hello */
    FIRST_BYTE /* of a clear handshake record; where it goes on with a message nobody says */
};

static void add_record(struct side *side, const struct piece *piece, enum typing typing,
                       uint32_t not_before)
{
    struct pf_fact fact = {
        .type = CS_FACT_TLS_RECORD, .length = piece->length, .code = piece->content};
    bool typed = typing == FIRST_BYTE && piece->length;

    if (typed && !piece->size && !side->unsure)
        return; /* its fact waits for the first byte */
    fact.end = piece->at + (typed && piece->size ? 6 : 5);
    fact.optional = typed && !piece->size;
    fact.loose = piece->content == 22 &&
                 (side->unsure || (side->unsure_behind && side->ccs) || (typed && side->message));
    if (typed && piece->size)
        fact.cipher = known_type(side->stream->data[piece->at + 5]);
    if (fact.end < not_before)
        fact.end = not_before;
    fact.step = step_at(side, fact.end);
    pf_reading_add(side->reading, &fact);
}

static void end_records(struct side *side)
{
    if (!side->records.malformed)
        return;
    pf_reading_doubt(side->reading);
    side->reading->gap = true;
}

/* What the ServerHello settles for the other direction. */
struct chosen {
    uint32_t step;
    bool tls13;
};

static bool is_clear(const struct side *side, const struct piece *piece,
                     const struct chosen *chosen)
{
    return !side->ccs || (chosen->tls13 && step_at(side, piece->at + 5) >= chosen->step);
}

static enum pf_watch read_client(struct side *side, const struct side *server,
                                 const struct chosen *chosen, struct pf_hello *hello)
{
    static struct message m;
    const struct records *r = &side->records;
    struct pf_fact fact = {.type = CS_FACT_CLIENT_HELLO, .flags_mask = 0xffff};

    if (!r->count || r->at[0].content != 22)
        return PF_UNWATCHED;
    assemble(side->stream, r, 0, &m);
    if (!m.whole)
        return r->at[0].length ? PF_UNWATCHED : PF_PERHAPS;
    fact.step = step_at(side, m.end);
    if (fact.step && server->after[fact.step - 1])
        return PF_UNWATCHED; /* a server that speaks first speaks no TLS */
    *hello = pf_read_hello(m.data, m.len, true);
    if (hello->strict && !pf_name_watched(hello))
        return PF_UNWATCHED;
    fact.end = m.end;
    fact.length = m.len;
    fact.flags = hello->flags;
    fact.text_len = hello->name_len;
    memcpy(fact.text, hello->name, hello->name_len);
    fact.loose = !hello->strict;
    if (!hello->strict) {
        side->unsure = true;
        pf_reading_doubt(side->reading);
    }
    pf_reading_add(side->reading, &fact);
    for (uint32_t i = 0; i < r->count; i++) {
        const struct piece *piece = &r->at[i];
        bool clear =
            piece->content == 22 && (i == 0 || (i > m.last && is_clear(side, piece, chosen)));

        side->ccs |= piece->content == 20;
        if (i < HELD_MAX || i > m.last)
            add_record(side, piece, clear ? FIRST_BYTE : NO_TYPE, i <= m.last ? m.end : 0);
        else
            pf_reading_doubt(side->reading); /* more of the hello's than are kept: a gap */
        if (clear || i <= m.last)
            follow(side, piece);
    }
    end_records(side);
    return hello->strict && r->at[0].length ? PF_WATCHED : PF_PERHAPS;
}

static void add_server_hello(struct side *side, const struct message *m, struct pf_hello *hello,
                             const struct pf_hello *client, struct chosen *chosen)
{
    struct pf_fact fact = {.type = CS_FACT_SERVER_HELLO, .flags_mask = 0xffff};
    bool echoed = hello->session_len && hello->session_len == client->session_len &&
                  !memcmp(hello->session, client->session, hello->session_len);

    fact.end = m->end;
    fact.step = step_at(side, m->end);
    fact.code = hello->version;
    fact.cipher = hello->cipher;
    fact.flags = hello->flags & (uint16_t)~CS_HELLO_SESSION_ID;
    fact.flags |= echoed ? CS_HELLO_SESSION_ID : 0;
    fact.flags |= hello->retry ? CS_HELLO_RETRY : 0;
    fact.flags |= hello->version == 0x0304 ? CS_HELLO_TLS13 : 0;
    fact.loose = fact.optional = !hello->strict;
    pf_reading_add(side->reading, &fact);
    if (hello->version == 0x0304) {
        chosen->tls13 = true;
        if (chosen->step > fact.step)
            chosen->step = fact.step;
    }
}

static void read_server(struct side *side, const struct pf_hello *client, struct chosen *chosen)
{
    static struct message m;
    const struct records *r = &side->records;
    uint32_t reading_until = 0; /* record behind the hello being read */
    uint32_t first = 0;         /* fact of the record it began in */
    struct pf_hello hello;
    bool done = false;

    for (uint32_t i = 0; i < r->count; i++) {
        const struct piece *piece = &r->at[i];
        bool clear = piece->content == 22 && (!side->ccs || chosen->tls13);
        bool goes_on = i < reading_until;

        side->ccs |= piece->content == 20;
        if (goes_on && !m.whole)
            side->unsure = true; /* of a hello that never ends: where it is given up differs */
        add_record(side, piece, clear && !goes_on ? FIRST_BYTE : NO_TYPE, 0);
        if (clear && !done && !goes_on && piece->size) {
            assemble(side->stream, r, i, &m);
            first = side->reading->count;
            reading_until = m.whole ? m.last + 1 : UINT32_MAX;
            if (m.data[0] != PF_SERVER_HELLO || (!m.whole && m.broken)) {
                /* Not one, or one that lies about its length: where it is given up differs. */
                pf_reading_doubt(side->reading);
                side->unsure = done = true;
                reading_until = 0;
            }
        }
        if (!done && reading_until == i + 1 && m.whole) {
            hello = pf_read_hello(m.data, m.len, false);
            if (!hello.strict) {
                pf_reading_doubt(side->reading);
                side->unsure = true;
                for (uint32_t n = first; n < side->reading->count; n++)
                    side->reading->facts[n].loose = 1; /* given up on the way: where differs */
            }
            done = !hello.retry || !hello.strict;
            add_server_hello(side, &m, &hello, client, chosen);
        }
        if (clear)
            follow(side, piece);
    }
    end_records(side);
}

enum pf_watch pf_read_tls(const struct pf_played *played, struct pf_reading reading[2])
{
    static struct side client, server;
    struct chosen chosen = {.step = UINT32_MAX};
    struct pf_hello hello = {.strict = false};
    enum pf_watch watch;

    side_init(&client, played, true, &reading[CS_DIR_EGRESS]);
    side_init(&server, played, false, &reading[CS_DIR_INGRESS]);
    /* The client's session id for the server's echo, the server's choice for the client's types. */
    watch = read_client(&client, &server, &chosen, &hello);
    read_server(&server, &hello, &chosen);
    side_init(&client, played, true, &reading[CS_DIR_EGRESS]);
    client.unsure_behind = server.unsure || !played->ingress_ordered;
    watch = read_client(&client, &server, &chosen, &hello);
    if (watch == PF_PERHAPS)
        for (int i = 0; i < 2; i++)
            pf_reading_doubt(&reading[i]);
    for (int i = 0; i < 2; i++)
        if (reading[i].clean)
            reading[i].sure = reading[i].count;
    return watch;
}
