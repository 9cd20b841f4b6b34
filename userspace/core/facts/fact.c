// SPDX-License-Identifier: Apache-2.0
#include "core/facts/fact.h"

#include "base/util.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define TLS_RECORD_MAX 16640 /* 2^14 + 256 (RFC 8446 5.2) */
#define PADDING_MAX    7

static const char *const error_names[] = {
    [CS_FACT_OK] = "ok",
    [CS_FACT_ERROR_SHORT] = "short",
    [CS_FACT_ERROR_TYPE] = "type",
    [CS_FACT_ERROR_SIZE] = "size",
    [CS_FACT_ERROR_LENGTH] = "length",
    [CS_FACT_ERROR_VALUE] = "value",
    [CS_FACT_ERROR_SOCKET] = "socket",
};
static_assert(CS_ARRAY_SIZE(error_names) == CS_FACT_ERROR_END, "a name for every error");

/* What a type's variable part is. */
enum text_kind { TEXT_NONE, TEXT_ASCII, TEXT_PATH };

static const struct fact_type {
    const char *name;
    uint16_t fixed; /* size of the part before the text */
    bool of_socket;
    enum text_kind text;
} types[] = {
    [0] = {"invalid", 0, false, TEXT_NONE},
    [CS_FACT_CONNECT] = {"connect", sizeof(struct cs_fact_connect), true, TEXT_NONE},
    [CS_FACT_ESTABLISHED] = {"established", sizeof(struct cs_fact_established), true, TEXT_NONE},
    [CS_FACT_CONNECT_FAILED] = {"connect_failed", sizeof(struct cs_fact_connect_failed), true,
                                TEXT_NONE},
    [CS_FACT_REQUEST] = {"request", sizeof(struct cs_fact_request), true, TEXT_ASCII},
    [CS_FACT_RESPONSE] = {"response", sizeof(struct cs_fact_response), true, TEXT_ASCII},
    [CS_FACT_TUNNEL] = {"tunnel", sizeof(struct cs_fact_tunnel), true, TEXT_ASCII},
    [CS_FACT_CLIENT_HELLO] = {"client_hello", sizeof(struct cs_fact_client_hello), true,
                              TEXT_ASCII},
    [CS_FACT_SERVER_HELLO] = {"server_hello", sizeof(struct cs_fact_server_hello), true, TEXT_NONE},
    [CS_FACT_TLS_RECORD] = {"tls_record", sizeof(struct cs_fact_tls_record), true, TEXT_NONE},
    [CS_FACT_INTERCEPTED] = {"intercepted", sizeof(struct cs_fact_intercepted), true, TEXT_NONE},
    [CS_FACT_GAP] = {"gap", sizeof(struct cs_fact_gap), true, TEXT_NONE},
    [CS_FACT_CLOSE] = {"close", sizeof(struct cs_fact_close), true, TEXT_NONE},
    [CS_FACT_TOKEN_OPEN] = {"token_open", sizeof(struct cs_fact_token_open), false, TEXT_NONE},
    [CS_FACT_CGROUP_CREATED] = {"cgroup_created", sizeof(struct cs_fact_cgroup), false, TEXT_PATH},
    [CS_FACT_CGROUP_REMOVED] = {"cgroup_removed", sizeof(struct cs_fact_cgroup), false, TEXT_PATH},
};
static_assert(CS_ARRAY_SIZE(types) == CS_FACT_TYPE_END, "a row for every fact type");

const char *cs_fact_error_name(enum cs_fact_error error)
{
    return error_names[error];
}

const char *cs_fact_type_name(unsigned int type)
{
    return types[type < CS_FACT_TYPE_END ? type : 0].name;
}

int cs_fact_is_of_socket(unsigned int type)
{
    return type < CS_FACT_TYPE_END && types[type].of_socket;
}

static void clean_text(char *to, const unsigned char *from, size_t len, bool ascii)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = from[i];

        to[i] = c < 0x20 || c == 0x7f || (ascii && c > 0x7f) ? '?' : (char)c;
    }
    to[len] = '\0';
}

void cs_fact_comm_copy(char *to, const __u8 *comm)
{
    clean_text(to, comm, strnlen((const char *)comm, CS_COMM_LEN), false);
}

/* The variable part's two lengths; false when the ABI forbids them. */
static bool text_lengths(const struct cs_fact *fact, size_t *first, size_t *second)
{
    *first = *second = 0;
    switch (fact->header.type) {
    case CS_FACT_REQUEST:
        *first = fact->request.line_len;
        *second = fact->request.user_agent_len;
        return *first <= CS_REQUEST_LINE_MAX && *second <= CS_USER_AGENT_MAX;
    case CS_FACT_RESPONSE:
        *first = fact->response.server_len;
        return *first <= CS_SERVER_MAX;
    case CS_FACT_TUNNEL:
        *first = fact->tunnel.authority_len;
        return *first <= CS_HOST_NAME_MAX;
    case CS_FACT_CLIENT_HELLO:
        *first = fact->client_hello.sni_len;
        return *first <= CS_HOST_NAME_MAX;
    case CS_FACT_CGROUP_CREATED:
    case CS_FACT_CGROUP_REMOVED:
        *first = fact->cgroup.path_len;
        return *first <= CS_CGROUP_PATH_MAX;
    default:
        return true;
    }
}

static bool in_range(uint64_t value, uint64_t low, uint64_t high)
{
    return value >= low && value <= high;
}

static bool values_valid(const struct cs_fact *fact)
{
    switch (fact->header.type) {
    case CS_FACT_CONNECT:
        return (fact->connect.family == 4 || fact->connect.family == 6) &&
               in_range(fact->connect.kind, CS_WATCH_PLAIN, CS_WATCH_PROXY);
    case CS_FACT_CONNECT_FAILED:
        return in_range(fact->connect_failed.reason, CS_CONNECT_REFUSED, CS_CONNECT_GIVEN_UP);
    case CS_FACT_RESPONSE:
        return in_range(fact->response.status, 100, 999);
    case CS_FACT_TLS_RECORD:
        return fact->tls_record.direction <= CS_DIR_INGRESS &&
               in_range(fact->tls_record.content, 20, 24) &&
               fact->tls_record.length <= TLS_RECORD_MAX;
    case CS_FACT_INTERCEPTED:
        return in_range(fact->intercepted.place, CS_INTERCEPT_NODE, CS_INTERCEPT_POD);
    case CS_FACT_GAP:
        return fact->gap.direction <= CS_DIR_INGRESS &&
               in_range(fact->gap.reason, CS_GAP_HOLE, CS_GAP_UNREADABLE);
    case CS_FACT_CLOSE:
        return in_range(fact->close.reason, CS_CLOSE_LOCAL, CS_CLOSE_REUSED);
    case CS_FACT_TOKEN_OPEN:
        return fact->token_open.token < CS_TOKEN_PATHS_MAX;
    case CS_FACT_CGROUP_CREATED:
    case CS_FACT_CGROUP_REMOVED:
        return fact->text[0] == '/';
    default:
        return true;
    }
}

enum cs_fact_error cs_fact_decode(const void *data, size_t size, struct cs_fact *fact)
{
    const unsigned char *bytes = data;
    const struct fact_type *type;
    size_t first, second;

    if (size < sizeof(fact->header))
        return CS_FACT_ERROR_SHORT;
    memcpy(&fact->header, bytes, sizeof(fact->header));
    if (fact->header.type == 0 || fact->header.type >= CS_FACT_TYPE_END)
        return CS_FACT_ERROR_TYPE;
    if (fact->header.size > size)
        return CS_FACT_ERROR_SHORT;
    type = &types[fact->header.type];
    if (fact->header.size < type->fixed)
        return CS_FACT_ERROR_SIZE;
    memcpy(&fact->header, bytes, type->fixed);
    if (!text_lengths(fact, &first, &second))
        return CS_FACT_ERROR_LENGTH;
    if (!in_range(fact->header.size, type->fixed + first + second,
                  type->fixed + first + second + PADDING_MAX))
        return CS_FACT_ERROR_SIZE;
    if (type->of_socket && fact->header.cookie == 0)
        return CS_FACT_ERROR_SOCKET;
    clean_text(fact->text, bytes + type->fixed, first, type->text == TEXT_ASCII);
    clean_text(fact->text + first + 1, bytes + type->fixed + first, second, true);
    return values_valid(fact) ? CS_FACT_OK : CS_FACT_ERROR_VALUE;
}
