/* SPDX-License-Identifier: Apache-2.0 */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "core/attribute/labels.h"

#include "base/utf8.h"
#include "core/attribute/subject.h"

#include <errno.h>
#include <stdlib.h>

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

struct cs_label {
    UT_hash_handle hh;
    uint32_t references;
    uint32_t len;
    char text[];
};

struct cs_labels {
    struct cs_label *table;
    size_t text_bytes;
};

static int is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

void cs_label_escape(struct cs_buffer *buffer, const char *value)
{
    const unsigned char *at = (const unsigned char *)value;

    if (*at == '\0')
        at = (const unsigned char *)CS_LABEL_UNKNOWN;
    while (*at != '\0') {
        size_t n = 0;

        while (is_plain(at[n]))
            n++;
        cs_buffer_add(buffer, at, n);
        at += n;
        if (*at == '\0')
            break;
        n = 1;
        if (*at == '"' || *at == '\\') {
            cs_buffer_add(buffer, "\\", 1);
            cs_buffer_add(buffer, at, 1);
        } else if (*at == '\n') {
            cs_buffer_add(buffer, "\\n", 2);
        } else if (*at < 0x80 || (n = cs_utf8_length((const char *)at)) == 0) {
            cs_buffer_add(buffer, REPLACEMENT, sizeof(REPLACEMENT) - 1);
            n = 1;
        } else {
            cs_buffer_add(buffer, at, n);
        }
        at += n;
    }
}

void cs_label_append(struct cs_buffer *buffer, const char *name, const char *value)
{
    if (buffer->len)
        cs_buffer_add(buffer, ",", 1);
    cs_buffer_add_text(buffer, name);
    cs_buffer_add(buffer, "=\"", 2);
    cs_label_escape(buffer, value);
    cs_buffer_add(buffer, "\"", 1);
}

int cs_labels_new(struct cs_labels **labels)
{
    struct cs_labels *made = calloc(1, sizeof(*made));

    if (!made)
        return -ENOMEM;
    *labels = made;
    return 0;
}

void cs_labels_free(struct cs_labels *labels)
{
    struct cs_label *label, *next;

    if (!labels)
        return;
    HASH_ITER (hh, labels->table, label, next) {
        HASH_DEL(labels->table, label);
        free(label);
    }
    free(labels);
}

struct cs_label *cs_labels_find(struct cs_labels *labels, const char *text, size_t len)
{
    struct cs_label *label;

    HASH_FIND(hh, labels->table, text, len, label);
    return label;
}

struct cs_label *cs_labels_get(struct cs_labels *labels, const char *text, size_t len)
{
    struct cs_label *label = cs_labels_find(labels, text, len);

    if (label)
        return cs_label_ref(label);
    label = malloc(sizeof(*label) + len + 1);
    if (!label)
        return NULL;
    label->references = 1;
    label->len = (uint32_t)len;
    memcpy(label->text, text, len);
    label->text[len] = '\0';
    HASH_ADD_KEYPTR(hh, labels->table, label->text, len, label);
    if (!label->hh.tbl) {
        free(label);
        return NULL;
    }
    labels->text_bytes += sizeof(*label) + len + 1;
    return label;
}

struct cs_label *cs_labels_get_pair(struct cs_labels *labels, const char *name, const char *value)
{
    struct cs_label *label = NULL;
    struct cs_buffer buffer;

    cs_buffer_init(&buffer, strlen(name) + sizeof("=\"\"") + 3 * strlen(value) + 16);
    cs_label_append(&buffer, name, value);
    if (!buffer.error)
        label = cs_labels_get(labels, buffer.data, buffer.len);
    cs_buffer_free(&buffer);
    return label;
}

struct cs_label *cs_label_ref(struct cs_label *label)
{
    label->references++;
    return label;
}

void cs_label_unref(struct cs_labels *labels, struct cs_label *label)
{
    if (!label || --label->references > 0)
        return;
    labels->text_bytes -= sizeof(*label) + label->len + 1;
    HASH_DEL(labels->table, label);
    free(label);
}

const char *cs_label_text(const struct cs_label *label, size_t *len)
{
    *len = label->len;
    return label->text;
}

uint32_t cs_labels_count(const struct cs_labels *labels)
{
    return HASH_COUNT(labels->table);
}

size_t cs_labels_bytes(const struct cs_labels *labels)
{
    return labels->text_bytes + HASH_OVERHEAD(hh, labels->table);
}
