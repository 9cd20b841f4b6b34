/* SPDX-License-Identifier: Apache-2.0 */
#include "app/command_top_layout.h"

#include "app/command_top_columns.h"
#include "base/util.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define LINES_AROUND 5 /* two of header, the titles, what is not shown, the keys */
#define LINE_MAX     512

#define BOLD    "\033[1m"
#define DIM     "\033[2m"
#define REVERSE "\033[7m"
#define RED     "\033[31m"
#define YELLOW  "\033[33m"
#define MAGENTA "\033[35m"
#define RESET   "\033[0m"

struct drawing {
    const struct cs_top_model *model;
    const struct cs_top_view *view;
    struct cs_buffer *buffer;
    size_t widths[CS_TOP_COLUMN_END];
};

static void begin_style(const struct drawing *drawing, const char *style)
{
    if (drawing->view->colour && style)
        cs_buffer_add_text(drawing->buffer, style);
}

static void end_style(const struct drawing *drawing, const char *style)
{
    if (drawing->view->colour && style)
        cs_buffer_add_text(drawing->buffer, RESET);
}

/* What the last frame had there must go; at the line's end that would take its last character. */
static void begin_line(const struct drawing *drawing)
{
    if (drawing->view->live)
        cs_buffer_add_text(drawing->buffer, "\033[K");
}

static void end_line(const struct drawing *drawing)
{
    cs_buffer_add_text(drawing->buffer, "\n");
}

static void line(const struct drawing *drawing, const char *style, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void line(const struct drawing *drawing, const char *style, const char *format, ...)
{
    char text[LINE_MAX];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    begin_line(drawing);
    begin_style(drawing, style);
    cs_top_text_cut(drawing->buffer, text,
                    drawing->view->width ? drawing->view->width : SIZE_MAX / 2);
    end_style(drawing, style);
    end_line(drawing);
}

/* Sums over the rows. */
struct sums {
    size_t rows, retiring, node, failing;
    double rate, failure_rate, total, failures, in_flight;
};

static struct sums sums_of(const struct cs_top_model *model)
{
    struct sums sums = {0};

    for (const struct cs_top_row *row = model->rows; row; row = row->hh.next) {
        sums.rows++;
        sums.retiring += row->class == CS_TOP_RETIRING;
        sums.node += row->class == CS_TOP_NODE;
        sums.failing += cs_top_row_fails(row);
        sums.rate += row->rate > 0 ? row->rate : 0;
        sums.failure_rate += row->failure_rate > 0 ? row->failure_rate : 0;
        sums.total += row->total > 0 ? row->total : 0;
        sums.failures += row->failures > 0 ? row->failures : 0;
        sums.in_flight += row->in_flight > 0 ? row->in_flight : 0;
    }
    return sums;
}

static void draw_header(const struct drawing *drawing, const struct sums *sums)
{
    const struct cs_top_model *model = drawing->model;
    const struct cs_top_view *view = drawing->view;
    time_t seconds = (time_t)model->time;
    char clock[32] = "", observed[CS_TOP_NUMBER_MAX], omitted[64] = "";
    char requests[32], failures[32];
    const char *a_minute = view->live ? "/min" : "";
    struct tm utc;

    if (model->time >= 0 && gmtime_r(&seconds, &utc))
        strftime(clock, sizeof(clock), "  %H:%M:%S UTC", &utc);
    cs_top_text_age(model->observed, observed);
    if (view->live) {
        cs_top_text_rate(sums->rate, requests);
        cs_top_text_rate(sums->failure_rate, failures);
    } else {
        snprintf(requests, sizeof(requests), "%.0f", sums->total);
        snprintf(failures, sizeof(failures), "%.0f", sums->failures);
    }
    if (model->omitted)
        snprintf(omitted, sizeof(omitted), "  %zu NOT SHOWN, ask by --namespace", model->omitted);
    if (view->live)
        line(drawing, BOLD, "credscope top  %s%s  watched for %s  every %g s", model->node, clock,
             observed, view->interval);
    else
        line(drawing, BOLD, "credscope top  %s%s  since its start %s ago", model->node, clock,
             observed);
    if (view->trouble)
        line(drawing, RED, "%s", view->trouble);
    else
        line(drawing, NULL, "%zu workloads (%zu quiet)  %s requests%s, %s failed%s  %.0f waiting%s",
             model->workloads, model->quiet, requests, a_minute, failures, a_minute,
             sums->in_flight, omitted);
}

static void draw_titles(const struct drawing *drawing)
{
    const char *gap = "";

    begin_line(drawing);
    begin_style(drawing, REVERSE);
    for (enum cs_top_column_id id = 0; id < CS_TOP_COLUMN_END; id++) {
        const struct cs_top_column *column = cs_top_column(id);
        bool sorted =
            drawing->view->live && column->sortable && column->sort == drawing->view->sort;

        if (drawing->widths[id] == 0)
            continue;
        cs_buffer_add_text(drawing->buffer, gap);
        begin_style(drawing, sorted ? BOLD "\033[4m" : NULL);
        cs_top_text_fit(drawing->buffer, column->title, drawing->widths[id], column->align);
        if (sorted && drawing->view->colour)
            cs_buffer_add_text(drawing->buffer, RESET REVERSE);
        gap = " ";
    }
    end_style(drawing, REVERSE);
    end_line(drawing);
}

static const char *style_of(const struct cs_top_row *row, enum cs_top_column_id id)
{
    switch (id) {
    case CS_TOP_MARK:
    case CS_TOP_MECHANISM:
        return row->class == CS_TOP_RETIRING ? YELLOW : row->class == CS_TOP_NODE ? MAGENTA : NULL;
    case CS_TOP_FAILED:
    case CS_TOP_FAILURE:
        return cs_top_row_fails(row) ? RED : NULL;
    case CS_TOP_WAITING:
    case CS_TOP_OLDEST:
        return row->in_flight > 0 ? BOLD : NULL;
    default:
        return NULL;
    }
}

static void draw_row(const struct drawing *drawing, const struct cs_top_row *row)
{
    char text[CS_TOP_CELL_MAX];
    const char *gap = "";

    begin_line(drawing);
    for (enum cs_top_column_id id = 0; id < CS_TOP_COLUMN_END; id++) {
        const struct cs_top_column *column = cs_top_column(id);
        const char *style = style_of(row, id);

        if (drawing->widths[id] == 0)
            continue;
        cs_buffer_add_text(drawing->buffer, gap);
        begin_style(drawing, style);
        column->cell(drawing->model, row, text);
        cs_top_text_fit(drawing->buffer, text, drawing->widths[id], column->align);
        end_style(drawing, style);
        gap = " ";
    }
    end_line(drawing);
}

static void draw_legend(const struct drawing *drawing, const struct sums *sums, size_t above,
                        size_t below)
{
    if (drawing->view->live) {
        char more[64] = "";

        if (above || below)
            snprintf(more, sizeof(more), "  %zu above, %zu below: up, down", above, below);
        line(drawing, DIM, "R retiring (%zu)  N node's identity (%zu)  ! fails (%zu)%s",
             sums->retiring, sums->node, sums->failing, more);
        cs_buffer_add_text(drawing->buffer, "\033[J");
        begin_style(drawing, DIM);
        cs_top_text_cut(drawing->buffer,
                        "sort: r rate  f failures  p p99  i in flight  n name    q quit",
                        drawing->view->width ? drawing->view->width : SIZE_MAX / 2);
        end_style(drawing, DIM);
    } else if (sums->retiring || sums->node || sums->failing) {
        line(drawing, DIM, "R retiring (%zu)  N node's identity (%zu)  ! has failed (%zu)",
             sums->retiring, sums->node, sums->failing);
    }
}

size_t cs_top_page(const struct cs_top_view *view)
{
    if (view->height == 0)
        return SIZE_MAX;
    return view->height > LINES_AROUND ? view->height - LINES_AROUND : 1;
}

void cs_top_draw(const struct cs_top_model *model, struct cs_top_view *view,
                 struct cs_buffer *buffer)
{
    struct drawing drawing = {.model = model, .view = view, .buffer = buffer};
    struct sums sums = sums_of(model);
    size_t page = view->live ? cs_top_page(view) : SIZE_MAX, i = 0, shown = 0;

    if (sums.rows <= page)
        view->scroll = 0;
    else if (view->scroll > sums.rows - page)
        view->scroll = sums.rows - page;
    cs_top_columns_choose(model, view, drawing.widths);
    if (view->live)
        cs_buffer_add_text(buffer, "\033[H");
    draw_header(&drawing, &sums);
    draw_titles(&drawing);
    for (const struct cs_top_row *row = model->rows; row; row = row->hh.next, i++) {
        if (i < view->scroll || shown >= page)
            continue;
        draw_row(&drawing, row);
        shown++;
    }
    if (sums.rows == 0)
        line(&drawing, DIM, "no requests so far");
    draw_legend(&drawing, &sums, view->scroll, sums.rows - view->scroll - shown);
}
