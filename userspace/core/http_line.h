/* SPDX-License-Identifier: Apache-2.0 */
/* Takes an HTTP/1.x request line apart (RFC 9112 3). Pure; results point into the line. */
#ifndef CS_CORE_HTTP_LINE_H
#define CS_CORE_HTTP_LINE_H

#include "base/util.h"

#include <stdbool.h>

struct cs_http_line {
    struct cs_slice method;
    struct cs_slice target; /* query included; absolute-form (RFC 9112 3.2.2) is left as it is */
};

/* line is clean text. cut: the line was longer than what is given, so that no version need end
 * it. False when it is no request line; what could be told apart is set all the same, the rest
 * empty. */
bool cs_http_line_parse(const char *line, bool cut, struct cs_http_line *result);

/* A request target's path, without scheme and authority, query or fragment. */
struct cs_slice cs_http_target_path(const char *target);

/* The raw (still percent-encoded) value of a query parameter; data NULL when absent. name is
 * compared as it stands. */
struct cs_slice cs_http_target_query(const char *target, const char *name);

#endif
