// SPDX-License-Identifier: Apache-2.0
#include "core/event_json_writer.h"

#include "base/utf8.h"
#include "base/util.h"

#include <errno.h>
#include <string.h>
#include <time.h>

static void put(struct cs_json *json, const char *bytes, size_t len)
{
    if (json->full || len >= json->size - json->len) {
        json->full = true;
        return;
    }
    memcpy(json->buffer + json->len, bytes, len);
    json->len += len;
}

static void put_text(struct cs_json *json, const char *text)
{
    put(json, text, strlen(text));
}

static void put_uint(struct cs_json *json, uint64_t value)
{
    char digits[20];
    size_t at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    put(json, digits + at, sizeof(digits) - at);
}

/* Always nine digits. */
static void put_fraction(struct cs_json *json, uint64_t nanoseconds)
{
    char digits[10] = ".";

    for (size_t i = 9; i > 0; i--) {
        digits[i] = (char)('0' + nanoseconds % 10);
        nanoseconds /= 10;
    }
    put(json, digits, sizeof(digits));
}

static void put_escaped(struct cs_json *json, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    char escape[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};

    if (c == '"' || c == '\\') {
        escape[1] = (char)c;
        put(json, escape, 2);
    } else {
        put(json, escape, sizeof(escape));
    }
}

static void put_string(struct cs_json *json, const char *value)
{
    const unsigned char *at = (const unsigned char *)value;

    put(json, "\"", 1);
    while (*at) {
        const unsigned char *plain = at;
        size_t len;

        while (*at >= 0x20 && *at != '"' && *at != '\\' &&
               (len = cs_utf8_length((const char *)at)) > 0)
            at += len;
        put(json, (const char *)plain, (size_t)(at - plain));
        if (!*at)
            break;
        if (*at < 0x80)
            put_escaped(json, *at);
        else
            put_text(json, "\xef\xbf\xbd");
        at++;
    }
    put(json, "\"", 1);
}

static void name_member(struct cs_json *json, const char *name)
{
    put(json, json->comma ? ",\"" : "\"", json->comma ? 2 : 1);
    put_text(json, name);
    put(json, "\":", 2);
    json->comma = true;
}

void cs_json_begin(struct cs_json *json, char *buffer, size_t size)
{
    *json = (struct cs_json){.buffer = buffer, .size = size};
    put(json, "{", 1);
}

int cs_json_end(struct cs_json *json)
{
    put(json, "}", 1);
    if (json->full) {
        json->buffer[0] = '\0';
        return -ENOSPC;
    }
    json->buffer[json->len] = '\0';
    return (int)json->len;
}

void cs_json_text(struct cs_json *json, const char *name, const char *value)
{
    if (!value || !value[0])
        return;
    name_member(json, name);
    put_string(json, value);
}

void cs_json_uint(struct cs_json *json, const char *name, uint64_t value)
{
    name_member(json, name);
    put_uint(json, value);
}

void cs_json_bool(struct cs_json *json, const char *name, bool value)
{
    name_member(json, name);
    put_text(json, value ? "true" : "false");
}

void cs_json_seconds(struct cs_json *json, const char *name, uint64_t nanoseconds)
{
    name_member(json, name);
    put_uint(json, nanoseconds / CS_NSEC_PER_SEC);
    put_fraction(json, nanoseconds % CS_NSEC_PER_SEC);
}

void cs_json_time(struct cs_json *json, const char *name, uint64_t nanoseconds)
{
    time_t seconds = (time_t)(nanoseconds / CS_NSEC_PER_SEC);
    char date[32] = "";
    struct tm tm;

    gmtime_r(&seconds, &tm);
    strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
    name_member(json, name);
    put(json, "\"", 1);
    put_text(json, date);
    put_fraction(json, nanoseconds % CS_NSEC_PER_SEC);
    put(json, "Z\"", 2);
}

void cs_json_array_begin(struct cs_json *json, const char *name)
{
    name_member(json, name);
    put(json, "[", 1);
    json->comma = false;
}

void cs_json_array_uint(struct cs_json *json, uint64_t value)
{
    if (json->comma)
        put(json, ",", 1);
    json->comma = true;
    put_uint(json, value);
}

void cs_json_array_text(struct cs_json *json, const char *value)
{
    if (json->comma)
        put(json, ",", 1);
    json->comma = true;
    put_string(json, value);
}

void cs_json_array_end(struct cs_json *json)
{
    put(json, "]", 1);
    json->comma = true;
}
