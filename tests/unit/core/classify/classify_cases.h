/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of classification share: the built-in watch list, addresses, verdicts as text. */
#ifndef CS_TESTS_CLASSIFY_CASES_H
#define CS_TESTS_CLASSIFY_CASES_H

#include "core/classify/classify.h"

#include "base/util.h"
#include "core/classify/watchlist.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SEC   UINT64_C(1000000000)
#define START (100 * SEC)

#define PIA   "169.254.170.23"
#define PIA6  "fd00:ec2::23"
#define IMDS  "169.254.169.254"
#define IMDS6 "fd00:ec2::254"
#define ROLES "/latest/meta-data/iam/security-credentials"
#define TOKEN "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Fv"
#define AZWI  "azure-workload-identity/proxy/v1.6.0 (linux/amd64) d8/2026-04-10"

static inline const struct cs_watchlist *watchlist(void)
{
    static struct cs_watchlist list;

    if (list.address_count == 0)
        cs_watchlist_init(&list);
    return &list;
}

static inline void set_address(uint8_t addr[16], const char *text)
{
    memset(addr, 0, 16);
    if (inet_pton(AF_INET6, text, addr) == 1)
        return;
    addr[10] = addr[11] = 0xff;
    assert_int_equal(inet_pton(AF_INET, text, addr + 12), 1);
}

#define STS   "sts.us-east-1.amazonaws.com"
#define ENTRA "login.microsoftonline.com"

/* Up to the first 0. */
static inline void fill_burst(struct cs_burst *burst, const uint16_t lengths[4])
{
    for (size_t i = 0; i < 4 && lengths[i]; i++) {
        burst->lengths[burst->count++] = lengths[i];
        burst->bytes += lengths[i];
    }
}

/* What follows the mechanism: D delivered, P probe, R rejected by its size; then "h", "m" or "l"
 * for the confidence, and "delegated". */
static inline void describe(const struct cs_verdict *verdict, char *text, size_t size)
{
    snprintf(text, size, "%s%s%s%s %c%s", cs_mechanism_info(verdict->mechanism)->name,
             verdict->delivered ? " D" : "", verdict->probe ? " P" : "",
             verdict->outcome == CS_OUTCOME_REJECTED_INFERRED ? " R" : "",
             cs_confidence_name(verdict->confidence)[0], verdict->delegated ? " delegated" : "");
}

#endif
