/* SPDX-License-Identifier: Apache-2.0 */
/* The page of findings. */
#include "app/top/command_top_findings.h"

#include "base/util.h"

#include <stdio.h>
#include <string.h>

#define WIDTH        100 /* of explanations where there is no limit */
#define WIDE         60  /* from here on explanations stand below their finding's name */
#define INDENT       10
#define INDENT_SMALL 2

/* Counts lines, and draws those that lie in the window. */
struct page {
    const struct cs_top_drawing *drawing;
    size_t from, to; /* of the window; 0, 0: only count */
    size_t at;
};

static bool in_window(struct page *page)
{
    size_t at = page->at++;

    return at >= page->from && at < page->to;
}

static void add_head(struct page *page, const struct cs_top_finding *finding)
{
    static const struct {
        const char *name, *style;
    } SEVERITIES[] = {[CS_TOP_INFO] = {"info", CS_TOP_BOLD},
                      [CS_TOP_WARNING] = {"warning", CS_TOP_YELLOW},
                      [CS_TOP_CRITICAL] = {"critical", CS_TOP_RED}};
    struct cs_top_part parts[] = {{0, ""}, {0, ""}, {1, ""}, {2, ""}, {3, ""}};
    double age = page->drawing->model->time - finding->since;
    char text[CS_TOP_NUMBER_MAX];

    if (!in_window(page))
        return;
    snprintf(parts[0].text, sizeof(parts[0].text), "%-8s  %.60s",
             SEVERITIES[finding->severity].name, finding->name);
    snprintf(parts[1].text, sizeof(parts[1].text), "%.63s/%.90s", finding->namespace,
             finding->workload);
    cs_top_text_age(finding->since >= 0 ? age > 0 ? age : 0 : CS_TOP_UNKNOWN, text);
    snprintf(parts[2].text, sizeof(parts[2].text), "for %s", text);
    if (finding->containers > 1)
        snprintf(parts[3].text, sizeof(parts[3].text), "%.0f containers", finding->containers);
    snprintf(parts[4].text, sizeof(parts[4].text), "service account %.120s",
             finding->service_account);
    cs_top_parts(page->drawing, SEVERITIES[finding->severity].style, parts, CS_ARRAY_SIZE(parts));
}

static void add_explanation(struct page *page, const struct cs_top_finding *finding)
{
    size_t width = page->drawing->view->width ? page->drawing->view->width : WIDTH;
    size_t indent = width >= WIDE ? INDENT : INDENT_SMALL, len;
    const char *rest = finding->explanation, *line;

    while (*rest) {
        line = cs_top_text_wrap(&rest, width > indent ? width - indent : 1, &len);
        if (in_window(page))
            cs_top_line(page->drawing, NULL, "%*s%.*s", (int)indent, "", (int)len, line);
    }
}

static void add_all(struct page *page)
{
    const struct cs_top_finding *finding;

    for (finding = page->drawing->model->findings; finding; finding = finding->next) {
        add_head(page, finding);
        add_explanation(page, finding);
    }
}

size_t cs_top_findings_lines(const struct cs_top_drawing *drawing)
{
    struct page page = {.drawing = drawing};

    add_all(&page);
    return page.at;
}

static void draw_end(const struct cs_top_drawing *drawing, size_t above, size_t below)
{
    static const struct cs_top_part KEYS[] = {
        {2, "up, down scroll"}, {1, "e back to the table"}, {0, "q quit"}};
    struct cs_top_part parts[] = {{1, ""}, {0, ""}};

    if (drawing->model->expected)
        snprintf(parts[0].text, sizeof(parts[0].text), "%zu as expected, not shown",
                 drawing->model->expected);
    if (above || below)
        snprintf(parts[1].text, sizeof(parts[1].text), "%zu above, %zu below: up, down", above,
                 below);
    if (drawing->view->live || parts[0].text[0])
        cs_top_parts(drawing, CS_TOP_DIM, parts, CS_ARRAY_SIZE(parts));
    if (drawing->view->live)
        cs_top_keys(drawing, KEYS, CS_ARRAY_SIZE(KEYS));
}

void cs_top_findings_draw(const struct cs_top_drawing *drawing)
{
    const struct cs_top_view *view = drawing->view;
    size_t window = view->live ? cs_top_page(view) : SIZE_MAX - view->scroll;
    struct page page = {.drawing = drawing, .from = view->scroll, .to = view->scroll + window};

    if (view->live)
        cs_top_line(drawing, CS_TOP_REVERSE, "OPEN FINDINGS, worst first: why, and what to do");
    add_all(&page);
    if (!drawing->model->findings)
        cs_top_line(drawing, CS_TOP_DIM, "nothing is open");
    draw_end(drawing, page.from, page.at > page.to ? page.at - page.to : 0);
}
