/* SPDX-License-Identifier: Apache-2.0 */
#include "core/kube/kube_line.h"

#include <errno.h>
#include <string.h>

#define OBJECT_DEPTH   1u /* brackets around the object */
#define METADATA_DEPTH 3u /* within its metadata */
#define KEEP_LINE_SIZE ((size_t)64 * 1024)

static const struct {
    const char *name;
    enum cs_kube_type type;
} TYPES[] = {
    {"ADDED", CS_KUBE_TYPE_ADDED},     {"MODIFIED", CS_KUBE_TYPE_MODIFIED},
    {"DELETED", CS_KUBE_TYPE_DELETED}, {"BOOKMARK", CS_KUBE_TYPE_BOOKMARK},
    {"ERROR", CS_KUBE_TYPE_ERROR},
};

struct parse {
    struct cs_json_scan scan;
    struct cs_kube_line *event;
    const char *object;
    bool type_key, object_key, metadata_key, version_key, code_key; /* the last key was that */
    bool in_object, in_metadata, bad;
    unsigned int types, objects;
};

static void on_key(struct parse *parse)
{
    const struct cs_json_scan *scan = &parse->scan;

    if (scan->depth == OBJECT_DEPTH) {
        parse->type_key = cs_json_text_is(scan, "type");
        parse->object_key = cs_json_text_is(scan, "object");
    } else if (scan->depth == OBJECT_DEPTH + 1 && parse->in_object) {
        parse->metadata_key = cs_json_text_is(scan, "metadata");
        parse->code_key = cs_json_text_is(scan, "code");
    } else if (parse->in_metadata) {
        parse->version_key = cs_json_text_is(scan, "resourceVersion");
    }
}

static void on_open(struct parse *parse, bool object, const char *end)
{
    switch (parse->scan.depth) {
    case OBJECT_DEPTH:
        parse->bad |= !object;
        break;
    case OBJECT_DEPTH + 1:
        parse->bad |= parse->type_key || (parse->object_key && !object);
        if (parse->object_key && object) {
            parse->in_object = true;
            parse->object = end - 1;
            parse->objects++;
        }
        break;
    case METADATA_DEPTH:
        parse->in_metadata = object && parse->in_object && parse->metadata_key;
        parse->version_key = false;
        break;
    default:
        break;
    }
}

static void on_close(struct parse *parse, const char *end)
{
    if (parse->scan.depth == OBJECT_DEPTH + 1) {
        parse->in_metadata = false;
    } else if (parse->scan.depth == OBJECT_DEPTH && parse->in_object) {
        parse->event->object = (struct cs_slice){parse->object, (size_t)(end - parse->object)};
        parse->in_object = false;
    }
}

static void set_type(struct parse *parse)
{
    parse->types++;
    for (size_t i = 0; i < CS_ARRAY_SIZE(TYPES); i++) {
        if (cs_json_text_is(&parse->scan, TYPES[i].name))
            parse->event->type = TYPES[i].type;
    }
}

/* An HTTP status; anything else is 0. */
static uint32_t code_of(const struct cs_json_scan *scan)
{
    uint32_t code = 0;

    if (scan->text_len != 3)
        return 0;
    for (uint32_t i = 0; i < scan->text_len; i++) {
        if (scan->text[i] < '0' || scan->text[i] > '9')
            return 0;
        code = code * 10 + (uint32_t)(scan->text[i] - '0');
    }
    return code;
}

static void on_scalar(struct parse *parse, bool string)
{
    const struct cs_json_scan *scan = &parse->scan;
    struct cs_kube_line *event = parse->event;

    if (scan->depth == OBJECT_DEPTH) {
        parse->bad |= parse->object_key || (parse->type_key && !string);
        if (parse->type_key && string)
            set_type(parse);
    } else if (scan->depth == OBJECT_DEPTH + 1 && parse->in_object) {
        if (parse->code_key && !string)
            event->code = code_of(scan);
    } else if (parse->in_metadata && parse->version_key && string) {
        if (scan->text_plain && scan->text_len < CS_KUBE_VERSION_MAX)
            cs_text_copy(event->resource_version, CS_KUBE_VERSION_MAX, scan->text, scan->text_len);
        else
            parse->bad = true;
    }
}

int cs_kube_line_parse(struct cs_slice line, struct cs_kube_line *event, enum cs_kube_skip *why)
{
    struct parse parse;
    const char *at = line.data, *end = line.data + line.len;

    memset(event, 0, sizeof(*event));
    parse = (struct parse){.event = event};
    cs_json_scan_init(&parse.scan, OBJECT_DEPTH + CS_KUBE_POD_DEPTH_MAX, METADATA_DEPTH);
    while (at < end) {
        size_t used;
        enum cs_json_token token = cs_json_scan_next(&parse.scan, at, (size_t)(end - at), &used);

        at += used;
        if (token == CS_JSON_OBJECT || token == CS_JSON_ARRAY)
            on_open(&parse, token == CS_JSON_OBJECT, at);
        else if (token == CS_JSON_CLOSE)
            on_close(&parse, at);
        else if (token == CS_JSON_KEY)
            on_key(&parse);
        else if (token == CS_JSON_STRING || token == CS_JSON_ATOM)
            on_scalar(&parse, token == CS_JSON_STRING);
    }
    if (parse.scan.faults)
        *why = cs_kube_skip_of_faults(parse.scan.faults);
    else if (parse.bad || !cs_json_scan_done(&parse.scan) || parse.types != 1 || parse.objects != 1)
        *why = CS_KUBE_SKIP_MALFORMED;
    else
        return 0;
    return -EBADMSG;
}

void cs_kube_lines_init(struct cs_kube_lines *lines, size_t line_bytes_max)
{
    *lines = (struct cs_kube_lines){0};
    cs_buffer_init_wiped(&lines->line, line_bytes_max);
}

void cs_kube_lines_free(struct cs_kube_lines *lines)
{
    cs_buffer_free(&lines->line);
}

void cs_kube_lines_done(struct cs_kube_lines *lines)
{
    if (!lines->whole)
        return;
    lines->whole = false;
    if (lines->line.size > KEEP_LINE_SIZE)
        cs_buffer_free(&lines->line);
    else
        cs_buffer_clear(&lines->line);
}

static void keep(struct cs_kube_lines *lines, const char *bytes, size_t n)
{
    if (lines->too_long)
        return;
    cs_buffer_add(&lines->line, bytes, n);
    if (lines->line.error) {
        lines->too_long = true;
        cs_buffer_free(&lines->line);
    }
}

enum cs_kube_lines_result cs_kube_lines_next(struct cs_kube_lines *lines, const char *bytes,
                                             size_t n, size_t *used, struct cs_slice *line)
{
    const char *newline = n ? memchr(bytes, '\n', n) : NULL;
    size_t len = newline ? (size_t)(newline - bytes) : n;

    cs_kube_lines_done(lines);
    *used = newline ? len + 1 : n;
    if (newline && lines->line.len == 0 && !lines->too_long && len <= lines->line.max) {
        *line = (struct cs_slice){bytes, len};
        return CS_KUBE_LINES_LINE;
    }
    keep(lines, bytes, len);
    if (!newline)
        return CS_KUBE_LINES_MORE;
    if (lines->too_long) {
        lines->too_long = false;
        return CS_KUBE_LINES_TOO_LONG;
    }
    lines->whole = true;
    *line = (struct cs_slice){lines->line.data, lines->line.len};
    return CS_KUBE_LINES_LINE;
}

bool cs_kube_lines_finish(struct cs_kube_lines *lines)
{
    bool partial = lines->too_long || (!lines->whole && lines->line.len > 0);

    cs_buffer_free(&lines->line);
    lines->too_long = false;
    lines->whole = false;
    return partial;
}
