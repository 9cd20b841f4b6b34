/* SPDX-License-Identifier: Apache-2.0 */
#include "core/attribute/unit_name.h"

#include <stdbool.h>
#include <string.h>

#define ID_DIGITS_MIN 32 /* shorter hex may be a word */
#define UUID_LEN      36

static bool ends_with(struct cs_slice text, const char *end)
{
    size_t len = strlen(end);

    return text.len > len && memcmp(text.data + text.len - len, end, len) == 0;
}

static bool starts_with(struct cs_slice text, const char *start)
{
    size_t len = strlen(start);

    return text.len >= len && memcmp(text.data, start, len) == 0;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f');
}

/* Hex digits (a UUID's dashes too) at the end of text. */
static size_t hex_tail(struct cs_slice text)
{
    size_t n = 0;

    while (n < text.len && is_hex(text.data[text.len - 1 - n]))
        n++;
    if (n == 12 && text.len >= UUID_LEN) {
        const char *uuid = text.data + text.len - UUID_LEN;
        bool whole = true;

        for (size_t i = 0; i < UUID_LEN; i++)
            whole &= i == 8 || i == 13 || i == 18 || i == 23 ? uuid[i] == '-' : is_hex(uuid[i]);
        return whole ? UUID_LEN : n;
    }
    return n;
}

/* Units that hold processes or may be the leaf of a path (systemd.unit(5)). */
static bool is_unit(struct cs_slice component)
{
    static const char *const types[] = {".service", ".scope", ".mount", ".socket", ".swap"};

    for (size_t i = 0; i < CS_ARRAY_SIZE(types); i++)
        if (ends_with(component, types[i]))
            return true;
    return false;
}

/* A directory that some runtime made for one container: its name ends in a long id. */
static bool is_container(struct cs_slice component)
{
    if (ends_with(component, ".scope"))
        component.len -= strlen(".scope");
    return hex_tail(component) >= ID_DIGITS_MIN;
}

/* Drop "-<id>" from the end; a name that is nothing but an id becomes "". */
static struct cs_slice without_id(struct cs_slice name)
{
    size_t tail = hex_tail(name);

    if (tail < ID_DIGITS_MIN)
        return name;
    name.len -= tail;
    while (name.len > 0 && strchr("-._:", name.data[name.len - 1]))
        name.len--;
    return name;
}

/* systemd-run's own names: u<n>, r<32 hex>, p<pid>-i<n>, <pid>. */
static bool is_generated_run(struct cs_slice rest)
{
    size_t digits = 0;

    if (rest.len > 1 && rest.data[0] == 'r' && rest.len == 33)
        return hex_tail(rest) >= 32;
    if (rest.len > 1 && (rest.data[0] == 'u' || rest.data[0] == 'p')) {
        rest.data++;
        rest.len--;
    }
    while (digits < rest.len && is_digit(rest.data[digits]))
        digits++;
    if (digits == 0)
        return false;
    return digits == rest.len ||
           (rest.len > digits + 2 && rest.data[digits] == '-' && rest.data[digits + 1] == 'i');
}

/* The instance of a socket unit with Accept=yes: "<n>-<local>-<remote>", numbers and addresses. */
static bool is_generated_instance(struct cs_slice instance)
{
    size_t dashes = 0;

    if (instance.len == 0 || !is_digit(instance.data[0]))
        return false;
    for (size_t i = 0; i < instance.len; i++) {
        char c = instance.data[i];

        if (!is_hex(c) && (c == '\0' || !strchr("-.:_", c)))
            return false;
        dashes += c == '-';
    }
    return dashes >= 2;
}

/* The name's part that is kept, the unit type being ".service" and the like. */
static struct cs_slice fold(struct cs_slice name, struct cs_slice type)
{
    bool scope = type.len == strlen(".scope") && memcmp(type.data, ".scope", type.len) == 0;
    const char *at = memchr(name.data, '@', name.len);

    if (starts_with(name, "run-") &&
        (scope || is_generated_run((struct cs_slice){name.data + 4, name.len - 4})))
        return (struct cs_slice){name.data, 3};
    if (scope && starts_with(name, "session-"))
        return (struct cs_slice){name.data, 7};
    if (at) {
        size_t kept = (size_t)(at - name.data) + 1;

        if (is_generated_instance((struct cs_slice){name.data + kept, name.len - kept}))
            return (struct cs_slice){name.data, kept};
    }
    return without_id(name);
}

struct output {
    char *text;
    size_t size;
    size_t len;
};

static void put(struct output *output, struct cs_slice bytes)
{
    for (size_t i = 0; i < bytes.len && output->len + 1 < output->size; i++) {
        char c = bytes.data[i];

        output->text[output->len++] = c > 0x20 && c < 0x7f ? c : '?';
    }
    output->text[output->len] = '\0';
}

static void put_unit(struct output *output, struct cs_slice unit)
{
    struct cs_slice name = unit, type = unit;

    /* cg_escape(): a '_' keeps a unit's name apart from the kernel's own files. */
    if (name.len > 1 && name.data[0] == '_') {
        name.data++;
        name.len--;
    }
    while (name.len > 0 && name.data[name.len - 1] != '.')
        name.len--;
    name.len -= name.len > 0;
    type.data = name.data + name.len;
    type.len = (size_t)(unit.data + unit.len - type.data);

    struct cs_slice kept = fold(name, type);

    output->len = 0;
    put(output, kept.len > 0 ? kept : name);
    put(output, type);
}

/* What no unit names: the first two components of the path, ids dropped. */
static void put_path(struct output *output, struct cs_slice first, struct cs_slice second)
{
    const struct cs_slice components[] = {first, second};

    output->len = 0;
    for (size_t i = 0; i < CS_ARRAY_SIZE(components); i++) {
        struct cs_slice kept = components[i];
        /* "system.slice:docker:<id>": the runtime's name is what is left of it. */
        const char *colon = is_container(kept) ? memchr(kept.data, ':', kept.len) : NULL;

        if (colon) {
            kept.len -= (size_t)(colon + 1 - kept.data);
            kept.data = colon + 1;
        }
        kept = without_id(kept);
        if (kept.len == 0)
            continue;
        put(output, (struct cs_slice){"/", 1});
        put(output, kept);
    }
    if (output->len == 0)
        put(output, (struct cs_slice){"/", 1});
}

static bool component_next(struct cs_slice *rest, struct cs_slice *component)
{
    size_t len = 0;

    while (rest->len > 0 && rest->data[0] == '/') {
        rest->data++;
        rest->len--;
    }
    while (len < rest->len && rest->data[len] != '/')
        len++;
    *component = (struct cs_slice){rest->data, len};
    rest->data += len;
    rest->len -= len;
    return len > 0;
}

void cs_unit_name(struct cs_slice path, char *unit, size_t size)
{
    struct output output = {.text = unit, .size = size};
    struct cs_slice rest = path, component, next = {"", 0}, slice = {"", 0};
    bool named = false, searching = true;

    while (component_next(&rest, &component)) {
        if (searching && ends_with(component, ".slice")) {
            slice = named ? slice : component;
            continue;
        }
        if (searching && is_unit(component)) {
            put_unit(&output, component);
            named = true;
        } else if (!named && slice.len == 0) {
            struct cs_slice after = rest;

            component_next(&after, &next);
            put_path(&output, component, next);
            named = true;
        }
        /* In a container that runs systemd the names start again. */
        searching = is_container(component);
    }
    if (!named && slice.len > 0)
        put_unit(&output, slice);
    else if (!named)
        put(&output, (struct cs_slice){CS_UNIT_ROOT, strlen(CS_UNIT_ROOT)});
}
