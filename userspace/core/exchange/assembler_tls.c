// SPDX-License-Identifier: Apache-2.0
/* Connections that are TLS: from the record machine's exchanges to those handed over. */
#include "core/exchange/assembler_private.h"

#include "base/util.h"

#include <ctype.h>
#include <string.h>

void cs_assembler_client_hello(struct cs_tracked *tracked, const struct cs_fact *fact)
{
    struct cs_connection *connection = &tracked->connection;
    const struct cs_fact_client_hello *hello = &fact->client_hello;

    cs_text_copy(connection->server_name, sizeof(connection->server_name), fact->text,
                 hello->sni_len);
    for (char *c = connection->server_name; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    connection->hello_flags = hello->flags;
    if (!connection->client_hello_ns)
        connection->client_hello_ns =
            hello->first_byte_ns ? hello->first_byte_ns : fact->header.time_ns;
    tracked->tunnel_pending = false;
    cs_tls_client_hello(&tracked->tls, hello);
}

void cs_assembler_server_hello(struct cs_tracked *tracked, const struct cs_fact *fact)
{
    const struct cs_fact_server_hello *hello = &fact->server_hello;

    cs_tls_server_hello(&tracked->tls, hello);
    if (hello->flags & CS_HELLO_RETRY)
        return;
    tracked->connection.tls_version = hello->version;
    tracked->connection.tls_cipher = hello->cipher;
    /* TLS 1.2 resumes by an echoed session id, which 1.3 echoes always. */
    tracked->connection.tls_resumed =
        hello->flags & (hello->version == 0x0303 ? CS_HELLO_SESSION_ID : CS_HELLO_PSK);
}

static void convert(struct cs_tracked *tracked, const struct cs_tls_exchange *from,
                    struct cs_exchange *to)
{
    *to = (struct cs_exchange){
        .connection = &tracked->connection,
        .start_ns = from->start_ns,
        .answer_ns = from->answer_ns,
        .outcome = from->answer_ns ? CS_OUTCOME_ANSWERED : CS_OUTCOME_UNOBSERVED,
        .observed = !tracked->lossy,
        .response_length = UINT64_MAX,
        .multiplexed = from->multiplexed,
        .request_records = from->request,
        .response_records = from->response,
    };
}

static void hand_over(struct cs_assembler *assembler, struct cs_tracked *tracked,
                      const struct cs_tls_exchange *done)
{
    struct cs_exchange exchange;

    convert(tracked, done, &exchange);
    exchange.index = tracked->next_index++;
    if (done->answer_ns)
        exchange.end_ns = done->last_ns;
    cs_assembler_emit(assembler, tracked, &exchange);
}

void cs_assembler_tls_record(struct cs_assembler *assembler, struct cs_tracked *tracked,
                             const struct cs_fact *fact)
{
    struct cs_tls_exchange done;

    if (cs_tls_record(&tracked->tls, &fact->tls_record, &done))
        hand_over(assembler, tracked, &done);
    tracked->connection.tls_ready_ns = tracked->tls.ready_ns;
    if (tracked->tls.phase == CS_TLS_ANSWERED)
        cs_assembler_wait(assembler, tracked, CS_WAIT_ANSWER);
    else if (tracked->wait == CS_WAIT_ANSWER)
        cs_assembler_wait(assembler, tracked, CS_WAIT_NOTHING);
}

void cs_assembler_tls_idle(struct cs_assembler *assembler, struct cs_tracked *tracked)
{
    struct cs_tls_exchange done;

    cs_assembler_wait(assembler, tracked, CS_WAIT_NOTHING);
    if (cs_tls_take(&tracked->tls, assembler->now_ns, false, false, &done))
        hand_over(assembler, tracked, &done);
}

void cs_assembler_tls_end(struct cs_assembler *assembler, struct cs_tracked *tracked,
                          const struct cs_ending *ending)
{
    struct cs_tls *tls = &tracked->tls;
    struct cs_exchange exchange;
    struct cs_tls_exchange done = {0};

    if (tls->hello && !tls->ready_ns && tls->phase == CS_TLS_HANDSHAKE)
        done.start_ns = tracked->connection.connect_ns;
    else if (!cs_tls_take(tls, assembler->event_ns, ending->seen, ending->by_peer, &done))
        return;
    convert(tracked, &done, &exchange);
    exchange.index = tracked->next_index++;
    if (done.answer_ns)
        exchange.end_ns = done.last_ns;
    else if (!ending->seen || tracked->lossy)
        exchange.observed = false;
    else if (!tls->ready_ns && (tls->alert || tls->server_hello))
        exchange.outcome = CS_OUTCOME_TLS_FAILED;
    else
        exchange.outcome = ending->outcome; /* of a hello without any answer too */
    cs_assembler_emit(assembler, tracked, &exchange);
}

bool cs_assembler_tls_in_flight(const struct cs_tracked *tracked, struct cs_exchange *exchange)
{
    const struct cs_tls *tls = &tracked->tls;
    struct cs_tls_exchange current = tls->exchange;

    if (tls->hello && !tls->ready_ns && tls->phase == CS_TLS_HANDSHAKE)
        current.start_ns = tracked->connection.connect_ns;
    else if (tls->phase != CS_TLS_REQUESTED)
        return false;
    convert((struct cs_tracked *)tracked, &current, exchange);
    return true;
}

void cs_assembler_calls(const struct cs_assembler *assembler, uint32_t tgid,
                        const char *server_name, uint64_t from_ns, uint64_t to_ns,
                        struct cs_connection_id except, struct cs_calls_under_way *calls)
{
    const struct cs_tracked *tracked;

    *calls = (struct cs_calls_under_way){0};
    TAILQ_FOREACH(tracked, &assembler->recent, recent_link)
    {
        const struct cs_connection *connection = &tracked->connection;
        const struct cs_tls *tls = &tracked->tls;

        if (connection->tgid != tgid || !tls->hello || tls->phase == CS_TLS_IDLE ||
            (connection->id.cookie == except.cookie &&
             connection->id.generation == except.generation) ||
            strcmp(connection->server_name, server_name) != 0)
            continue;
        if (tls->phase == CS_TLS_HANDSHAKE || tls->exchange.start_ns >= to_ns)
            calls->later++;
        else if (tls->exchange.start_ns >= from_ns)
            calls->earlier++;
    }
}
