/* SPDX-License-Identifier: Apache-2.0 */
#include "app/top/command_top_layout.h"

#include "app/top/command_top_draw.h"
#include "app/top/command_top_findings.h"
#include "base/util.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define LINES_AROUND 5 /* two of header, the titles, what is not shown, the keys */

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

static void draw_header(const struct cs_top_drawing *drawing)
{
    const struct cs_top_model *model = drawing->model;
    const struct cs_top_view *view = drawing->view;
    time_t seconds = (time_t)model->time;
    struct cs_top_part parts[] = {{0, "credscope top"}, {1, ""}, {3, ""}, {2, ""}, {4, ""}};
    char observed[CS_TOP_NUMBER_MAX];
    struct tm utc;

    cs_top_text_age(model->observed, observed);
    snprintf(parts[1].text, sizeof(parts[1].text), "%.150s", model->node);
    if (model->time >= 0 && gmtime_r(&seconds, &utc))
        strftime(parts[2].text, sizeof(parts[2].text), "%H:%M:%S UTC", &utc);
    snprintf(parts[3].text, sizeof(parts[3].text),
             view->live ? "watched for %s" : "since its start %s ago", observed);
    if (view->live)
        snprintf(parts[4].text, sizeof(parts[4].text), "every %g s", view->interval);
    cs_top_parts(drawing, CS_TOP_BOLD, parts, CS_ARRAY_SIZE(parts));
}

static void put_requests(const struct cs_top_view *view, const struct sums *sums, char *to,
                         size_t size)
{
    char requests[CS_TOP_NUMBER_MAX], failures[CS_TOP_NUMBER_MAX];

    if (!view->live) {
        snprintf(to, size, "%.0f requests (%.0f failed)", sums->total, sums->failures);
        return;
    }
    cs_top_text_rate(sums->rate, requests);
    cs_top_text_rate(sums->failure_rate, failures);
    snprintf(to, size, "%s requests/min (%s failed)", requests, failures);
}

static void draw_sums(const struct cs_top_drawing *drawing, const struct sums *sums)
{
    const struct cs_top_model *model = drawing->model;
    struct cs_top_part parts[] = {{0, ""}, {5, ""}, {3, ""}, {4, ""}, {2, ""}, {1, ""}};

    if (drawing->view->trouble) {
        cs_top_line(drawing, CS_TOP_RED, "%s", drawing->view->trouble);
        return;
    }
    snprintf(parts[0].text, sizeof(parts[0].text), "%zu workloads", model->workloads);
    snprintf(parts[1].text, sizeof(parts[1].text), "%zu quiet", model->quiet);
    put_requests(drawing->view, sums, parts[2].text, sizeof(parts[2].text));
    snprintf(parts[3].text, sizeof(parts[3].text), "%.0f waiting", sums->in_flight);
    cs_top_findings_count(model, parts[4].text, sizeof(parts[4].text));
    if (model->omitted)
        snprintf(parts[5].text, sizeof(parts[5].text), "%zu NOT SHOWN, ask by --namespace",
                 model->omitted);
    cs_top_parts(drawing, NULL, parts, CS_ARRAY_SIZE(parts));
}

static void draw_titles(const struct cs_top_drawing *drawing)
{
    const char *gap = "";

    cs_top_begin_line(drawing);
    cs_top_begin_style(drawing, CS_TOP_REVERSE);
    for (enum cs_top_column_id id = 0; id < CS_TOP_COLUMN_END; id++) {
        const struct cs_top_column *column = cs_top_column(id);
        bool sorted =
            drawing->view->live && column->sortable && column->sort == drawing->view->sort;

        if (drawing->widths[id] == 0)
            continue;
        cs_buffer_add_text(drawing->buffer, gap);
        cs_top_begin_style(drawing, sorted ? CS_TOP_BOLD "\033[4m" : NULL);
        cs_top_text_fit(drawing->buffer, column->title, drawing->widths[id], column->align);
        if (sorted && drawing->view->colour)
            cs_buffer_add_text(drawing->buffer, CS_TOP_RESET CS_TOP_REVERSE);
        gap = " ";
    }
    cs_top_end_style(drawing, CS_TOP_REVERSE);
    cs_top_end_line(drawing);
}

static const char *style_of(const struct cs_top_row *row, enum cs_top_column_id id)
{
    switch (id) {
    case CS_TOP_MARK:
    case CS_TOP_MECHANISM:
        return row->class == CS_TOP_RETIRING ? CS_TOP_YELLOW
               : row->class == CS_TOP_NODE   ? CS_TOP_MAGENTA
                                             : NULL;
    case CS_TOP_FAILED:
    case CS_TOP_FAILURE:
        return cs_top_row_fails(row) ? CS_TOP_RED : NULL;
    case CS_TOP_WAITING:
    case CS_TOP_OLDEST:
        return row->in_flight > 0 ? CS_TOP_BOLD : NULL;
    default:
        return NULL;
    }
}

static void draw_row(const struct cs_top_drawing *drawing, const struct cs_top_row *row)
{
    char text[CS_TOP_CELL_MAX];
    const char *gap = "";

    cs_top_begin_line(drawing);
    for (enum cs_top_column_id id = 0; id < CS_TOP_COLUMN_END; id++) {
        const struct cs_top_column *column = cs_top_column(id);
        const char *style = style_of(row, id);

        if (drawing->widths[id] == 0)
            continue;
        cs_buffer_add_text(drawing->buffer, gap);
        cs_top_begin_style(drawing, style);
        column->cell(drawing->model, row, text);
        cs_top_text_fit(drawing->buffer, text, drawing->widths[id], column->align);
        cs_top_end_style(drawing, style);
        gap = " ";
    }
    cs_top_end_line(drawing);
}

static void draw_legend(const struct cs_top_drawing *drawing, const struct sums *sums, size_t above,
                        size_t below)
{
    struct cs_top_part parts[] = {{1, ""}, {2, ""}, {3, ""}, {0, ""}};
    bool live = drawing->view->live;

    if (!live && !sums->retiring && !sums->node && !sums->failing)
        return;
    snprintf(parts[0].text, sizeof(parts[0].text), "R retiring (%zu)", sums->retiring);
    snprintf(parts[1].text, sizeof(parts[1].text), "N node's identity (%zu)", sums->node);
    snprintf(parts[2].text, sizeof(parts[2].text), "! %s (%zu)", live ? "fails" : "has failed",
             sums->failing);
    if (live && (above || below))
        snprintf(parts[3].text, sizeof(parts[3].text), "%zu above, %zu below: up, down", above,
                 below);
    cs_top_parts(drawing, CS_TOP_DIM, parts, CS_ARRAY_SIZE(parts));
}

static void draw_keys(const struct cs_top_drawing *drawing)
{
    static const struct cs_top_part parts[] = {
        {3, "sort: r rate"}, {3, "f failures"},         {3, "p p99"}, {3, "i in flight"},
        {3, "n name"},       {1, "e explain findings"}, {0, "q quit"}};

    cs_top_keys(drawing, parts, CS_ARRAY_SIZE(parts));
}

size_t cs_top_page(const struct cs_top_view *view)
{
    if (view->height == 0)
        return SIZE_MAX;
    return view->height > LINES_AROUND ? view->height - LINES_AROUND : 1;
}

/* How many of `rows` stand above the window, which is moved to have no empty end. */
static void scroll_within(struct cs_top_view *view, size_t rows, size_t page)
{
    if (rows <= page)
        view->scroll = 0;
    else if (view->scroll > rows - page)
        view->scroll = rows - page;
}

static void draw_table(struct cs_top_drawing *drawing, struct cs_top_view *view,
                       const struct sums *sums)
{
    size_t page = view->live ? cs_top_page(view) : SIZE_MAX, i = 0, shown = 0;

    scroll_within(view, sums->rows, page);
    cs_top_columns_choose(drawing->model, view, drawing->widths);
    draw_titles(drawing);
    for (const struct cs_top_row *row = drawing->model->rows; row; row = row->hh.next, i++) {
        if (i < view->scroll || shown >= page)
            continue;
        draw_row(drawing, row);
        shown++;
    }
    if (sums->rows == 0)
        cs_top_line(drawing, CS_TOP_DIM, "no requests so far");
    draw_legend(drawing, sums, view->scroll, sums->rows - view->scroll - shown);
    if (view->live)
        draw_keys(drawing);
    else if (drawing->model->findings)
        cs_top_line(drawing, NULL, "`credscope top --findings` explains what is open");
}

void cs_top_draw(const struct cs_top_model *model, struct cs_top_view *view,
                 struct cs_buffer *buffer)
{
    struct cs_top_drawing drawing = {.model = model, .view = view, .buffer = buffer};
    struct sums sums = sums_of(model);

    if (view->live)
        cs_buffer_add_text(buffer, "\033[H");
    draw_header(&drawing);
    draw_sums(&drawing, &sums);
    if (!view->findings) {
        draw_table(&drawing, view, &sums);
        return;
    }
    scroll_within(view, cs_top_findings_lines(&drawing), view->live ? cs_top_page(view) : SIZE_MAX);
    cs_top_findings_draw(&drawing);
}
