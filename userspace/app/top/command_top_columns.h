/* SPDX-License-Identifier: Apache-2.0 */
/* The table's columns: one row of data each. Which are shown depends on the room there is. */
#ifndef CS_APP_COMMAND_TOP_COLUMNS_H
#define CS_APP_COMMAND_TOP_COLUMNS_H

#include "app/top/command_top_layout.h"
#include "app/top/command_top_text.h"

#define CS_TOP_CELL_MAX 1024

enum cs_top_column_id {
    CS_TOP_MARK,
    CS_TOP_WORKLOAD,
    CS_TOP_KIND,
    CS_TOP_SERVICE_ACCOUNT,
    CS_TOP_DECLARED,
    CS_TOP_MECHANISM,
    CS_TOP_RATE,
    CS_TOP_TOTAL,
    CS_TOP_FAILED,
    CS_TOP_FAILURE,
    CS_TOP_P50,
    CS_TOP_P99,
    CS_TOP_CREDENTIALS,
    CS_TOP_LAST_OK,
    CS_TOP_LAST_FAIL,
    CS_TOP_WAITING,
    CS_TOP_OLDEST,
    CS_TOP_PODS,
    CS_TOP_FINDING,
    CS_TOP_COLUMN_END,
};

struct cs_top_column {
    const char *title;
    enum cs_top_align align;
    size_t least;  /* columns that it needs, the title's at least */
    size_t most;   /* and that it is given at most */
    bool sortable; /* `sort` is what orders by it */
    enum cs_top_sort sort;
    void (*cell)(const struct cs_top_model *model, const struct cs_top_row *row,
                 char to[CS_TOP_CELL_MAX]);
};

const struct cs_top_column *cs_top_column(enum cs_top_column_id id);

/* The row has failures that are new, or, if nothing is known of when, any. */
bool cs_top_row_fails(const struct cs_top_row *row);

/* Widths of the columns for the model's rows; 0: not shown. */
void cs_top_columns_choose(const struct cs_top_model *model, const struct cs_top_view *view,
                           size_t widths[CS_TOP_COLUMN_END]);

#endif
