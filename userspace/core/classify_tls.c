// SPDX-License-Identifier: Apache-2.0
/*
 * Calls whose content is encrypted: the server's name says whom, token opens and record lengths
 * say what. Lengths were measured with the SDKs of AWS and Azure and a token of 1152 characters;
 * they move with the User-Agent, the host and the token, so the bounds are wide.
 */
#include "core/classify_private.h"

#include "base/util.h"

/* A token is read right before it is sent; a slow connect (two lost SYNs) may lie between. */
#define TOKEN_WINDOW_NS (5 * CS_NSEC_PER_SEC)

/* Plaintext + record overhead. A projected token has 700 characters and more, the rest of the call
 * ≈ 170; without a signature the head has 330 to 450. GetCallerIdentity's body is 43 bytes,
 * AssumeRole's 110 to 300. */
#define TOKEN_CALL_MIN  1100
#define TOKEN_BODY_MIN  800
#define PLAIN_HEAD_MAX  640
#define SIGNED_BODY_MAX 640

/* Answers of at least `credentials` bytes hold some, below `rejection` they hold none; between
 * the two it can't be told. STS: a session token alone has ≈ 800 characters, an error ≈ 550 in all.
 * Entra: a token answer has 1.5 KB of token, an error up to 1.2 KB, most of it head. */
static const struct {
    enum cs_mechanism mechanism;
    uint16_t rejection, credentials;
} answer_sizes[] = {
    {CS_MECHANISM_IRSA, 1000, 1000},
    {CS_MECHANISM_EKS_AUTH, 1000, 1000},
    {CS_MECHANISM_AZURE_WORKLOAD_IDENTITY, 1300, 1600},
};

enum cs_call_shape cs_call_shape(const struct cs_exchange *exchange)
{
    const struct cs_burst *burst = &exchange->request_records;
    uint16_t last;

    if (burst->count == 0 || exchange->multiplexed || burst->count > CS_BURST_RECORDS_MAX)
        return CS_SHAPE_ANY;
    if (burst->bytes < TOKEN_CALL_MIN)
        return CS_SHAPE_SMALL;
    if (burst->count == 1)
        return CS_SHAPE_ANY;
    last = burst->lengths[burst->count - 1];
    if (last <= SIGNED_BODY_MAX && burst->count == 2)
        return CS_SHAPE_SIGNED;
    if (burst->lengths[0] <= PLAIN_HEAD_MAX && burst->bytes - burst->lengths[0] >= TOKEN_BODY_MIN)
        return CS_SHAPE_WEB_IDENTITY;
    return CS_SHAPE_ANY;
}

bool cs_token_fits(const struct cs_evidence *evidence, enum cs_mechanism mechanism)
{
    const struct cs_exchange *exchange = evidence->exchange;
    uint64_t from = exchange->start_ns;

    if (!evidence->token_open_ns || evidence->token_mechanism != mechanism)
        return false;
    if (exchange->index == 0 && exchange->connection->connect_ns &&
        exchange->connection->connect_ns < from)
        from = exchange->connection->connect_ns;
    return evidence->token_open_ns <= exchange->start_ns &&
           evidence->token_open_ns + TOKEN_WINDOW_NS >= from;
}

/* The one place where evidence of a token exchange is weighed: what the call is if it is one
 * (`exchange`), and what if not (`other`). */
static void weigh(const struct cs_evidence *evidence, enum cs_mechanism exchange,
                  enum cs_mechanism other, struct cs_verdict *verdict)
{
    enum cs_call_shape shape = cs_call_shape(evidence->exchange);
    bool token = cs_token_fits(evidence, exchange);

    verdict->mechanism = other;
    verdict->confidence = CS_CONFIDENCE_MEDIUM;
    verdict->reasons = CS_REASON_BIT(SNI);
    if (token)
        verdict->reasons |= CS_REASON_BIT(TOKEN_OPEN);
    if (shape != CS_SHAPE_ANY)
        verdict->reasons |= CS_REASON_BIT(RECORD_SHAPE);
    if (token && (shape == CS_SHAPE_ANY || shape == CS_SHAPE_WEB_IDENTITY)) {
        verdict->mechanism = exchange;
        verdict->confidence =
            shape == CS_SHAPE_WEB_IDENTITY ? CS_CONFIDENCE_HIGH : CS_CONFIDENCE_MEDIUM;
    } else if (shape == CS_SHAPE_WEB_IDENTITY) {
        /* Somebody's token, perhaps: one that this container did not open. */
        verdict->confidence = CS_CONFIDENCE_LOW;
    } else if (shape == CS_SHAPE_SIGNED || shape == CS_SHAPE_SMALL) {
        verdict->confidence = CS_CONFIDENCE_HIGH;
    }
}

static void infer_outcome(const struct cs_exchange *exchange, struct cs_verdict *verdict)
{
    if (exchange->outcome != CS_OUTCOME_ANSWERED || exchange->multiplexed || !exchange->observed)
        return;
    for (size_t i = 0; i < CS_ARRAY_SIZE(answer_sizes); i++) {
        if (answer_sizes[i].mechanism != verdict->mechanism)
            continue;
        if (exchange->response_records.bytes >= answer_sizes[i].credentials)
            verdict->outcome = CS_OUTCOME_OK_INFERRED;
        else if (exchange->response_records.bytes < answer_sizes[i].rejection)
            verdict->outcome = CS_OUTCOME_REJECTED_INFERRED;
    }
}

void cs_classify_tls(const struct cs_evidence *evidence, struct cs_verdict *verdict)
{
    const struct cs_exchange *exchange = evidence->exchange;

    switch (verdict->endpoint) {
    case CS_ENDPOINT_STS:
        weigh(evidence, CS_MECHANISM_IRSA, CS_MECHANISM_STS, verdict);
        break;
    case CS_ENDPOINT_ENTRA:
        weigh(evidence, CS_MECHANISM_AZURE_WORKLOAD_IDENTITY, CS_MECHANISM_ENTRA, verdict);
        break;
    default:
        verdict->mechanism = CS_MECHANISM_EKS_AUTH;
        verdict->confidence = CS_CONFIDENCE_HIGH;
        verdict->reasons = CS_REASON_BIT(SNI);
        break;
    }
    if (exchange->multiplexed && verdict->confidence == CS_CONFIDENCE_HIGH)
        verdict->confidence = CS_CONFIDENCE_MEDIUM;
    infer_outcome(exchange, verdict);
    verdict->delivered =
        verdict->outcome == CS_OUTCOME_OK_INFERRED && verdict->mechanism != CS_MECHANISM_EKS_AUTH;
}
