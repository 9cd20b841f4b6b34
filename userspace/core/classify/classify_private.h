/* SPDX-License-Identifier: Apache-2.0 */
/* The halves of classification; nobody else includes it. */
#ifndef CS_CORE_CLASSIFY_PRIVATE_H
#define CS_CORE_CLASSIFY_PRIVATE_H

#include "core/classify/classify.h"

#define CS_REASON_BIT(reason) (UINT32_C(1) << CS_REASON_##reason)

/* Fill mechanism, confidence, reasons, delivered, probe, interceptor, call and delegated; endpoint
 * and outcome are set. */
void cs_classify_agent(const struct cs_evidence *evidence, struct cs_verdict *verdict);
void cs_classify_imds(const struct cs_evidence *evidence, struct cs_verdict *verdict);
void cs_classify_tls(const struct cs_evidence *evidence, struct cs_verdict *verdict);

/* Another process took the connection than was asked for, and it is not the caller's own. */
bool cs_evidence_intercepted(const struct cs_evidence *evidence);

#endif
