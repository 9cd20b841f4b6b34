/* SPDX-License-Identifier: Apache-2.0 */
#include "core/metrics/credential_life.h"

#include <string.h>

static uint64_t aws(const struct cs_credential_life *life)
{
    return life->aws_ns ? life->aws_ns : CS_AWS_LIFE_NS;
}

static uint64_t azure(const struct cs_credential_life *life)
{
    return life->azure_ns ? life->azure_ns : CS_AZURE_LIFE_NS;
}

uint64_t cs_credential_life(const struct cs_credential_life *life, enum cs_mechanism mechanism)
{
    return strcmp(cs_mechanism_info(mechanism)->cloud, "aws") == 0 ? aws(life) : azure(life);
}

uint64_t cs_credential_life_longest(const struct cs_credential_life *life)
{
    return aws(life) > azure(life) ? aws(life) : azure(life);
}
