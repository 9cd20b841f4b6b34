/* SPDX-License-Identifier: Apache-2.0 */
#include "app/top/command_top_text.h"

#include <langinfo.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

#define REPLACEMENT "?"

/* One character of the text as it may be shown. */
struct glyph {
    const char *bytes;
    size_t len;
    size_t width;
};

/* The next one; moves *text behind it. False at the end. */
static int next_glyph(const char **text, struct glyph *glyph)
{
    const char *at = *text;
    mbstate_t state = {0};
    wchar_t character;
    size_t n;
    int width;

    if (*at == '\0')
        return 0;
    n = mbrtowc(&character, at, strlen(at), &state);
    if (n == (size_t)-1 || n == (size_t)-2) {
        *text = at + 1;
        *glyph = (struct glyph){REPLACEMENT, 1, 1};
        return 1;
    }
    *text = at + n;
    width = wcwidth(character);
    *glyph = width > 0 ? (struct glyph){at, n, (size_t)width} : (struct glyph){REPLACEMENT, 1, 1};
    return 1;
}

static const char *ellipsis(void)
{
    return strcmp(nl_langinfo(CODESET), "UTF-8") == 0 ? "\xe2\x80\xa6" : "..";
}

size_t cs_top_text_width(const char *text)
{
    struct glyph glyph;
    size_t width = 0;

    while (next_glyph(&text, &glyph))
        width += glyph.width;
    return width;
}

/* Append what lies in the columns from `from` on, at most `width`; how many were used. */
static size_t add_columns(struct cs_buffer *buffer, const char *text, size_t from, size_t width)
{
    struct glyph glyph;
    size_t column = 0;

    while (next_glyph(&text, &glyph)) {
        if (column >= from && column + glyph.width > from + width)
            break;
        if (column >= from)
            cs_buffer_add(buffer, glyph.bytes, glyph.len);
        else if (column + glyph.width > from)
            from = column + glyph.width; /* a wide one that begins before */
        column += glyph.width;
    }
    return column > from ? column - from : 0;
}

static void add_spaces(struct cs_buffer *buffer, size_t n)
{
    static const char spaces[] = "                                ";

    for (; n > 0; n -= n < sizeof(spaces) - 1 ? n : sizeof(spaces) - 1)
        cs_buffer_add(buffer, spaces, n < sizeof(spaces) - 1 ? n : sizeof(spaces) - 1);
}

void cs_top_text_cut(struct cs_buffer *buffer, const char *text, size_t width)
{
    add_columns(buffer, text, 0, width);
}

/* Bytes of the characters that fit in; one at least. */
static size_t fitting(const char *text, size_t width)
{
    const char *at = text, *end = text;
    struct glyph glyph;

    while (next_glyph(&at, &glyph) && (glyph.width <= width || end == text)) {
        width -= glyph.width < width ? glyph.width : width;
        end = at;
    }
    return (size_t)(end - text);
}

const char *cs_top_text_wrap(const char **rest, size_t width, size_t *len)
{
    const char *line = *rest + strspn(*rest, " ");
    size_t most = fitting(line, width), n = most;

    if (line[most] != '\0')
        while (n > 0 && line[n] != ' ')
            n--;
    n = n > 0 ? n : most;
    *rest = line + n + strspn(line + n, " ");
    while (n > 0 && line[n - 1] == ' ')
        n--;
    *len = n;
    return line;
}

void cs_top_text_fit(struct cs_buffer *buffer, const char *text, size_t width,
                     enum cs_top_align align)
{
    size_t has = cs_top_text_width(text), dots = cs_top_text_width(ellipsis()), head, used;

    if (has <= width) {
        if (align == CS_TOP_RIGHT)
            add_spaces(buffer, width - has);
        add_columns(buffer, text, 0, has);
        if (align == CS_TOP_LEFT)
            add_spaces(buffer, width - has);
        return;
    }
    if (width < dots + 2) {
        used = add_columns(buffer, text, 0, width);
        add_spaces(buffer, width - used);
        return;
    }
    head = (width - dots) / 2;
    used = add_columns(buffer, text, 0, head);
    cs_buffer_add_text(buffer, ellipsis());
    used += dots;
    used += add_columns(buffer, text, has - (width - used), width - used);
    add_spaces(buffer, width - used);
}

void cs_top_text_count(double n, char to[CS_TOP_NUMBER_MAX])
{
    if (n < 0)
        snprintf(to, CS_TOP_NUMBER_MAX, "-");
    else if (n < 99999.5)
        snprintf(to, CS_TOP_NUMBER_MAX, "%.0f", n);
    else if (n < 999.5e3)
        snprintf(to, CS_TOP_NUMBER_MAX, "%.0fk", n / 1e3);
    else if (n < 99.95e6)
        snprintf(to, CS_TOP_NUMBER_MAX, "%.1fM", n / 1e6);
    else if (n < 9999.5e6)
        snprintf(to, CS_TOP_NUMBER_MAX, "%.0fM", n / 1e6);
    else
        snprintf(to, CS_TOP_NUMBER_MAX, "%.3g", n);
}

void cs_top_text_rate(double n, char to[CS_TOP_NUMBER_MAX])
{
    if (n > 0 && n < 9.95)
        snprintf(to, CS_TOP_NUMBER_MAX, "%.1f", n);
    else
        cs_top_text_count(n, to);
}

void cs_top_text_duration(double s, char to[CS_TOP_NUMBER_MAX])
{
    if (s < 0)
        snprintf(to, CS_TOP_NUMBER_MAX, "-");
    else if (s < 0.00995)
        snprintf(to, CS_TOP_NUMBER_MAX, "%.1fms", s * 1e3);
    else if (s < 0.9995)
        snprintf(to, CS_TOP_NUMBER_MAX, "%.0fms", s * 1e3);
    else if (s < 9.95)
        snprintf(to, CS_TOP_NUMBER_MAX, "%.1fs", s);
    else if (s < 999.5)
        snprintf(to, CS_TOP_NUMBER_MAX, "%.0fs", s);
    else
        cs_top_text_age(s, to);
}

void cs_top_text_age(double s, char to[CS_TOP_NUMBER_MAX])
{
    if (s < 0)
        snprintf(to, CS_TOP_NUMBER_MAX, "-");
    else if (s < 60)
        snprintf(to, CS_TOP_NUMBER_MAX, "%ds", (int)s);
    else if (s < 3600)
        snprintf(to, CS_TOP_NUMBER_MAX, "%dm", (int)(s / 60));
    else if (s < 48 * 3600.0)
        snprintf(to, CS_TOP_NUMBER_MAX, "%dh", (int)(s / 3600));
    else if (s < 9999 * 86400.0)
        snprintf(to, CS_TOP_NUMBER_MAX, "%dd", (int)(s / 86400));
    else
        snprintf(to, CS_TOP_NUMBER_MAX, "-");
}
