/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long what a mechanism delivers may be in use: AWS sessions last 12 hours at most (IAM user
 * guide, maximum session duration), Entra's tokens for managed identities up to 24 and are renewed
 * later still. Nanoseconds. Pure.
 */
#ifndef CS_CORE_CREDENTIAL_LIFE_H
#define CS_CORE_CREDENTIAL_LIFE_H

#include "core/mechanism.h"

#include <stdint.h>

#define CS_AWS_LIFE_NS   (UINT64_C(12) * 3600 * 1000000000)
#define CS_AZURE_LIFE_NS (UINT64_C(28) * 3600 * 1000000000)

/* 0: the default, above. */
struct cs_credential_life {
    uint64_t aws_ns;
    uint64_t azure_ns; /* also of mechanisms of any cloud */
};

uint64_t cs_credential_life(const struct cs_credential_life *life, enum cs_mechanism mechanism);

/* Of any mechanism. */
uint64_t cs_credential_life_longest(const struct cs_credential_life *life);

#endif
