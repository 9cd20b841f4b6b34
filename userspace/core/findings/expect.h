/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is as intended: (namespace, service account, mechanism), with a reason and perhaps an end.
 * Findings about it are raised and counted with expected="true", and never alert. The providers'
 * own add-ons are a built-in list (expect_builtin.c); --expect adds a file's.
 *
 * The file has one entry a line, as exceptions lists that people review in pull requests have:
 *
 *     # namespace/service_account  mechanism  until       reason
 *     shop/payer                   irsa       2027-01-31  waits for SDK 2, PAY-1234
 *     backup/velero                imdsv2     -           restores nodes, reviewed by security
 *
 * Columns are separated by blanks; until is the last day (UTC) or "-"; the reason is the rest of
 * the line and must be there. Empty lines and those that start with # are passed over. There are
 * no wildcards: an exception that covers more than one service account is several lines.
 */
#ifndef CS_CORE_EXPECT_H
#define CS_CORE_EXPECT_H

#include "base/cleanup.h"
#include "core/mechanism.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CS_EXPECT_ENTRIES_MAX 1024
#define CS_EXPECT_BYTES_MAX   (256 * 1024)
#define CS_EXPECT_REASON_MAX  200 /* bytes */
#define CS_EXPECT_ERROR_MAX   256

struct cs_expect_entry {
    const char *namespace; /* NULL: any, in the built-in list only */
    const char *service_account;
    enum cs_mechanism mechanism;
    int64_t until_s; /* seconds since 1970 at which it holds no more; INT64_MAX never */
    const char *reason;
    const char *source; /* of a built-in one: where its names are from; NULL: the file's */
    unsigned int line;  /* of the file; 0 built in */
};

struct cs_expect;

/* With the built-in list and no others. 0 or -ENOMEM. */
int cs_expect_new(struct cs_expect **expect);

/* Free and set to NULL; accepts NULL. */
void cs_expect_free(struct cs_expect **expect);
#define _cleanup_expect_ CS_CLEANUP(cs_expect_free)

/* Add a whole file's text. 0; -EINVAL (error says where and what, as "line 3: …"), or -ENOMEM;
 * then nothing is added. */
int cs_expect_parse(struct cs_expect *expect, const char *text, size_t len,
                    char error[CS_EXPECT_ERROR_MAX]);

/* The entry that makes this as intended at now_s (seconds since 1970), or NULL. */
const struct cs_expect_entry *cs_expect_find(const struct cs_expect *expect, const char *namespace,
                                             const char *service_account,
                                             enum cs_mechanism mechanism, int64_t now_s);

/* The file's entries in its order. */
size_t cs_expect_count(const struct cs_expect *expect);
const struct cs_expect_entry *cs_expect_at(const struct cs_expect *expect, size_t index);

/* The built-in list. */
const struct cs_expect_entry *cs_expect_builtin(size_t *count);

#endif
