/* SPDX-License-Identifier: Apache-2.0 */
#include "core/classify/classify_shape.h"

#include "base/util.h"
#include "core/exchange/tls_exchange_lengths.h"

#include <string.h>

/* A service account's token: 900 to 1,400 characters where clusters were looked at; its claims
 * (issuer, pod and node names) make it longer or shorter. */
#define TOKEN_MIN 780
#define TOKEN_MAX 2400

/* No exchange of a token is smaller in all, no head without a signature is larger, no body without
 * a token is as large as that of one with it. Of clients that are not in the table. */
#define CALL_MIN    1080
#define HEAD_MAX    640
#define BODY_MIN    (TOKEN_MIN + 100)
#define BODY_MAX    (TOKEN_MAX + 800)
#define ONE_MAX     (TOKEN_MAX + 1200)
#define SMALL_BODY  640
#define STS_ONE_MIN (TOKEN_MIN + 280)

/* A login with a certificate sends a token that the client makes and signs itself: 814 characters
 * were measured with an RSA key of 2,048 bits, and 230 to 292 (Java, padded) beside. */
#define ASSERTION_BODY_MAX 1116

#define STS      CS_ENDPOINT_STS
#define ENTRA    CS_ENDPOINT_ENTRA
#define MEASURED "make test-sdks: the released SDK on an isolated network"
#define COMPUTED "computed from the SDK's sources"
#define POLICY   4000 /* a session policy and tags in the body of a signed call */

/* Adding a client is adding rows. Heads vary by some dozens of bytes with the User-Agent (kernel
 * release, application id) and the region in a signature's scope; tokens and roles vary. A session
 * token adds itself and 45 bytes to a signed head, which then is above HEAD_MAX anyway. */
static const struct cs_shape_row rows[] = {
    {"boto3 1.43", MEASURED, STS, true, false, 350, 450, 100, 500, {440, 1463}, 27, 1269},
    {"boto3 1.44", MEASURED, STS, true, false, 350, 450, 100, 500, {459, 1342}, 27, 1152},
    {"AWS CLI 1.46", MEASURED, STS, true, false, 350, 450, 100, 500, {454, 1342}, 27, 1152},
    {"Go v2 1.30", MEASURED, STS, true, false, 260, 370, 100, 500, {351, 1455}, 27, 1269},
    {"Go v2 1.51", MEASURED, STS, true, false, 260, 370, 100, 500, {371, 1334}, 27, 1152},
    {"Go v1 1.55", MEASURED, STS, true, false, 150, 250, 100, 500, {236, 1334}, 27, 1152},
    {"JS v3", MEASURED, STS, true, true, 460, 720, 0, 0, {1740}, 27, 1152},
    {"Java v2 2.57", MEASURED, STS, true, true, 460, 720, 0, 0, {1820}, 27, 1152},
    {"Rust 1.124", MEASURED, STS, true, true, 460, 720, 0, 0, {1788}, 27, 1152},

    {"boto3 GetCallerIdentity",
     MEASURED,
     STS,
     false,
     false,
     600,
     760,
     43,
     POLICY,
     {708, 60},
     27,
     0},
    {"boto3 AssumeRole", MEASURED, STS, false, false, 600, 760, 43, POLICY, {709, 140}, 27, 0},
    {"boto3, session token",
     MEASURED,
     STS,
     false,
     false,
     960,
     2400,
     43,
     POLICY,
     {1860, 162},
     27,
     0},
    {"AWS CLI, session token",
     MEASURED,
     STS,
     false,
     false,
     960,
     2400,
     43,
     POLICY,
     {1848, 60},
     27,
     0},
    {"Go v2 GetCallerIdentity",
     MEASURED,
     STS,
     false,
     false,
     560,
     700,
     43,
     POLICY,
     {677, 60},
     27,
     0},
    {"Go v2 AssumeRole", MEASURED, STS, false, false, 560, 700, 43, POLICY, {678, 140}, 27, 0},
    {"Go v2, session token",
     MEASURED,
     STS,
     false,
     false,
     900,
     2300,
     43,
     POLICY,
     {1825, 185},
     27,
     0},
    {"Go v1 GetCallerIdentity",
     MEASURED,
     STS,
     false,
     false,
     440,
     560,
     43,
     POLICY,
     {500, 60},
     27,
     0},
    {"Go v1 AssumeRole", MEASURED, STS, false, false, 440, 560, 43, POLICY, {501, 140}, 27, 0},
    {"Go v1, session token",
     MEASURED,
     STS,
     false,
     false,
     760,
     2200,
     43,
     POLICY,
     {1646, 174},
     27,
     0},
    {"JS v3 GetCallerIdentity", MEASURED, STS, false, true, 800, 960, 0, 0, {886}, 27, 0},
    {"JS v3 AssumeRole", MEASURED, STS, false, true, 860, 1200, 0, 0, {967}, 27, 0},
    {"Java v2 GetCallerIdentity", MEASURED, STS, false, true, 860, 1000, 0, 0, {952}, 27, 0},
    {"Java v2 AssumeRole", MEASURED, STS, false, true, 940, 1200, 0, 0, {1033}, 27, 0},
    {"Rust GetCallerIdentity", MEASURED, STS, false, true, 680, 800, 0, 0, {763}, 27, 0},
    {"Rust AssumeRole", MEASURED, STS, false, true, 760, 1100, 0, 0, {859}, 27, 0},

    {"azure-identity Python",
     MEASURED,
     ENTRA,
     true,
     false,
     320,
     460,
     160,
     800,
     {427, 1402},
     25,
     1152},
    {"azidentity Go", MEASURED, ENTRA, true, false, 340, 500, 160, 800, {467, 1446}, 25, 1152},
    {"azure-identity Java, reused",
     MEASURED,
     ENTRA,
     true,
     false,
     480,
     640,
     160,
     800,
     {617, 1462},
     25,
     1152},
    {"azure-identity Java", MEASURED, ENTRA, true, true, 700, 1200, 0, 0, {2046}, 25, 1152},
    {"@azure/identity", MEASURED, ENTRA, true, true, 700, 1200, 0, 0, {2146}, 25, 1152},
};

const struct cs_shape_row *cs_shape_row(size_t i)
{
    return i < CS_ARRAY_SIZE(rows) ? &rows[i] : NULL;
}

/* Lengths without what encryption adds; the host's name goes off the first. */
struct plain {
    uint64_t total;
    uint32_t first, rest, last;
};

static uint32_t less(uint64_t from, uint64_t what)
{
    return from > what ? (uint32_t)(from - what) : 0;
}

static void plain_of(const struct cs_exchange *exchange, struct plain *plain)
{
    const struct cs_connection *connection = exchange->connection;
    const struct cs_burst *burst = &exchange->request_records;
    uint16_t overhead = cs_tls_suite_overhead(
        (struct cs_tls_suite){connection->tls_version, connection->tls_cipher});
    size_t host = strlen(connection->server_name);

    plain->total = less(burst->bytes, (uint64_t)overhead * burst->count + host);
    plain->first = less(burst->lengths[0], overhead + host);
    plain->rest = less(plain->total, plain->first);
    plain->last = less(burst->lengths[burst->count - 1], overhead);
}

static bool fits(const struct cs_shape_row *row, const struct plain *plain)
{
    uint32_t token_min = row->token ? TOKEN_MIN : 0, token_max = row->token ? TOKEN_MAX : 0;

    return plain->first >= row->head_min && plain->first <= row->head_max &&
           plain->rest >= row->body_min + token_min && plain->rest <= row->body_max + token_max;
}

static enum cs_call_shape split_shape(const struct plain *plain, enum cs_endpoint endpoint)
{
    bool token = false;

    for (size_t i = 0; i < CS_ARRAY_SIZE(rows); i++) {
        if (rows[i].endpoint != endpoint || rows[i].one || !fits(&rows[i], plain))
            continue;
        if (!rows[i].token)
            return CS_SHAPE_LIKE;
        token = true;
    }
    return token ? CS_SHAPE_KNOWN : CS_SHAPE_LIKE;
}

static enum cs_call_shape with_token(enum cs_call_shape shape, const struct plain *plain,
                                     enum cs_endpoint endpoint)
{
    return endpoint == ENTRA && plain->rest <= ASSERTION_BODY_MAX ? CS_SHAPE_BRIEF : shape;
}

/* HTTP/2: a HEADERS frame, compressed, and a DATA frame; more records are several requests. */
static enum cs_call_shape multiplexed_shape(const struct cs_burst *burst, const struct plain *plain,
                                            enum cs_endpoint endpoint)
{
    if (burst->count == 1)
        return CS_SHAPE_ONE;
    for (uint16_t i = 1; i < burst->count; i++) {
        if (burst->lengths[i] > SMALL_BODY && burst->count > 2)
            return CS_SHAPE_NONE;
    }
    if (plain->rest >= BODY_MIN && plain->rest <= BODY_MAX && plain->first <= HEAD_MAX)
        return with_token(CS_SHAPE_LIKE, plain, endpoint);
    return plain->last <= SMALL_BODY ? CS_SHAPE_SIGNED : CS_SHAPE_OTHER;
}

enum cs_call_shape cs_call_shape(const struct cs_exchange *exchange, enum cs_endpoint endpoint)
{
    const struct cs_burst *burst = &exchange->request_records;
    struct plain plain;

    if (burst->count == 0 || burst->count > CS_BURST_RECORDS_MAX)
        return CS_SHAPE_NONE;
    plain_of(exchange, &plain);
    if (plain.total + strlen(exchange->connection->server_name) < CALL_MIN)
        return CS_SHAPE_SMALL;
    if (exchange->multiplexed)
        return multiplexed_shape(burst, &plain, endpoint);
    if (burst->count == 1)
        return plain.total >= STS_ONE_MIN && plain.total <= ONE_MAX ? CS_SHAPE_ONE : CS_SHAPE_OTHER;
    if (burst->count == 2 && plain.last <= SMALL_BODY)
        return CS_SHAPE_SIGNED;
    if (plain.first > HEAD_MAX || plain.rest < BODY_MIN || plain.rest > BODY_MAX)
        return CS_SHAPE_OTHER;
    return with_token(burst->count == 2 ? split_shape(&plain, endpoint) : CS_SHAPE_LIKE, &plain,
                      endpoint);
}

uint16_t cs_call_body(const struct cs_exchange *exchange)
{
    struct plain plain;

    if (exchange->request_records.count != 2)
        return 0;
    plain_of(exchange, &plain);
    return (uint16_t)plain.last;
}

uint32_t cs_call_size(const struct cs_exchange *exchange)
{
    const struct cs_burst *burst = &exchange->request_records;
    uint16_t largest = 0;

    if (!exchange->multiplexed)
        return burst->bytes < UINT32_MAX ? (uint32_t)burst->bytes : UINT32_MAX;
    for (uint16_t i = 0; i < burst->count && i < CS_BURST_RECORDS_MAX; i++) {
        if (burst->lengths[i] > largest)
            largest = burst->lengths[i];
    }
    return largest;
}

/* STS: a session token alone has ≈ 800 characters, an error ≈ 550 in all, and GetCallerIdentity's
 * answer 600 to 700. Entra: an answer has 1.5 KB of token, an error up to 1.2 KB, most of it head.
 */
static const struct {
    enum cs_endpoint endpoint;
    uint16_t small_below, large_from;
} answer_sizes[] = {
    {CS_ENDPOINT_STS, 1000, 1000},
    {CS_ENDPOINT_EKS_AUTH, 1000, 1000},
    {CS_ENDPOINT_ENTRA, 1300, 1600},
};

enum cs_answer_size cs_answer_size(const struct cs_exchange *exchange, enum cs_endpoint endpoint)
{
    uint64_t bytes = exchange->response_records.bytes;

    if (exchange->outcome != CS_OUTCOME_ANSWERED)
        return exchange->observed ? CS_ANSWER_NONE : CS_ANSWER_UNSEEN;
    /* In HTTP/2 a connection's first answer is to its first request, if that was alone: a head and
     * a body. Any other may be to an earlier one. */
    if (!exchange->observed ||
        (exchange->multiplexed && (exchange->index > 0 || exchange->request_records.count > 2)))
        return CS_ANSWER_UNSEEN;
    for (size_t i = 0; i < CS_ARRAY_SIZE(answer_sizes); i++) {
        if (answer_sizes[i].endpoint != endpoint)
            continue;
        if (bytes >= answer_sizes[i].large_from)
            return CS_ANSWER_LARGE;
        return bytes < answer_sizes[i].small_below ? CS_ANSWER_SMALL : CS_ANSWER_BETWEEN;
    }
    return CS_ANSWER_UNSEEN;
}
