/* SPDX-License-Identifier: Apache-2.0 */
#include "app/top/command_top_draw.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define LINE_MAX  1024
#define PARTS_MAX 8
#define NO_LIMIT  (SIZE_MAX / 2)

void cs_top_begin_style(const struct cs_top_drawing *drawing, const char *style)
{
    if (drawing->view->colour && style)
        cs_buffer_add_text(drawing->buffer, style);
}

void cs_top_end_style(const struct cs_top_drawing *drawing, const char *style)
{
    if (drawing->view->colour && style)
        cs_buffer_add_text(drawing->buffer, CS_TOP_RESET);
}

/* What the last frame had there must go; at the line's end that would take its last character. */
void cs_top_begin_line(const struct cs_top_drawing *drawing)
{
    if (drawing->view->live)
        cs_buffer_add_text(drawing->buffer, "\033[K");
}

void cs_top_end_line(const struct cs_top_drawing *drawing)
{
    cs_buffer_add_text(drawing->buffer, "\n");
}

static size_t width_of(const struct cs_top_drawing *drawing)
{
    return drawing->view->width ? drawing->view->width : NO_LIMIT;
}

void cs_top_line(const struct cs_top_drawing *drawing, const char *style, const char *format, ...)
{
    char text[LINE_MAX];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    cs_top_begin_line(drawing);
    cs_top_begin_style(drawing, style);
    cs_top_text_cut(drawing->buffer, text, width_of(drawing));
    cs_top_end_style(drawing, style);
    cs_top_end_line(drawing);
}

/* Join those up to a rank; the columns they take. */
static size_t join(const struct cs_top_part parts[], size_t count, unsigned int most,
                   char to[LINE_MAX])
{
    size_t len = 0;

    to[0] = '\0';
    for (size_t i = 0; i < count && len < LINE_MAX; i++)
        if (parts[i].text[0] && parts[i].rank <= most)
            len +=
                (size_t)snprintf(to + len, LINE_MAX - len, "%s%s", len ? "  " : "", parts[i].text);
    return cs_top_text_width(to);
}

static void fit_parts(const struct cs_top_drawing *drawing, const struct cs_top_part parts[],
                      size_t count, char to[LINE_MAX])
{
    unsigned int most = PARTS_MAX;

    while (join(parts, count, most, to) > width_of(drawing) && most > 0)
        most--;
}

void cs_top_parts(const struct cs_top_drawing *drawing, const char *style,
                  const struct cs_top_part parts[], size_t count)
{
    char text[LINE_MAX];

    fit_parts(drawing, parts, count, text);
    cs_top_line(drawing, style, "%s", text);
}

void cs_top_keys(const struct cs_top_drawing *drawing, const struct cs_top_part parts[],
                 size_t count)
{
    char text[LINE_MAX];

    fit_parts(drawing, parts, count, text);
    cs_buffer_add_text(drawing->buffer, "\033[J");
    cs_top_begin_style(drawing, CS_TOP_DIM);
    cs_top_text_cut(drawing->buffer, text, width_of(drawing));
    cs_top_end_style(drawing, CS_TOP_DIM);
}
