// SPDX-License-Identifier: Apache-2.0
/* Any bytes as one fact: refused, or a view that keeps its header's promises. */
#include "core/facts/fact.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void require(int condition)
{
    if (!condition)
        abort();
}

static void require_clean(const char *text, size_t max)
{
    size_t len = strnlen(text, max + 1);

    require(len <= max);
    for (size_t i = 0; i < len; i++)
        require((unsigned char)text[i] >= 0x20 && text[i] != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cs_fact fact;
    char comm[CS_COMM_LEN + 1];
    enum cs_fact_error error;

    memset(&fact, 0xa5, sizeof(fact));
    error = cs_fact_decode(data, size, &fact);
    require(error < CS_FACT_ERROR_END);
    if (error)
        return 0;
    require(fact.header.type > 0 && fact.header.type < CS_FACT_TYPE_END);
    require(fact.header.size <= size);
    require_clean(fact.text, CS_FACT_TEXT_MAX);
    if (fact.header.type == CS_FACT_REQUEST) {
        require_clean(cs_fact_user_agent(&fact), CS_USER_AGENT_MAX);
        require(strlen(fact.text) <= fact.request.line_len);
    }
    if (fact.header.type == CS_FACT_CONNECT) {
        cs_fact_comm_copy(comm, fact.connect.comm);
        require_clean(comm, CS_COMM_LEN);
    }
    return 0;
}
