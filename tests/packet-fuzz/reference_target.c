// SPDX-License-Identifier: Apache-2.0
#include "reference_head.h"

#include <string.h>

static const char *const allowed[] = {"resource",   "client_id", "object_id",  "principal_id",
                                      "msi_res_id", "mi_res_id", "api-version"};

static const uint8_t *find(const uint8_t *from, const uint8_t *to, const char *set)
{
    for (; from < to; from++)
        if (strchr(set, *from) && *from)
            return from;
    return to;
}

static bool is_allowed(const uint8_t *name, size_t len)
{
    for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
        if (strlen(allowed[i]) == len && !memcmp(allowed[i], name, len))
            return true;
    return false;
}

static uint32_t put(uint8_t *to, uint32_t at, const uint8_t *from, const uint8_t *end)
{
    memcpy(to + at, from, (size_t)(end - from));
    return at + (uint32_t)(end - from);
}

/* name=value pairs between '&' or ';'. */
static uint32_t cut_query(const uint8_t *p, const uint8_t *end, uint8_t *to, uint32_t at, bool *cut)
{
    for (;;) {
        const uint8_t *next = find(p, end, "&;"), *equals = find(p, next, "=");

        if (equals == next) {
            *cut |= next != p;
        } else {
            bool keep = is_allowed(p, (size_t)(equals - p));

            at = put(to, at, p, keep ? next : equals + 1);
            *cut |= !keep && equals + 1 != next;
        }
        if (next == end)
            return at;
        to[at++] = *next;
        p = next + 1;
    }
}

uint32_t pf_cut_target(const uint8_t *target, uint32_t len, uint8_t *to, bool *cut, bool *loose)
{
    const uint8_t *p = target, *end = target + len, *question, *authority, *slash, *at;
    uint32_t n = 0;

    if (find(p, end, "#") != end)
        *loose = true;
    question = find(p, end, "?");
    if (p < question && *p != '/') {
        /* absolute-form has a scheme before its authority, authority-form has not */
        authority = find(p, question, ":/");
        if (question - authority >= 3 && !memcmp(authority, "://", 3))
            authority += 3;
        else
            authority = p;
        slash = find(authority, question, "/");
        if (find(p, authority, "@") != authority || (authority == p && slash != question))
            *loose = true;
        for (at = slash; at > authority && at[-1] != '@';)
            at--;
        n = put(to, n, p, authority);
        *cut |= at != authority;
        p = at;
        if (question == slash && question != end && at != authority)
            *loose = false;
    }
    n = put(to, n, p, question);
    if (question == end)
        return n;
    to[n++] = '?';
    return cut_query(question + 1, end, to, n, cut);
}
