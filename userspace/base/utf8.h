/* SPDX-License-Identifier: Apache-2.0 */
/* Well-formed UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef CS_BASE_UTF8_H
#define CS_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Length of the sequence that starts at `at`, 1 to 4; 0: none does. at is NUL-terminated, and the
 * NUL ends every sequence. */
size_t cs_utf8_length(const char *at);

/* All of text is. */
bool cs_utf8_valid(const char *text);

#endif
