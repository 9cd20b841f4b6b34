/* SPDX-License-Identifier: Apache-2.0 */
/* Small whole files: /proc, /sys. */
#ifndef CS_BASE_FILE_H
#define CS_BASE_FILE_H

#include <stddef.h>

/* Read all of a file into text (size >= 1) and terminate it. Its length, -EFBIG when it has more
 * than size - 1 bytes, or -errno; text is undefined then. */
long cs_file_read(const char *path, char *text, size_t size);

#endif
