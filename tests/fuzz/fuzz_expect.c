/* SPDX-License-Identifier: Apache-2.0 */
/* The expect list's file, whole; what it accepts must be found again. And User-Agents. */
#include "core/findings/expect.h"
#include "core/findings/sdk_version.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_entries(const struct cs_expect *expect)
{
    for (size_t i = 0; i < cs_expect_count(expect); i++) {
        const struct cs_expect_entry *entry = cs_expect_at(expect, i);

        if (cs_expect_find(expect, entry->namespace, entry->service_account, entry->mechanism,
                           INT64_MIN) != entry ||
            entry->reason[0] == '\0' || entry->line == 0)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char error[CS_EXPECT_ERROR_MAX];
    struct cs_expect *expect = NULL;
    struct cs_sdk sdk;
    char *text;

    if (cs_expect_new(&expect) < 0)
        return 0;
    if (cs_expect_parse(expect, (const char *)data, size, error) == 0)
        check_entries(expect);
    else if (cs_expect_count(expect) != 0 || strncmp(error, "line ", 5) != 0)
        abort();
    cs_expect_free(&expect);

    text = malloc(size + 1);
    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    if (cs_sdk_parse(text, size & 1, &sdk) && strspn(sdk.version, "0123456789.") < 3)
        abort();
    free(text);
    return 0;
}
