/* SPDX-License-Identifier: Apache-2.0 */
/* The halves of classification; nobody else includes it. */
#ifndef CS_CORE_CLASSIFY_PRIVATE_H
#define CS_CORE_CLASSIFY_PRIVATE_H

#include "core/classify.h"

#define CS_REASON_BIT(reason) (UINT32_C(1) << CS_REASON_##reason)

/* Fill mechanism, confidence, reasons, delivered and probe; endpoint and outcome are set. */
void cs_classify_agent(const struct cs_exchange *exchange, struct cs_verdict *verdict);
void cs_classify_imds(const struct cs_exchange *exchange, struct cs_verdict *verdict);
void cs_classify_tls(const struct cs_evidence *evidence, struct cs_verdict *verdict);

/* What a burst's record lengths say of an STS call. */
enum cs_call_shape {
    CS_SHAPE_ANY,          /* nothing: one record, or none seen */
    CS_SHAPE_WEB_IDENTITY, /* small head, then a body that holds a token */
    CS_SHAPE_SIGNED,       /* big or small head, then a body too small for one */
    CS_SHAPE_SMALL,        /* all of it too small for a token */
};

enum cs_call_shape cs_call_shape(const struct cs_exchange *exchange);

/* A token was opened so shortly before the call that it can be what was sent. */
bool cs_token_fits(const struct cs_evidence *evidence, enum cs_mechanism mechanism);

#endif
