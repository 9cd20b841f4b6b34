// SPDX-License-Identifier: Apache-2.0
#include "core/http_line.h"

#include <string.h>
#include <strings.h>

bool cs_http_line_parse(const char *line, bool cut, struct cs_http_line *result)
{
    const char *space = strchr(line, ' ');
    const char *target, *end, *last;

    *result = (struct cs_http_line){{line, 0}, {line, 0}};
    if (!space) {
        if (cut)
            result->method.len = strlen(line);
        return false;
    }
    result->method.len = (size_t)(space - line);
    target = space + 1;
    end = target + strlen(target);
    last = strrchr(target, ' ');
    if (last && strncmp(last + 1, "HTTP/", 5) == 0)
        end = last;
    else if (!cut)
        return false;
    result->target = (struct cs_slice){target, (size_t)(end - target)};
    return result->method.len > 0 && result->target.len > 0;
}

struct cs_slice cs_http_target_path(const char *target)
{
    if (strncasecmp(target, "http://", 7) == 0) {
        target += 7;
        target += strcspn(target, "/?#");
    }
    return (struct cs_slice){target, strcspn(target, "?#")};
}

struct cs_slice cs_http_target_query(const char *target, const char *name)
{
    size_t name_len = strlen(name);
    const char *at = target + strcspn(target, "?#");

    while (*at == '?' || *at == '&') {
        size_t len;

        at++;
        len = strcspn(at, "&#");
        if (len > name_len && at[name_len] == '=' && memcmp(at, name, name_len) == 0)
            return (struct cs_slice){at + name_len + 1, len - name_len - 1};
        at += len;
    }
    return (struct cs_slice){NULL, 0};
}
