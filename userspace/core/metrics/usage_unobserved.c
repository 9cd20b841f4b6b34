/* SPDX-License-Identifier: Apache-2.0 */
#include "core/metrics/usage_unobserved.h"

#include "base/util.h"

#include <string.h>

static const char *const NAMES[] = {
    [CS_UNOBSERVED_STARTED_BEFORE] = "started_before",
    [CS_UNOBSERVED_SANDBOXED] = "sandboxed",
};
_Static_assert(CS_ARRAY_SIZE(NAMES) == CS_UNOBSERVED_END, "unobserved names");

const char *cs_unobserved_name(enum cs_unobserved reason)
{
    return NAMES[reason];
}

static int visit(const struct cs_container *container, void *context)
{
    uint64_t *counts = context;

    if (container->identity.runtime == CS_RUNTIME_KATA)
        counts[CS_UNOBSERVED_SANDBOXED]++;
    else if (container->created_ns == 0)
        counts[CS_UNOBSERVED_STARTED_BEFORE]++;
    return 0;
}

void cs_unobserved_count(const struct cs_container_table *table, uint64_t counts[CS_UNOBSERVED_END])
{
    memset(counts, 0, CS_UNOBSERVED_END * sizeof(counts[0]));
    cs_container_table_each(table, visit, counts);
}
