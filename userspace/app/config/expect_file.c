/* SPDX-License-Identifier: Apache-2.0 */
#include "app/config/expect_file.h"

#include "base/cleanup.h"
#include "base/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int cs_expect_file_read(const char *path, struct cs_expect *expect, char why[CS_EXPECT_ERROR_MAX])
{
    _cleanup_free_ char *text = malloc(CS_EXPECT_BYTES_MAX + 1);
    long len = text ? cs_file_read(path, text, CS_EXPECT_BYTES_MAX + 1) : -ENOMEM;
    int r;

    if (len < 0) {
        if (len == -EFBIG)
            snprintf(why, CS_EXPECT_ERROR_MAX, "larger than %d bytes", CS_EXPECT_BYTES_MAX);
        else
            snprintf(why, CS_EXPECT_ERROR_MAX, "%s", strerror((int)-len));
        return (int)len;
    }
    r = cs_expect_parse(expect, text, (size_t)len, why);
    if (r == -ENOMEM)
        snprintf(why, CS_EXPECT_ERROR_MAX, "%s", strerror(ENOMEM));
    return r;
}
