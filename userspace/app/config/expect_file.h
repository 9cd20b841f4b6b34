/* SPDX-License-Identifier: Apache-2.0 */
/* The file of --expect, as `run` takes it and `check` looks at it. */
#ifndef CS_APP_EXPECT_FILE_H
#define CS_APP_EXPECT_FILE_H

#include "core/findings/expect.h"

/* Add the file's entries. 0, or -errno with why in words, without the path. */
int cs_expect_file_read(const char *path, struct cs_expect *expect, char why[CS_EXPECT_ERROR_MAX]);

#endif
