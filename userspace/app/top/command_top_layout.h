/* SPDX-License-Identifier: Apache-2.0 */
/* Draws the model as a table, or its findings, in a given width. Pure: writes text and escape codes
 * to a buffer. */
#ifndef CS_APP_COMMAND_TOP_LAYOUT_H
#define CS_APP_COMMAND_TOP_LAYOUT_H

#include "app/top/command_top_model.h"
#include "base/buffer.h"

#include <stdbool.h>
#include <stddef.h>

struct cs_top_view {
    size_t width;  /* columns of the terminal; 0: no limit, nothing is shortened */
    size_t height; /* its lines; 0: no limit */
    bool live;     /* a frame of a full screen; else plain lines, with totals instead of rates */
    bool colour;
    bool findings; /* the open findings with their explanations, instead of the table */
    enum cs_top_sort sort;
    double interval; /* seconds */
    size_t
        scroll; /* rows, or lines of findings, above the window; corrected when it is too large */
    const char *trouble; /* why the table is old; NULL: it is not */
};

/* The rows must have been sorted. */
void cs_top_draw(const struct cs_top_model *model, struct cs_top_view *view,
                 struct cs_buffer *buffer);

/* Rows of the table, or lines of findings, that a screen has room for. */
size_t cs_top_page(const struct cs_top_view *view);

#endif
