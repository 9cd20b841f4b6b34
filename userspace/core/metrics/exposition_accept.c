/* SPDX-License-Identifier: Apache-2.0 */
/* Accept and Accept-Encoding (RFC 9110 12.4, 12.5). Malformed members are skipped. */
#include "core/metrics/exposition.h"

#include "base/util.h"

#include <strings.h>

#define QUALITY_MAX 1000 /* qvalues have three decimals */

/* One member of a list: what stands before the first ";", its quality, its version. */
struct member {
    struct cs_slice name;
    struct cs_slice version; /* data NULL: no such parameter */
    int quality;             /* 0 … QUALITY_MAX, -1: malformed */
};

static bool is_token_char(char c)
{
    return c > ' ' && c < 0x7f && !strchr("\"(),/:;<=>?@[\\]{}", c);
}

static bool slice_is(struct cs_slice slice, const char *text)
{
    return slice.len == strlen(text) && strncasecmp(slice.data, text, slice.len) == 0;
}

static const char *skip_blank(const char *at)
{
    while (*at == ' ' || *at == '\t')
        at++;
    return at;
}

/* Takes a run of token characters, and '/' and '*' where a media range may have them. */
static struct cs_slice take_token(const char **at, bool range)
{
    struct cs_slice token = {.data = *at};

    while (is_token_char(**at) || (range && **at == '/'))
        (*at)++;
    token.len = (size_t)(*at - token.data);
    return token;
}

/* A parameter's value: a token, or a quoted string taken without its quotes (escapes are kept as
 * they are: no value we know has any). */
static struct cs_slice take_value(const char **at)
{
    struct cs_slice value;

    if (**at != '"')
        return take_token(at, false);
    value.data = ++*at;
    while (**at != '\0' && **at != '"')
        *at += **at == '\\' && (*at)[1] != '\0' ? 2 : 1;
    value.len = (size_t)(*at - value.data);
    if (**at == '"')
        (*at)++;
    return value;
}

/* qvalue: "0" or "1", up to three decimals, at most 1; -1 when it is none. */
static int quality_parse(struct cs_slice text)
{
    int quality, scale = QUALITY_MAX / 10;

    if (text.len == 0 || text.len > 5 || (text.data[0] != '0' && text.data[0] != '1'))
        return -1;
    quality = (text.data[0] - '0') * QUALITY_MAX;
    if (text.len > 1 && text.data[1] != '.')
        return -1;
    for (size_t i = 2; i < text.len; i++, scale /= 10) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return -1;
        quality += (text.data[i] - '0') * scale;
    }
    return quality <= QUALITY_MAX ? quality : -1;
}

static void take_parameter(const char **at, struct member *member)
{
    struct cs_slice name, value = {.data = *at};

    *at = skip_blank(*at);
    name = take_token(at, false);
    *at = skip_blank(*at);
    if (**at == '=') {
        *at = skip_blank(*at + 1);
        value = take_value(at);
    }
    if (slice_is(name, "q"))
        member->quality = quality_parse(value);
    else if (slice_is(name, "version"))
        member->version = value;
    *at = skip_blank(*at);
}

/* The next member of the list; false at its end. */
static bool take_member(const char **at, struct member *member)
{
    *at = skip_blank(*at);
    while (**at == ',')
        *at = skip_blank(*at + 1);
    if (**at == '\0')
        return false;
    *member = (struct member){.quality = QUALITY_MAX};
    member->name = take_token(at, true);
    *at = skip_blank(*at);
    while (**at == ';') {
        (*at)++;
        take_parameter(at, member);
    }
    if (**at != ',' && **at != '\0')
        member->quality = -1;
    while (**at != ',' && **at != '\0')
        (*at)++;
    return true;
}

struct offer {
    const char *range;
    const char *type_range;
    const char *version;
    int closeness; /* 4 with version, 3 by type, 2 "text/" and all its kinds, 1 anything, 0 not */
    int quality;
};

static int closeness(const struct offer *offer, const struct member *member)
{
    if (slice_is(member->name, "*/*"))
        return 1;
    if (slice_is(member->name, offer->type_range))
        return 2;
    if (!slice_is(member->name, offer->range))
        return 0;
    if (!member->version.data)
        return 3;
    return slice_is(member->version, offer->version) ? 4 : 0;
}

enum cs_exposition_format cs_exposition_negotiate(const char *accept)
{
    struct offer offers[CS_EXPOSITION_FORMAT_END] = {
        [CS_EXPOSITION_TEXT] = {"text/plain", "text/*", "0.0.4", 0, 0},
        [CS_EXPOSITION_OPENMETRICS] = {"application/openmetrics-text", "application/*", "1.0.0", 0,
                                       0},
    };
    const struct offer *text = &offers[CS_EXPOSITION_TEXT];
    const struct offer *open = &offers[CS_EXPOSITION_OPENMETRICS];
    struct member member;

    while (accept && take_member(&accept, &member)) {
        for (size_t i = 0; i < CS_ARRAY_SIZE(offers) && member.quality >= 0; i++) {
            int close = closeness(&offers[i], &member);

            if (close > offers[i].closeness ||
                (close == offers[i].closeness && close && member.quality > offers[i].quality)) {
                offers[i].closeness = close;
                offers[i].quality = member.quality;
            }
        }
    }
    if (open->quality != text->quality)
        return open->quality > text->quality ? CS_EXPOSITION_OPENMETRICS : CS_EXPOSITION_TEXT;
    if (open->quality == 0 || open->closeness < text->closeness || open->closeness < 3)
        return CS_EXPOSITION_TEXT;
    return CS_EXPOSITION_OPENMETRICS;
}

bool cs_exposition_gzip(const char *accept_encoding)
{
    int gzip = -1, identity = -1, any = -1;
    struct member member;

    while (accept_encoding && take_member(&accept_encoding, &member)) {
        if (member.quality < 0)
            continue;
        if (slice_is(member.name, "gzip") || slice_is(member.name, "x-gzip"))
            gzip = member.quality;
        else if (slice_is(member.name, "identity"))
            identity = member.quality;
        else if (slice_is(member.name, "*"))
            any = member.quality;
    }
    if (gzip < 0)
        gzip = any;
    return gzip > 0 && gzip >= identity;
}
