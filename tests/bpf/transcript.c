// SPDX-License-Identifier: Apache-2.0
#include "transcript.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int take(void *context, const void *data, size_t size)
{
    struct facts *facts = context;
    const struct cs_fact_header *header = data;

    assert_true(size >= sizeof(*header));
    assert_int_equal(header->size, size);
    assert_true(facts->count < FACTS_MAX);
    facts->fact[facts->count] = malloc(size);
    memcpy(facts->fact[facts->count++], data, size);
    return 0;
}

void facts_poll(struct cs_sensor *sensor, struct facts *facts)
{
    assert_true(cs_sensor_poll(sensor, take, facts) >= 0);
}

void facts_free(struct facts *facts)
{
    for (size_t i = 0; i < facts->count; i++)
        free(facts->fact[i]);
    facts->count = 0;
}

void facts_drain(struct cs_sensor *sensor)
{
    struct facts facts = {0};

    facts_poll(sensor, &facts);
    facts_free(&facts);
}

size_t facts_count(const struct facts *facts, enum cs_fact_type type)
{
    size_t n = 0;

    for (size_t i = 0; i < facts->count; i++)
        n += facts->fact[i]->type == type;
    return n;
}

size_t facts_of_sockets(const struct facts *facts)
{
    size_t n = 0;

    for (size_t i = 0; i < facts->count; i++)
        n += facts->fact[i]->cookie != 0;
    return n;
}

const void *facts_find(const struct facts *facts, enum cs_fact_type type, size_t n)
{
    for (size_t i = 0; i < facts->count; i++)
        if (facts->fact[i]->type == type && n-- == 0)
            return facts->fact[i];
    return NULL;
}

size_t facts_wait(struct cs_sensor *sensor, struct facts *facts, enum cs_fact_type type, size_t n)
{
    uint64_t end = harness_now_ns() + (uint64_t)harness_patience_ms() * 1000000;

    for (;;) {
        struct pollfd pfd = {.fd = cs_sensor_fd(sensor), .events = POLLIN};

        facts_poll(sensor, facts);
        if (facts_count(facts, type) >= n || harness_now_ns() > end)
            return facts_count(facts, type);
        poll(&pfd, 1, 5);
    }
}

static void print_end(FILE *out, const uint8_t addr[16], uint16_t port)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    char text[INET6_ADDRSTRLEN];

    if (memcmp(addr, mapped, sizeof(mapped)) == 0)
        fprintf(out, "%s:%u", inet_ntop(AF_INET, addr + 12, text, sizeof(text)), port);
    else
        fprintf(out, "[%s]:%u", inet_ntop(AF_INET6, addr, text, sizeof(text)), port);
}

static void print_text(FILE *out, const uint8_t *text, size_t len)
{
    fputc('"', out);
    for (size_t i = 0; i < len; i++)
        if (text[i] >= 0x20 && text[i] < 0x7f)
            fputc(text[i], out);
        else
            fprintf(out, "\\x%02x", text[i]);
    fputc('"', out);
}

static void print_flags(FILE *out, unsigned int flags, const char *const *names)
{
    const char *between = " flags ";

    for (unsigned int i = 0; names[i]; i++)
        if (flags & (1U << i)) {
            fprintf(out, "%s%s", between, names[i]);
            between = ",";
        }
}

static const char *const directions[] = {"out", "in"};

static void print_connect(FILE *out, const struct cs_fact_connect *fact)
{
    static const char *const kinds[] = {"?", "plain", "tls", "proxy"};
    static const char *const flags[] = {"kthread", "mapped", NULL};

    fprintf(out, "connect %s %u ", kinds[fact->kind & 3], fact->family);
    print_end(out, fact->daddr, fact->dport);
    print_flags(out, fact->flags, flags);
}

static void print_request(FILE *out, const struct cs_fact_request *fact)
{
    static const char *const flags[] = {"line-cut",      "agent-cut",  "query-cut",
                                        "authorization", "imds-token", "imds-ttl",
                                        "metadata",      "chunked",    NULL};

    fprintf(out, "request ");
    print_text(out, fact->text, fact->line_len);
    fprintf(out, " agent ");
    print_text(out, fact->text + fact->line_len, fact->user_agent_len);
    fprintf(out, " head %u body %llu", fact->head_length, (unsigned long long)fact->body_length);
    print_flags(out, fact->flags, flags);
}

static void print_response(FILE *out, const struct cs_fact_response *fact)
{
    static const char *const flags[] = {"server-cut", "chunked", "length", "close", NULL};

    fprintf(out, "response %u server ", fact->status);
    print_text(out, fact->text, fact->server_len);
    fprintf(out, " head %u body %llu", fact->head_length, (unsigned long long)fact->body_length);
    print_flags(out, fact->flags, flags);
}

static void print_hello(FILE *out, const struct cs_fact_client_hello *fact)
{
    static const char *const flags[] = {"h2",     "http/1.1",   "psk", "retry",
                                        "tls1.3", "session-id", NULL};

    fprintf(out, "client-hello ");
    print_text(out, fact->text, fact->sni_len);
    fprintf(out, " length %u", fact->hello_length);
    print_flags(out, fact->flags, flags);
}

static void print_server_hello(FILE *out, const struct cs_fact_server_hello *fact)
{
    static const char *const flags[] = {"h2",     "http/1.1",   "psk", "retry",
                                        "tls1.3", "session-id", NULL};

    fprintf(out, "server-hello version %04x cipher %04x", fact->version, fact->cipher);
    print_flags(out, fact->flags, flags);
}

static void print_gap(FILE *out, const struct cs_fact_gap *fact)
{
    static const char *const reasons[] = {"?",       "hole",    "malformed",  "head-limit",
                                          "framing", "records", "unreadable", "?"};

    fprintf(out, "gap %s %s bytes %u", directions[fact->direction & 1], reasons[fact->reason & 7],
            fact->bytes);
}

static void print_close(FILE *out, const struct cs_fact_close *fact)
{
    static const char *const reasons[] = {"?",           "local",   "remote", "reset-by-peer",
                                          "reset-local", "timeout", "reused", "?"};

    fprintf(out, "close %s sent %llu received %llu", reasons[fact->reason & 7],
            (unsigned long long)fact->bytes_sent, (unsigned long long)fact->bytes_received);
}

static void print_intercepted(FILE *out, const struct cs_fact_intercepted *fact)
{
    static const char *const places[] = {"?", "node", "pod", "?"};

    fprintf(out, "intercepted %s ", places[fact->place & 3]);
    print_end(out, fact->addr, fact->port);
}

static void print_fact(FILE *out, const struct cs_fact_header *header)
{
    static const char *const failures[] = {"?", "refused", "unanswered", "no-route", "given-up"};
    const void *fact = header;

    switch (header->type) {
    case CS_FACT_CONNECT:
        print_connect(out, fact);
        break;
    case CS_FACT_ESTABLISHED:
        fprintf(out, "established ");
        print_end(out, ((const struct cs_fact_established *)fact)->daddr,
                  ((const struct cs_fact_established *)fact)->dport);
        break;
    case CS_FACT_CONNECT_FAILED:
        fprintf(out, "failed %s", failures[((const struct cs_fact_connect_failed *)fact)->reason]);
        break;
    case CS_FACT_REQUEST:
        print_request(out, fact);
        break;
    case CS_FACT_RESPONSE:
        print_response(out, fact);
        break;
    case CS_FACT_TUNNEL:
        fprintf(out, "tunnel ");
        print_text(out, ((const struct cs_fact_tunnel *)fact)->text,
                   ((const struct cs_fact_tunnel *)fact)->authority_len);
        break;
    case CS_FACT_CLIENT_HELLO:
        print_hello(out, fact);
        break;
    case CS_FACT_SERVER_HELLO:
        print_server_hello(out, fact);
        break;
    case CS_FACT_TLS_RECORD:
        fprintf(out, "record %s %u/%u handshake %u",
                directions[((const struct cs_fact_tls_record *)fact)->direction & 1],
                ((const struct cs_fact_tls_record *)fact)->content,
                ((const struct cs_fact_tls_record *)fact)->length,
                ((const struct cs_fact_tls_record *)fact)->handshake);
        break;
    case CS_FACT_INTERCEPTED:
        print_intercepted(out, fact);
        break;
    case CS_FACT_GAP:
        print_gap(out, fact);
        break;
    case CS_FACT_CLOSE:
        print_close(out, fact);
        break;
    default:
        fprintf(out, "fact of type %u", header->type);
        break;
    }
    fputc('\n', out);
}

static bool same_connection(const struct cs_fact_header *a, const struct cs_fact_header *b)
{
    return a->cookie == b->cookie && a->generation == b->generation;
}

static bool is_first(const struct facts *facts, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (same_connection(facts->fact[i], facts->fact[at]))
            return false;
    return facts->fact[at]->cookie != 0;
}

char *facts_text(const struct facts *facts)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    for (size_t i = 0, blocks = 0; i < facts->count; i++) {
        uint32_t next = 0;

        if (!is_first(facts, i))
            continue;
        if (blocks++)
            fputc('\n', out);
        for (size_t j = i; j < facts->count; j++) {
            if (!same_connection(facts->fact[j], facts->fact[i]))
                continue;
            if (facts->fact[j]->seq != next)
                fprintf(out, "lost %d\n", (int)(facts->fact[j]->seq - next));
            next = facts->fact[j]->seq + 1;
            print_fact(out, facts->fact[j]);
        }
    }
    fclose(out);
    return text;
}

bool facts_same(const struct facts *facts, const char *expected)
{
    char *text = facts_text(facts);
    bool same = strcmp(text, expected) == 0;

    if (!same)
        fprintf(stderr, "--- expected\n%s--- facts\n%s---\n", expected, text);
    free(text);
    return same;
}

void facts_assert(const struct facts *facts, const char *expected)
{
    assert_true(facts_same(facts, expected));
}
