/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts for tests, written as a script: words separated by spaces, one fact each. Every word takes
 * 1 ms; "+N" lets N ms more pass. Facts pass through the encoded form and cs_fact_decode.
 *
 *   connect connect.tls connect.proxy   est[:LAST-BYTE-OF-SOURCE]
 * failed.refused|unanswered|noroute|givenup req[:METHOD,TARGET]   resp:STATUS   tunnel:AUTHORITY
 *   gap.out gap.in   icept.node:PORT icept.pod:PORT
 *   hello[:NAME] hello.h2[:NAME] hello.psk[:NAME]   shello13 shello13.384 shello12 shello11
 * shello.retry >LEN <LEN               application data, client / server c>TYPE:LEN c<TYPE:LEN any
 * record close.local|remote|rst|abort|timeout|reused tick
 *
 * Before a word: "@" takes no time; "N:" with a digit 2 … 9 takes another connection than 1; "!"
 * loses the fact;
 * "~" feeds it after the next one; "*" feeds it twice.
 */
#ifndef CS_TESTS_FACTS_H
#define CS_TESTS_FACTS_H

#include "core/exchange/assembler.h"
#include "core/facts/fact.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS UINT64_C(1000000)

struct script {
    struct cs_assembler *assembler;
    uint64_t now_ns;
    uint32_t seq[10];
    unsigned char late[CS_FACT_SIZE_MAX];
    bool has_late;
};

union raw_fact {
    unsigned char bytes[CS_FACT_SIZE_MAX + 8];
    struct cs_fact_header header;
    struct cs_fact_connect connect;
    struct cs_fact_established established;
    struct cs_fact_connect_failed failed;
    struct cs_fact_intercepted intercepted;
    struct cs_fact_gap gap;
    struct cs_fact_close close;
    struct cs_fact_server_hello server_hello;
    struct cs_fact_tls_record record;
};

static inline const char *word_is(const char *word, const char *prefix)
{
    size_t len = strlen(prefix);

    return strncmp(word, prefix, len) == 0 ? word + len : NULL;
}

static inline unsigned int word_index(const char *word, const char *const *names)
{
    for (unsigned int i = 0; names[i]; i++) {
        if (strcmp(word, names[i]) == 0)
            return i;
    }
    fprintf(stderr, "no such word: %s\n", word);
    abort();
}

static const char *const script_failures[] = {"",        "refused", "unanswered",
                                              "noroute", "givenup", NULL};
static const char *const script_closes[] = {"",      "local",   "remote", "rst",
                                            "abort", "timeout", "reused", NULL};

static inline void raw_request(union raw_fact *raw, const char *what)
{
    struct cs_fact_request *fact = (void *)raw->bytes;
    char line[CS_REQUEST_LINE_MAX * 2];
    const char *comma = *what == ':' ? strchr(what, ',') : NULL;

    if (comma)
        snprintf(line, sizeof(line), "%.*s %s HTTP/1.1", (int)(comma - what - 1), what + 1,
                 comma + 1);
    else
        snprintf(line, sizeof(line), "GET /v1/credentials HTTP/1.1");
    fact->first_byte_ns = raw->header.time_ns;
    fact->line_len = (__u16)strlen(line);
    fact->user_agent_len = 5;
    memcpy(fact->text, line, fact->line_len);
    memcpy(fact->text + fact->line_len, "agent", 5);
    raw->header.size = (__u16)(sizeof(*fact) + fact->line_len + 5);
}

static inline void raw_text(union raw_fact *raw, size_t fixed, __u16 *len, const char *text)
{
    *len = (__u16)strlen(text);
    memcpy(raw->bytes + fixed, text, *len);
    raw->header.size = (__u16)(fixed + *len);
}

static inline void raw_hello(union raw_fact *raw, const char *what)
{
    struct cs_fact_client_hello *fact = (void *)raw->bytes;
    const char *name = strchr(what, ':');

    raw->header.type = CS_FACT_CLIENT_HELLO;
    fact->first_byte_ns = raw->header.time_ns;
    fact->flags = CS_HELLO_TLS13;
    if (word_is(what, ".h2"))
        fact->flags |= CS_HELLO_ALPN_H2;
    if (word_is(what, ".psk"))
        fact->flags |= CS_HELLO_PSK;
    raw_text(raw, sizeof(*fact), &fact->sni_len, name ? name + 1 : "sts.us-east-1.amazonaws.com");
}

static inline void raw_record(union raw_fact *raw, const char *word)
{
    bool any = *word == 'c';

    word += any;
    raw->header.type = CS_FACT_TLS_RECORD;
    raw->header.size = sizeof(raw->record);
    raw->record.direction = *word == '<' ? CS_DIR_INGRESS : CS_DIR_EGRESS;
    raw->record.content = any ? (__u8)atoi(word + 1) : 23;
    raw->record.length = (__u16)atoi(any ? strchr(word, ':') + 1 : word + 1);
}

static inline void raw_connect(union raw_fact *raw, const char *what)
{
    static const __u8 agent[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 169, 254, 170, 23};

    raw->header.type = CS_FACT_CONNECT;
    raw->header.size = sizeof(raw->connect);
    raw->connect.family = 4;
    raw->connect.kind = strcmp(what, ".tls") == 0     ? CS_WATCH_TLS
                        : strcmp(what, ".proxy") == 0 ? CS_WATCH_PROXY
                                                      : CS_WATCH_PLAIN;
    raw->connect.cgroup_id = 77;
    raw->connect.tgid = 4242;
    raw->connect.dport = raw->connect.kind == CS_WATCH_PLAIN ? 80 : 443;
    memcpy(raw->connect.daddr, agent, sizeof(agent));
    memcpy(raw->connect.comm, "python3", 7);
}

static inline void raw_small(union raw_fact *raw, const char *word)
{
    const char *what;

    if ((what = word_is(word, "failed."))) {
        raw->header.type = CS_FACT_CONNECT_FAILED;
        raw->header.size = sizeof(raw->failed);
        raw->failed.reason = word_index(what, script_failures);
    } else if ((what = word_is(word, "gap."))) {
        raw->header.type = CS_FACT_GAP;
        raw->header.size = sizeof(raw->gap);
        raw->gap.direction = strcmp(what, "in") == 0 ? CS_DIR_INGRESS : CS_DIR_EGRESS;
        raw->gap.reason = CS_GAP_HOLE;
    } else if ((what = word_is(word, "close."))) {
        raw->header.type = CS_FACT_CLOSE;
        raw->header.size = sizeof(raw->close);
        raw->close.reason = (__u8)word_index(what, script_closes);
    } else if ((what = word_is(word, "icept."))) {
        raw->header.type = CS_FACT_INTERCEPTED;
        raw->header.size = sizeof(raw->intercepted);
        raw->intercepted.place = word_is(what, "pod") ? CS_INTERCEPT_POD : CS_INTERCEPT_NODE;
        if (word_is(what, "pod"))
            raw->intercepted.addr[15] = 1; /* [::1] */
        raw->intercepted.port = (__u16)atoi(strchr(what, ':') + 1);
        raw->intercepted.cgroup_id = word_is(what, "pod") ? 0 : 99;
    } else if ((what = word_is(word, "shello"))) {
        raw->header.type = CS_FACT_SERVER_HELLO;
        raw->header.size = sizeof(raw->server_hello);
        raw->server_hello.version = strcmp(what, "12") == 0   ? 0x0303
                                    : strcmp(what, "11") == 0 ? 0x0302
                                                              : 0x0304;
        raw->server_hello.cipher = strcmp(what, "12") == 0       ? 0xc02f
                                   : strcmp(what, "13.384") == 0 ? 0x1302
                                                                 : 0x1301;
        raw->server_hello.flags = strcmp(what, ".retry") == 0 ? CS_HELLO_RETRY : 0;
    } else {
        word_index(word, script_failures); /* complains */
    }
}

static inline void raw_fact_of(union raw_fact *raw, const char *word)
{
    const char *what;

    if ((what = word_is(word, "connect"))) {
        raw_connect(raw, what);
    } else if ((what = word_is(word, "est"))) {
        raw->header.type = CS_FACT_ESTABLISHED;
        raw->header.size = sizeof(raw->established);
        raw->established.saddr[15] = *what == ':' ? (__u8)atoi(what + 1) : 0;
        raw->established.sport = 40000;
        raw->established.dport = 80;
    } else if ((what = word_is(word, "req"))) {
        raw->header.type = CS_FACT_REQUEST;
        raw_request(raw, what);
    } else if ((what = word_is(word, "resp:"))) {
        struct cs_fact_response *fact = (void *)raw->bytes;

        raw->header.type = CS_FACT_RESPONSE;
        fact->first_byte_ns = raw->header.time_ns;
        fact->status = (__u16)atoi(what);
        fact->flags = CS_RESPONSE_LENGTH;
        fact->body_length = 1234;
        raw_text(raw, sizeof(*fact), &fact->server_len, "EC2ws");
    } else if ((what = word_is(word, "tunnel:"))) {
        struct cs_fact_tunnel *fact = (void *)raw->bytes;

        raw->header.type = CS_FACT_TUNNEL;
        fact->first_byte_ns = raw->header.time_ns;
        raw_text(raw, sizeof(*fact), &fact->authority_len, what);
    } else if ((what = word_is(word, "hello"))) {
        raw_hello(raw, what);
    } else if (*word == '<' || *word == '>' || word_is(word, "c>") || word_is(word, "c<")) {
        raw_record(raw, word);
    } else {
        raw_small(raw, word);
    }
}

static inline void script_feed(struct script *script, const unsigned char *bytes)
{
    struct cs_fact fact;
    enum cs_fact_error error = cs_fact_decode(bytes, CS_FACT_SIZE_MAX, &fact);

    if (error) {
        fprintf(stderr, "decode: %s\n", cs_fact_error_name(error));
        abort();
    }
    if (cs_assembler_feed(script->assembler, &fact))
        abort();
}

static inline void script_word(struct script *script, const char *word)
{
    bool lost = false, late = false, twice = false;
    unsigned int connection = 1;
    union raw_fact raw = {.bytes = {0}};

    if (*word == '+') {
        script->now_ns += (uint64_t)atoll(word + 1) * MS;
        return;
    }
    script->now_ns += MS;
    if (strcmp(word, "tick") == 0) {
        cs_assembler_tick(script->assembler, script->now_ns);
        return;
    }
    for (;; word++) {
        if (*word == '!')
            lost = true;
        else if (*word == '~')
            late = true;
        else if (*word == '*')
            twice = true;
        else if (*word == '@')
            script->now_ns -= MS;
        else if (*word >= '2' && *word <= '9' && word[1] == ':')
            connection = (unsigned int)(*word++ - '0');
        else
            break;
    }
    raw.header.time_ns = script->now_ns;
    raw.header.cookie = connection;
    raw.header.seq = script->seq[connection]++;
    raw_fact_of(&raw, word);
    if (late) {
        memcpy(script->late, raw.bytes, sizeof(script->late));
        script->has_late = true;
        return;
    }
    if (!lost)
        script_feed(script, raw.bytes);
    if (twice)
        script_feed(script, raw.bytes);
    if (script->has_late) {
        script->has_late = false;
        script_feed(script, script->late);
    }
}

/* Run a script from where the last one stopped. */
static inline void script_run(struct script *script, const char *text)
{
    char word[600];
    int used;

    while (sscanf(text, "%599s%n", word, &used) == 1) {
        script_word(script, word);
        text += used;
    }
}

#endif
