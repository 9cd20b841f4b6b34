// SPDX-License-Identifier: Apache-2.0
/* Any text as a request line: the parts lie inside it, and classification is the same for the same
 * path whatever its query. First byte: whether the line was cut. */
#include "core/classify/classify.h"
#include "core/classify/classify_path.h"
#include "core/http_line.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void require(int condition)
{
    if (!condition)
        abort();
}

static void inside(struct cs_slice slice, const char *text)
{
    require(slice.data >= text && slice.data + slice.len <= text + strlen(text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cs_exchange exchange = {0};
    char line[CS_REQUEST_LINE_MAX + 1], identity[64], bare[CS_REQUEST_LINE_MAX + 1];
    struct cs_http_line parsed;
    struct cs_slice path, query;

    if (size < 1 || size > CS_REQUEST_LINE_MAX)
        return 0;
    memcpy(line, data + 1, size - 1);
    line[size - 1] = '\0';
    if (!cs_http_line_parse(line, data[0] & 1, &parsed))
        require(parsed.method.len == 0 || parsed.target.len <= strlen(line));
    inside(parsed.method, line);
    inside(parsed.target, line);
    cs_text_copy(exchange.path, sizeof(exchange.path), parsed.target.data, parsed.target.len);
    exchange.request_flags = data[0] & 1 ? CS_REQUEST_LINE_CUT : 0;
    path = cs_http_target_path(exchange.path);
    inside(path, exchange.path);
    cs_text_copy(bare, sizeof(bare), path.data, path.len);
    if (path.len > 0)
        require(cs_path_classify(bare) == cs_path_classify(exchange.path));
    query = cs_http_target_query(exchange.path, "resource");
    if (query.data)
        inside(query, exchange.path);
    if (cs_exchange_identity(&exchange, identity, sizeof(identity)))
        require(identity[0] && strstr(exchange.path, identity));
    else
        require(!identity[0]);
    return 0;
}
