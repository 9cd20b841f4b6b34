// SPDX-License-Identifier: Apache-2.0
#include "reference_head.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define HEAD_MAX      65536 /* include/credscope/abi.h: CS_GAP_HEAD_LIMIT; the limit is the sensor's */
#define LENGTH_DIGITS 15    /* longer numbers are doubtful */
#define METHOD_MAX    15

struct text {
    const uint8_t *p;
    uint32_t len;
};

static bool is_token(uint8_t c)
{
    return c > 0x20 && c < 0x7f && !strchr("\"(),/:;<=>?@[\\]{}", c);
}

static struct text trim(struct text t)
{
    while (t.len && (t.p[0] == ' ' || t.p[0] == '\t'))
        t.p++, t.len--;
    while (t.len && (t.p[t.len - 1] == ' ' || t.p[t.len - 1] == '\t'))
        t.len--;
    return t;
}

static bool is_text(struct text t, const char *word)
{
    return t.len == strlen(word) && !strncasecmp((const char *)t.p, word, t.len);
}

/* The line at *at without its end; false when the stream ends first. */
static bool next_line(const struct pf_stream *stream, uint32_t *at, struct text *line,
                      bool *doubtful)
{
    const uint8_t *start = stream->data + *at;
    const uint8_t *lf = memchr(start, '\n', stream->len - *at);

    line->p = start;
    line->len = (uint32_t)((lf ? lf : stream->data + stream->len) - start);
    if (!lf)
        return false;
    *at += line->len + 1;
    if (line->len && line->p[line->len - 1] == '\r')
        line->len--;
    else
        *doubtful = true;
    if (memchr(line->p, '\r', line->len))
        *doubtful = true;
    return true;
}

static void set_text(uint8_t *to, uint16_t *len, uint32_t max, struct text from,
                     struct pf_fact *fact, uint16_t cut_flag)
{
    if (from.len > max) {
        fact->flags |= cut_flag;
        from.len = max;
    }
    memcpy(to, from.p, from.len);
    *len = (uint16_t)from.len;
}

/* method SP target SP version (RFC 9112 3) */
static bool request_line(struct pf_head *head, struct text line)
{
    static uint8_t out[PF_STREAM_MAX + 32];
    const uint8_t *sp = memchr(line.p, ' ', line.len), *end = line.p + line.len, *version;
    struct pf_fact *fact = &head->fact;
    bool cut = false, loose = false;
    uint32_t n;

    if (!sp || sp == line.p)
        return false;
    version = memchr(sp + 1, ' ', (size_t)(end - sp - 1));
    if (!version || end - version != 9)
        return false;
    if (memcmp(version, " HTTP/1.1", 9) && memcmp(version, " HTTP/1.0", 9))
        return false;
    for (const uint8_t *c = line.p; c < sp; c++) {
        if (!is_token(*c))
            return false;
        if (!((*c | 0x20) >= 'a' && (*c | 0x20) <= 'z') && *c != '-' && *c != '_')
            head->doubtful = true; /* a token, though no method anybody registered */
    }
    if (sp - line.p > METHOD_MAX || version == sp + 1)
        head->doubtful = true;
    for (const uint8_t *c = sp + 1; c < version; c++)
        if (*c < 0x21 || *c > 0x7e)
            return false;
    head->is_head = sp - line.p == 4 && !memcmp(line.p, "HEAD", 4);
    head->is_connect = sp - line.p == 7 && !memcmp(line.p, "CONNECT", 7);
    n = (uint32_t)(sp + 1 - line.p);
    memcpy(out, line.p, n);
    n += pf_cut_target(sp + 1, (uint32_t)(version - sp - 1), out + n, &cut, &loose);
    memcpy(out + n, version, 9);
    set_text(fact->text, &fact->text_len, CS_REQUEST_LINE_MAX, (struct text){out, n + 9}, fact,
             CS_REQUEST_LINE_CUT);
    fact->loose = loose;
    fact->flags |= cut ? CS_REQUEST_QUERY_CUT : 0;
    if (line.len > CS_REQUEST_LINE_MAX)
        fact->flags_mask &= (uint16_t)~CS_REQUEST_LINE_CUT;
    if (loose)
        fact->flags_mask &= (uint16_t)~CS_REQUEST_QUERY_CUT;
    return true;
}

/* version SP 3DIGIT [SP reason] (RFC 9112 4) */
static bool status_line(struct pf_head *head, struct text line)
{
    if (line.len < 12 || (memcmp(line.p, "HTTP/1.1 ", 9) && memcmp(line.p, "HTTP/1.0 ", 9)))
        return false;
    for (int i = 9; i < 12; i++) {
        if (line.p[i] < '0' || line.p[i] > '9')
            return false;
        head->fact.code = (uint16_t)(head->fact.code * 10 + line.p[i] - '0');
    }
    return head->fact.code >= 100 && (line.len == 12 || line.p[12] == ' ');
}

struct fields {
    bool request;
    bool length, length_bad;
    bool coding, chunked;
    bool agent;
    uint64_t value;
};

static void length_field(struct fields *f, struct text value, bool *doubtful)
{
    uint64_t number = 0;
    uint32_t i = 0;

    for (; i < value.len && value.p[i] >= '0' && value.p[i] <= '9' && i < 19; i++)
        number = number * 10 + value.p[i] - '0';
    if (!value.len || i != value.len || value.len > LENGTH_DIGITS)
        f->length_bad = true;
    if (f->length) {
        *doubtful = true;
        if (f->value != number)
            f->length_bad = true;
    }
    f->length = true;
    f->value = number;
}

/* The last coding of the last line (RFC 9112 6.1). */
static void coding_field(struct fields *f, struct text value)
{
    struct text last = value;

    for (uint32_t i = 0; i < value.len; i++)
        if (value.p[i] == ',')
            last = (struct text){value.p + i + 1, value.len - i - 1};
    f->coding = true;
    f->length_bad |= memchr(value.p, '\r', value.len) != NULL;
    f->chunked = is_text(trim(last), "chunked");
}

static void agent_field(struct pf_head *head, struct fields *f, struct text value)
{
    uint32_t max = f->request ? CS_USER_AGENT_MAX : CS_SERVER_MAX, raw = value.len;
    uint16_t cut =
        f->request ? (uint16_t)CS_REQUEST_USER_AGENT_CUT : (uint16_t)CS_RESPONSE_SERVER_CUT;
    struct pf_fact *fact = &head->fact;

    if (f->agent) {
        head->doubtful = true;
        return;
    }
    f->agent = true;
    if (memchr(value.p, '\r', value.len))
        fact->loose = 1; /* where a bare CR ends it is not compared */
    if (fact->loose || (raw > max && trim(value).len <= max))
        fact->flags_mask &= (uint16_t)~cut;
    value = trim(value);
    set_text(fact->text2, &fact->text2_len, max, value, fact, cut);
    while (fact->text2_len && strchr(" \t", fact->text2[fact->text2_len - 1]) &&
           fact->text2[fact->text2_len - 1])
        fact->text2_len--;
}

static void named_field(struct pf_head *head, struct fields *f, struct text name, struct text value,
                        struct text raw)
{
    static const struct {
        const char *name;
        uint16_t flag;
    } marks[] = {{"authorization", CS_REQUEST_AUTHORIZATION},
                 {"x-aws-ec2-metadata-token", CS_REQUEST_IMDS_TOKEN},
                 {"x-aws-ec2-metadata-token-ttl-seconds", CS_REQUEST_IMDS_TTL},
                 {"metadata", CS_REQUEST_METADATA}};

    if (is_text(name, "content-length"))
        length_field(f, value, &head->doubtful);
    else if (is_text(name, "transfer-encoding"))
        coding_field(f, value);
    else if (is_text(name, f->request ? "user-agent" : "server"))
        agent_field(head, f, raw);
    for (size_t i = 0; f->request && i < sizeof(marks) / sizeof(marks[0]); i++)
        if (is_text(name, marks[i].name))
            head->fact.flags |= marks[i].flag;
}

/* False: not a field line (RFC 9112 5). */
static bool field_line(struct pf_head *head, struct fields *f, struct text line, bool folded)
{
    const uint8_t *colon = memchr(line.p, ':', line.len);
    struct text name, value;

    if (!colon || colon == line.p)
        return false;
    name = (struct text){line.p, (uint32_t)(colon - line.p)};
    for (uint32_t i = 0; i < name.len; i++)
        if (!is_token(name.p[i]))
            return false;
    value = (struct text){colon + 1, line.len - name.len - 1};
    if (folded) {
        head->doubtful = true;
        if (is_text(name, "content-length") || is_text(name, "transfer-encoding"))
            f->length_bad = true;
        if (is_text(name, f->request ? "user-agent" : "server") && !f->agent)
            head->fact.flags |=
                f->request ? (uint16_t)CS_REQUEST_USER_AGENT_CUT : (uint16_t)CS_RESPONSE_SERVER_CUT;
    }
    named_field(head, f, name, trim(value), value);
    return true;
}

static void frame(struct pf_head *head, const struct fields *f)
{
    struct pf_fact *fact = &head->fact;

    head->body = f->value;
    fact->length = f->coding && f->request ? 0 : f->value;
    if (f->chunked)
        fact->flags |= f->request ? (uint16_t)CS_REQUEST_CHUNKED : (uint16_t)CS_RESPONSE_CHUNKED;
    if (f->length && !f->request)
        fact->flags |= CS_RESPONSE_LENGTH;
    if (f->length_bad || (f->coding && f->length))
        head->framing = PF_UNFRAMED;
    else if (f->chunked)
        head->framing = PF_CHUNKED;
    else if (f->coding)
        head->framing = f->request ? PF_UNFRAMED : PF_TO_END;
    else
        head->framing = f->request || f->length ? PF_LENGTH : PF_TO_END;
    if (head->framing == PF_UNFRAMED) {
        fact->loose = 1;
        fact->flags_mask &= (uint16_t)~CS_REQUEST_CHUNKED;
    }
}

struct pf_head pf_read_head(const struct pf_stream *stream, uint32_t start, bool request)
{
    struct pf_head head = {
        .state = PF_INCOMPLETE,
        .fact = {.type = request ? CS_FACT_REQUEST : CS_FACT_RESPONSE, .flags_mask = 0xffff}};
    struct fields fields = {.request = request};
    uint32_t at = start;
    struct text line;
    bool first = true;

    while (next_line(stream, &at, &line, &head.doubtful)) {
        if (at - start > HEAD_MAX)
            break;
        if (!first && !line.len) {
            head.state = PF_COMPLETE;
            head.end = at;
            head.fact.head_length = at - start;
            frame(&head, &fields);
            return head;
        }
        head.state = PF_MALFORMED;
        if (first ? !(request ? request_line(&head, line) : status_line(&head, line))
                  : line.p[0] != ' ' && line.p[0] != '\t' &&
                        !field_line(&head, &fields, line,
                                    at < stream->len && strchr(" \t", stream->data[at]) &&
                                        stream->data[at]))
            return head;
        head.state = PF_INCOMPLETE;
        /* Some take a bare CR for a line's end, behind which another length may stand. */
        fields.length_bad |= !first && memchr(line.p, '\r', line.len);
        first = false;
    }
    if (stream->len - start > HEAD_MAX)
        head.state = PF_MALFORMED;
    return head;
}

enum pf_state pf_read_chunks(const struct pf_stream *stream, uint32_t start, uint32_t *end,
                             bool *doubtful)
{
    uint32_t at = start;
    struct text line;
    uint64_t size;

    do {
        uint32_t digits = 0;

        size = 0;
        *end = at;
        if (!next_line(stream, &at, &line, doubtful)) {
            while (digits < line.len && strchr("0123456789abcdefABCDEF", line.p[digits]) &&
                   line.p[digits])
                digits++;
            if (digits > 12 || (digits < line.len && line.p[digits] != '\r'))
                *doubtful = true;
            return PF_INCOMPLETE;
        }
        for (; digits < line.len && strchr("0123456789abcdefABCDEF", line.p[digits]) &&
               line.p[digits] && digits < 13;
             digits++)
            size = size * 16 + (uint64_t)strtol((char[]){(char)line.p[digits], 0}, NULL, 16);
        if (!digits || digits > 12 || (digits < line.len && !strchr("; \t\r", line.p[digits])))
            return PF_MALFORMED;
        if (digits < line.len && line.p[digits] != ';')
            *doubtful = true;
        if (!size)
            break;
        if (size > stream->len - at)
            return PF_INCOMPLETE;
        at += (uint32_t)size;
        if (at == stream->len || (stream->len - at == 1 && stream->data[at] == '\r'))
            return PF_INCOMPLETE;
        if (stream->data[at] == '\n')
            *doubtful = true;
        else if (memcmp(stream->data + at, "\r\n", 2))
            return PF_MALFORMED;
        at += stream->data[at] == '\n' ? 1 : 2;
    } while (size);
    do {
        if (!next_line(stream, &at, &line, doubtful)) {
            if (memchr(line.p, '\r', line.len))
                *doubtful = true;
            return PF_INCOMPLETE;
        }
    } while (line.len);
    *end = at;
    return PF_COMPLETE;
}
