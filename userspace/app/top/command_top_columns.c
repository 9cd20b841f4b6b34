/* SPDX-License-Identifier: Apache-2.0 */
#include "app/top/command_top_columns.h"

#include "base/util.h"

#include <stdio.h>
#include <string.h>

#define NAME_MOST     70
#define FINDING_WIDTH 100 /* of a view, from which on it has the column of findings */

bool cs_top_row_fails(const struct cs_top_row *row)
{
    return row->failure_rate >= 0 ? row->failure_rate > 0 : row->failures > 0;
}

#define CELL(name)                                                             \
    static void name(const struct cs_top_model *model __attribute__((unused)), \
                     const struct cs_top_row *row __attribute__((unused)),     \
                     char to[CS_TOP_CELL_MAX])

/* What colour says is said without it too. */
CELL(mark)
{
    to[0] = row->class == CS_TOP_RETIRING ? 'R' : row->class == CS_TOP_NODE ? 'N' : ' ';
    to[1] = cs_top_row_fails(row) ? '!' : ' ';
    to[2] = '\0';
}

CELL(workload)
{
    snprintf(to, CS_TOP_CELL_MAX, "%s/%s", row->namespace, row->workload);
}

CELL(kind)
{
    snprintf(to, CS_TOP_CELL_MAX, "%s", row->kind);
}

CELL(service_account)
{
    snprintf(to, CS_TOP_CELL_MAX, "%s", row->service_account);
}

CELL(declared)
{
    snprintf(to, CS_TOP_CELL_MAX, "%s", row->declared[0] ? row->declared : "-");
}

CELL(mechanism)
{
    snprintf(to, CS_TOP_CELL_MAX, "%s", row->mechanism);
}

CELL(rate)
{
    cs_top_text_rate(row->rate, to);
}

CELL(total)
{
    cs_top_text_count(row->total, to);
}

CELL(failed)
{
    cs_top_text_count(row->failures, to);
}

CELL(failure)
{
    snprintf(to, CS_TOP_CELL_MAX, "%s", row->failure[0] ? row->failure : "-");
}

CELL(p50)
{
    cs_top_text_duration(row->p50, to);
}

CELL(p99)
{
    cs_top_text_duration(row->p99, to);
}

CELL(credentials)
{
    cs_top_text_count(row->credentials, to);
}

static void ago(const struct cs_top_model *model, double when, char to[CS_TOP_CELL_MAX])
{
    double age = model->time - when;

    cs_top_text_age(when < 0 ? -1 : age < 0 ? 0 : age, to);
}

CELL(last_ok)
{
    ago(model, row->last_success, to);
}

CELL(last_fail)
{
    ago(model, row->last_failure, to);
}

CELL(waiting)
{
    cs_top_text_count(row->in_flight, to);
}

CELL(oldest)
{
    cs_top_text_duration(row->oldest, to);
}

/* Those that use it, of those that run. */
CELL(pods)
{
    char use[CS_TOP_NUMBER_MAX], all[CS_TOP_NUMBER_MAX];

    cs_top_text_count(row->pods_using, use);
    cs_top_text_count(row->pods, all);
    if (row->pods < 0)
        snprintf(to, CS_TOP_CELL_MAX, "-");
    else
        snprintf(to, CS_TOP_CELL_MAX, "%s/%s", use, all);
}

CELL(finding)
{
    snprintf(to, CS_TOP_CELL_MAX, "%s", row->finding[0] ? row->finding : "-");
}

static const struct cs_top_column COLUMNS[] = {
    [CS_TOP_MARK] = {"", CS_TOP_LEFT, 2, 2, false, 0, mark},
    [CS_TOP_WORKLOAD] = {"WORKLOAD", CS_TOP_LEFT, 18, NAME_MOST, true, CS_TOP_BY_NAME, workload},
    [CS_TOP_KIND] = {"KIND", CS_TOP_LEFT, 4, 20, false, 0, kind},
    [CS_TOP_SERVICE_ACCOUNT] = {"SERVICE ACCOUNT", CS_TOP_LEFT, 15, 40, false, 0, service_account},
    [CS_TOP_DECLARED] = {"DECLARED", CS_TOP_LEFT, 8, 40, false, 0, declared},
    [CS_TOP_MECHANISM] = {"MECHANISM", CS_TOP_LEFT, 16, 29, false, 0, mechanism},
    [CS_TOP_RATE] = {"REQ/MIN", CS_TOP_RIGHT, 7, 7, true, CS_TOP_BY_RATE, rate},
    [CS_TOP_TOTAL] = {"TOTAL", CS_TOP_RIGHT, 5, 7, false, 0, total},
    [CS_TOP_FAILED] = {"FAILED", CS_TOP_RIGHT, 6, 7, true, CS_TOP_BY_FAILURES, failed},
    [CS_TOP_FAILURE] = {"MOSTLY", CS_TOP_LEFT, 6, 17, false, 0, failure},
    [CS_TOP_P50] = {"P50", CS_TOP_RIGHT, 5, 6, false, 0, p50},
    [CS_TOP_P99] = {"P99", CS_TOP_RIGHT, 5, 6, true, CS_TOP_BY_P99, p99},
    [CS_TOP_CREDENTIALS] = {"CREDS", CS_TOP_RIGHT, 5, 7, false, 0, credentials},
    [CS_TOP_LAST_OK] = {"OK AGO", CS_TOP_RIGHT, 6, 6, false, 0, last_ok},
    [CS_TOP_LAST_FAIL] = {"FAIL AGO", CS_TOP_RIGHT, 8, 8, false, 0, last_fail},
    [CS_TOP_WAITING] = {"WAIT", CS_TOP_RIGHT, 4, 5, true, CS_TOP_BY_IN_FLIGHT, waiting},
    [CS_TOP_OLDEST] = {"OLDEST", CS_TOP_RIGHT, 6, 6, false, 0, oldest},
    [CS_TOP_PODS] = {"PODS", CS_TOP_RIGHT, 5, 11, false, 0, pods},
    [CS_TOP_FINDING] = {"FINDING", CS_TOP_LEFT, 16, 36, false, 0, finding},
};
_Static_assert(CS_ARRAY_SIZE(COLUMNS) == CS_TOP_COLUMN_END, "each is described");

const struct cs_top_column *cs_top_column(enum cs_top_column_id id)
{
    return &COLUMNS[id];
}

/* How wide a column would be with all of its rows' texts whole, within its limits; 0: none of them
 * is known. */
static size_t natural_width(const struct cs_top_model *model, enum cs_top_column_id id)
{
    const struct cs_top_column *column = &COLUMNS[id];
    size_t width = strlen(column->title);
    bool known = false;
    char text[CS_TOP_CELL_MAX];

    for (const struct cs_top_row *row = model->rows; row; row = row->hh.next) {
        size_t has;

        column->cell(model, row, text);
        has = cs_top_text_width(text);
        known |= strcmp(text, "-") != 0;
        width = has > width ? has : width;
    }
    if (!known)
        return 0;
    return width > column->most ? column->most : width;
}

/* A column is one space apart from the one before. */
static bool take(size_t *left, size_t width)
{
    if (*left < width + 1)
        return false;
    *left -= width + 1;
    return true;
}

static void grow(size_t *left, size_t *width, size_t natural)
{
    size_t more = natural > *width ? natural - *width : 0;

    more = more > *left ? *left : more;
    *width += more;
    *left -= more;
}

/* Findings take room from names, so there must be some, and names need most of 80 columns. */
static bool wanted(const struct cs_top_model *model, const struct cs_top_view *view,
                   enum cs_top_column_id id)
{
    return id != CS_TOP_FINDING || (view->width >= FINDING_WIDTH && natural_width(model, id));
}

void cs_top_columns_choose(const struct cs_top_model *model, const struct cs_top_view *view,
                           size_t widths[CS_TOP_COLUMN_END])
{
    /* By what they are worth: the first are shown as soon as they fit at their least width … */
    const enum cs_top_column_id first[] = {
        CS_TOP_MARK,   CS_TOP_WORKLOAD, CS_TOP_MECHANISM, view->live ? CS_TOP_RATE : CS_TOP_TOTAL,
        CS_TOP_FAILED, CS_TOP_P99,      CS_TOP_WAITING,   CS_TOP_PODS,
        CS_TOP_P50,    CS_TOP_FINDING};
    /* … the others once the names are whole. */
    static const enum cs_top_column_id second[] = {
        CS_TOP_TOTAL,           CS_TOP_FAILURE,     CS_TOP_LAST_OK,
        CS_TOP_LAST_FAIL,       CS_TOP_OLDEST,      CS_TOP_DECLARED,
        CS_TOP_SERVICE_ACCOUNT, CS_TOP_CREDENTIALS, CS_TOP_KIND};
    size_t left = view->width ? view->width + 1 : SIZE_MAX;

    memset(widths, 0, CS_TOP_COLUMN_END * sizeof(widths[0]));
    for (size_t i = 0; i < CS_ARRAY_SIZE(first); i++)
        if (wanted(model, view, first[i]) && take(&left, COLUMNS[first[i]].least))
            widths[first[i]] = COLUMNS[first[i]].least;
    for (size_t i = 1; i < CS_ARRAY_SIZE(first); i++)
        if (widths[first[i]])
            grow(&left, &widths[first[i]], natural_width(model, first[i]));
    for (size_t i = 0; view->width && i < CS_ARRAY_SIZE(second); i++) {
        size_t natural = natural_width(model, second[i]);

        if (natural && widths[second[i]] == 0 && take(&left, natural))
            widths[second[i]] = natural;
    }
}
