/* SPDX-License-Identifier: Apache-2.0 */
/* Containers that can't be seen wholly, and why. */
#ifndef CS_CORE_USAGE_UNOBSERVED_H
#define CS_CORE_USAGE_UNOBSERVED_H

#include "core/attribute/container_table.h"

#include <stdint.h>

enum cs_unobserved {
    CS_UNOBSERVED_STARTED_BEFORE, /* its first attempt and its open connections were missed */
    CS_UNOBSERVED_SANDBOXED,      /* in a virtual machine: its sockets are the guest's */
    CS_UNOBSERVED_END,
};

const char *cs_unobserved_name(enum cs_unobserved reason);

/* Pods' containers that run now, each counted under one reason. Walks the table. */
void cs_unobserved_count(const struct cs_container_table *table,
                         uint64_t counts[CS_UNOBSERVED_END]);

#endif
