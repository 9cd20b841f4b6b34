/* SPDX-License-Identifier: Apache-2.0 */
/* The table of credscope/metrics.h as data. */
#include "core/metrics/series.h"

static const struct cs_metric_row ROWS[CS_METRIC_END] = {
#define ROW(id, family_, kind_, unit_, scope_, help_, ...) \
    [CS_METRIC_##id] = {.family = family_,                 \
                        .help = help_,                     \
                        .kind = CS_KIND_##kind_,           \
                        .unit = CS_UNIT_##unit_,           \
                        .scope = CS_SCOPE_##scope_,        \
                        .labels = {__VA_ARGS__}},
    CS_METRICS(ROW)
#undef ROW
};

const struct cs_metric_row *cs_metric_row(enum cs_metric metric)
{
    return &ROWS[metric];
}

uint32_t cs_metric_samples(enum cs_metric metric)
{
    const struct cs_histogram_bounds *bounds = cs_histogram_bounds(ROWS[metric].kind);

    return bounds ? (uint32_t)bounds->count + 3 : 1; /* +Inf, sum, count */
}

const char *cs_metric_type_name(enum cs_metric metric)
{
    switch (ROWS[metric].kind) {
    case CS_KIND_COUNTER:
        return "counter";
    case CS_KIND_GAUGE:
        return "gauge";
    case CS_KIND_INFO:
        return "info";
    default:
        return "histogram";
    }
}

const char *cs_metric_suffix(enum cs_metric metric)
{
    switch (ROWS[metric].kind) {
    case CS_KIND_COUNTER:
        return "_total";
    case CS_KIND_INFO:
        return "_info";
    default:
        return "";
    }
}
