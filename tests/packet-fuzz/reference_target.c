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

static int digit(uint8_t c)
{
    const char *digits = "0123456789abcdef", *at = strchr(digits, c | 0x20);

    return c >= '0' && at && *at ? (int)(at - digits) : -1;
}

/* Up to the first of set, or the first '%' that is no escape of an ASCII byte outside "#%&;?". */
static const uint8_t *find_end(const uint8_t *from, const uint8_t *to, const char *set)
{
    const uint8_t *stop = find(from, to, set);

    for (; from < stop; from++) {
        int high = stop - from > 2 ? digit(from[1]) : -1, low = high < 0 ? -1 : digit(from[2]);

        if (*from != '%')
            continue;
        if (high < 2 || high > 7 || low < 0 || strchr("#%&;?", high * 16 + low))
            return from;
    }
    return stop;
}

/* Allowed name=value pairs between '&' or ';', up to a '#'. */
static uint32_t cut_query(const uint8_t *p, const uint8_t *end, uint8_t *to, uint32_t at, bool *cut)
{
    const uint8_t *hash = find(p, end, "#");
    uint8_t separator = '?';
    bool kept = false;

    *cut |= hash != end;
    for (end = hash;;) {
        const uint8_t *next = find(p, end, "&;"), *equals = find(p, next, "="), *stop = next;

        if (equals != next && is_allowed(p, (size_t)(equals - p))) {
            to[at++] = kept ? separator : '?';
            stop = find_end(equals, next, "?");
            at = put(to, at, p, stop);
            kept = true;
        } else {
            *cut |= next != p;
        }
        *cut |= stop != next;
        if (next == end || stop != next)
            return at;
        separator = *next;
        p = next + 1;
    }
}

/* What stands before the path: end of the authority that begins at p, its scheme's end in *from. */
static const uint8_t *authority_end(const uint8_t *p, const uint8_t *end, const uint8_t **from,
                                    bool *loose)
{
    const uint8_t *scheme = find(p, end, ":/?#"), *slash;

    *from = end - scheme >= 3 && !memcmp(scheme, "://", 3) ? scheme + 3 : p;
    slash = find(*from, end, "/?#");
    /* what isn't a URL is cut in ways of which only the secrets matter */
    if (find(p, *from, "@%=&;") != *from || (*from == p && slash != end))
        *loose = true;
    return slash;
}

/* Behind the last '@': may it be host and port? */
static bool is_host(const uint8_t *p, const uint8_t *end)
{
    const uint8_t *colon = find(p, end, ":");

    if (find(p, end, "%=&;") != end)
        return false;
    for (; colon < end; colon++)
        if (digit(*colon) < 0 && !strchr(":.[]", *colon))
            return false;
    return true;
}

uint32_t pf_cut_target(const uint8_t *target, uint32_t len, uint8_t *to, bool *cut, bool *loose)
{
    const uint8_t *p = target, *end = target + len, *authority, *stop;
    uint32_t n = 0;

    if (len && *p != '/') {
        stop = authority_end(p, end, &authority, loose);
        n = put(to, n, p, authority);
        for (p = stop; p > authority && p[-1] != '@';)
            p--;
        *cut |= p != authority;
        if (!is_host(p, stop)) {
            *cut = true;
            return n;
        }
        n = put(to, n, p, stop);
        p = stop;
    }
    stop = find_end(p, end, "?;&#");
    n = put(to, n, p, stop);
    if (stop == end)
        return n;
    if (*stop == '?')
        return cut_query(stop + 1, end, to, n, cut);
    *cut = true;
    return n;
}
