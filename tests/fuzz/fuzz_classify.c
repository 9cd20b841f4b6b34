// SPDX-License-Identifier: Apache-2.0
/*
 * Any evidence whatever. Oracles: the same input gives the same verdict; a mechanism belongs to its
 * end-point; a token exchange has room for a token; who never opened a token, doesn't declare one,
 * and sends no client's known token exchange, is not said to exchange one.
 *
 * The first bytes choose the evidence, two bytes a record, the rest is the request line.
 */
#include "core/classify/classify.h"
#include "core/classify/classify_shape.h"
#include "core/classify/watchlist.h"
#include "core/pods/declared.h"

#include <stdlib.h>
#include <string.h>

#define START UINT64_C(100000000000)

static const char *const names[] = {
    "sts.us-east-1.amazonaws.com", "sts.amazonaws.com", "login.microsoftonline.com",
    "eks-auth.us-east-1.api.aws",  "example.com",       ""};
static const char *const servers[] = {"",      "EC2ws", "IMDS/1",
                                      "envoy", "nginx", "azure-workload-identity/proxy/v1"};
static const char *const pods[] = {"web", "nmi", "kube2iam", "kiam-agent", "azwi-proxy", "ztunnel"};
static const uint8_t places[3][16] = {{[10] = 0xff, 0xff, 169, 254, 169, 254},
                                      {[10] = 0xff, 0xff, 169, 254, 170, 23},
                                      {[10] = 0xff, 0xff, 192, 0, 2, 1}};

struct input {
    const uint8_t *data;
    size_t size;
};

static void require(bool condition)
{
    if (!condition)
        abort();
}

static uint8_t byte(struct input *input)
{
    if (input->size == 0)
        return 0;
    input->size--;
    return *input->data++;
}

static void fill_connection(struct input *input, struct cs_connection *connection)
{
    connection->kind = (uint8_t)(CS_WATCH_PLAIN + byte(input) % 3);
    connection->dport = byte(input) & 1 ? 80 : 443;
    memcpy(connection->daddr, places[byte(input) % 3], sizeof(connection->daddr));
    strcpy(connection->server_name, names[byte(input) % 6]);
    connection->tls_version = byte(input) & 1 ? 0x0303 : 0x0304;
    connection->tls_cipher = byte(input) & 1 ? 0x1301 : 0xc02f;
    connection->intercept_place = byte(input) % 3;
    connection->intercept_port = (uint16_t)(byte(input) & 1 ? 2579 : 8181);
    connection->intercept_cgroup_id = byte(input) % 3;
    connection->cgroup_id = byte(input) % 3;
    connection->connect_ns = START - byte(input) * UINT64_C(100000000);
}

static void fill_exchange(struct input *input, struct cs_exchange *exchange)
{
    uint8_t flags = byte(input);

    exchange->observed = flags & 1;
    exchange->multiplexed = flags & 2;
    exchange->connect_failed = flags & 4;
    exchange->index = flags >> 6;
    exchange->start_ns = START;
    exchange->outcome = byte(input) % CS_OUTCOME_END;
    exchange->status = (uint16_t)(byte(input) & 1 ? 200 : byte(input) * 4);
    exchange->request_flags = byte(input);
    exchange->response_length = byte(input) & 1 ? UINT64_MAX : byte(input) * UINT64_C(8);
    exchange->response_records.bytes = byte(input) * UINT64_C(16);
    strcpy(exchange->server, servers[byte(input) % 6]);
    strcpy(exchange->method, byte(input) & 1 ? "GET" : "HEAD");
    for (uint8_t n = byte(input) % (CS_BURST_RECORDS_MAX + 2); n > 0; n--) {
        uint16_t length = (uint16_t)(byte(input) << 8 | byte(input));
        struct cs_burst *burst = &exchange->request_records;

        if (burst->count < CS_BURST_RECORDS_MAX)
            burst->lengths[burst->count] = length;
        burst->count++;
        burst->bytes += length;
    }
}

static void fill_evidence(struct input *input, struct cs_evidence *evidence)
{
    uint8_t flags = byte(input);

    if (flags & 1)
        evidence->token_open_ns = START - byte(input) * UINT64_C(100000000) + (byte(input) & 1);
    evidence->token_mechanism =
        flags & 2 ? CS_MECHANISM_IRSA : CS_MECHANISM_AZURE_WORKLOAD_IDENTITY;
    evidence->token_opened_before = flags & 4;
    evidence->token_contested = flags & 8;
    evidence->no_token_hook = flags & 16;
    evidence->pod_redirects = flags & 32;
    evidence->declared_known = flags & 64;
    evidence->caller_listens = flags & 128;
    evidence->token_match = byte(input) % (CS_TOKEN_OF_PROCESS + 1);
    evidence->declared = byte(input) & ((1 << CS_DECLARED_END) - 1);
    evidence->preceded = byte(input) % (CS_PRECEDED_CALL + 1);
    evidence->token_call_guessed = byte(input) & 1;
    evidence->token_call_bytes = (uint32_t)(byte(input) << 8 | byte(input));
    evidence->caller =
        (struct cs_party){.known = byte(input) & 1, .workload = pods[byte(input) % 6]};
    evidence->listener =
        (struct cs_party){.known = byte(input) & 1, .image = pods[byte(input) % 6]};
}

static bool is_token(enum cs_mechanism mechanism)
{
    return mechanism == CS_MECHANISM_IRSA || mechanism == CS_MECHANISM_AZURE_WORKLOAD_IDENTITY;
}

static void check(const struct cs_evidence *evidence, const struct cs_verdict *verdict)
{
    const struct cs_exchange *exchange = evidence->exchange;
    enum cs_call_shape shape;
    bool opened = evidence->token_open_ns || evidence->token_opened_before;

    require(verdict->mechanism < CS_MECHANISM_END && verdict->outcome < CS_OUTCOME_END);
    require(verdict->confidence < CS_CONFIDENCE_END && verdict->reasons < 1u << CS_REASON_END);
    require(!verdict->delivered || exchange->status == 200 ||
            verdict->outcome == CS_OUTCOME_OK_INFERRED);
    require((verdict->mechanism == CS_MECHANISM_IRSA || verdict->mechanism == CS_MECHANISM_STS) ==
            (verdict->endpoint == CS_ENDPOINT_STS));
    if (!is_token(verdict->mechanism))
        return;
    shape = cs_call_shape(exchange, verdict->endpoint);
    require(shape != CS_SHAPE_SMALL && shape != CS_SHAPE_SIGNED);
    /* A call tried again, or made again by the same program, has been opened for before. */
    if (!opened && !evidence->no_token_hook && evidence->declared_known &&
        evidence->preceded != CS_PRECEDED_TOKEN && evidence->preceded != CS_PRECEDED_TOKEN_FAILED &&
        evidence->preceded != CS_PRECEDED_TOKEN_OTHER &&
        evidence->preceded != CS_PRECEDED_TOKEN_BESIDE)
        require(shape == CS_SHAPE_KNOWN ||
                evidence->declared &
                    (CS_DECLARED_BIT(IRSA) | CS_DECLARED_BIT(AZURE_WORKLOAD_IDENTITY) |
                     CS_DECLARED_BIT(AZURE_WORKLOAD_IDENTITY_PROXY)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct cs_watchlist watchlist;
    struct input input = {data, size};
    struct cs_connection connection = {0};
    struct cs_exchange exchange = {.connection = &connection};
    struct cs_evidence evidence = {.exchange = &exchange, .watchlist = &watchlist};
    struct cs_verdict verdict, again;

    if (watchlist.address_count == 0)
        cs_watchlist_init(&watchlist);
    fill_connection(&input, &connection);
    fill_exchange(&input, &exchange);
    fill_evidence(&input, &evidence);
    if (input.size > CS_REQUEST_LINE_MAX)
        input.size = CS_REQUEST_LINE_MAX;
    memcpy(exchange.path, input.data, input.size);
    memset(&verdict, 0, sizeof(verdict));
    memset(&again, 0, sizeof(again));
    cs_classify(&evidence, &verdict);
    cs_classify(&evidence, &again);
    require(verdict.mechanism == again.mechanism && verdict.reasons == again.reasons &&
            verdict.confidence == again.confidence);
    check(&evidence, &verdict);
    return 0;
}
