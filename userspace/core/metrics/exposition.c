/* SPDX-License-Identifier: Apache-2.0 */
#include "core/metrics/exposition.h"

#include "base/util.h"

static const struct {
    const char *name;
    const char *content_type;
} FORMATS[CS_EXPOSITION_FORMAT_END] = {
    [CS_EXPOSITION_TEXT] = {"text", "text/plain; version=0.0.4; charset=utf-8"},
    [CS_EXPOSITION_OPENMETRICS] = {"openmetrics",
                                   "application/openmetrics-text; version=1.0.0; charset=utf-8"},
};

const char *cs_exposition_name(enum cs_exposition_format format)
{
    return FORMATS[format].name;
}

const char *cs_exposition_content_type(enum cs_exposition_format format)
{
    return FORMATS[format].content_type;
}

static void add_label(struct cs_buffer *buffer, const struct cs_label *label)
{
    size_t len;
    const char *text = cs_label_text(label, &len);

    cs_buffer_add(buffer, text, len);
}

/* FAMILY SUFFIX {labels,le="…"} and a blank. */
static void write_name(struct cs_buffer *buffer, const char *family, const char *suffix,
                       const struct cs_series *series, const char *le)
{
    struct cs_label *const *labels = cs_series_labels(series);
    char separator = '{';

    cs_buffer_add_text(buffer, family);
    cs_buffer_add_text(buffer, suffix);
    for (size_t i = 0; i < CS_SERIES_LABELS; i++) {
        if (!labels[i])
            continue;
        cs_buffer_add(buffer, &separator, 1);
        separator = ',';
        add_label(buffer, labels[i]);
    }
    if (le) {
        cs_buffer_add(buffer, &separator, 1);
        separator = ',';
        cs_buffer_add(buffer, "le=\"", 4);
        cs_buffer_add_text(buffer, le);
        cs_buffer_add(buffer, "\"", 1);
    }
    if (separator == ',')
        cs_buffer_add(buffer, "} ", 2);
    else
        cs_buffer_add(buffer, " ", 1);
}

static void write_exemplar(struct cs_buffer *buffer, const struct cs_exemplar *exemplar)
{
    cs_buffer_add(buffer, " # {", 4);
    add_label(buffer, exemplar->label);
    cs_buffer_add(buffer, "} ", 2);
    cs_buffer_add_seconds(buffer, exemplar->value_ns);
    cs_buffer_add(buffer, " ", 1);
    cs_buffer_add_seconds(buffer, exemplar->realtime_ns);
}

static void write_histogram(struct cs_buffer *buffer, const char *family,
                            const struct cs_series *series, bool exemplars)
{
    const struct cs_histogram *histogram = cs_series_histogram(series);
    const struct cs_histogram_bounds *bounds = histogram->bounds;
    uint64_t count = 0;

    for (size_t i = 0; i <= bounds->count; i++) {
        count += histogram->counts[i];
        write_name(buffer, family, "_bucket", series, i < bounds->count ? bounds->le[i] : "+Inf");
        cs_buffer_add_u64(buffer, count);
        if (exemplars && histogram->exemplars && histogram->exemplars[i].label)
            write_exemplar(buffer, &histogram->exemplars[i]);
        cs_buffer_add(buffer, "\n", 1);
    }
    write_name(buffer, family, "_sum", series, NULL);
    cs_buffer_add_seconds(buffer, histogram->sum_ns);
    cs_buffer_add(buffer, "\n", 1);
    write_name(buffer, family, "_count", series, NULL);
    cs_buffer_add_u64(buffer, count);
    cs_buffer_add(buffer, "\n", 1);
}

static void write_value(struct cs_buffer *buffer, const struct cs_metric_row *row,
                        const char *suffix, const struct cs_series *series)
{
    write_name(buffer, row->family, suffix, series, NULL);
    if (row->unit == CS_UNIT_SECONDS)
        cs_buffer_add_seconds(buffer, cs_series_read(series));
    else
        cs_buffer_add_u64(buffer, cs_series_read(series));
    cs_buffer_add(buffer, "\n", 1);
}

/* The metadata of a family. Help texts are ours and need no escaping. Text 0.0.4 has no info. */
static void write_head(struct cs_buffer *buffer, enum cs_metric metric,
                       enum cs_exposition_format format)
{
    static const char *const UNITS[] = {[CS_UNIT_SECONDS] = "seconds", [CS_UNIT_BYTES] = "bytes"};
    const struct cs_metric_row *row = cs_metric_row(metric);
    bool text = format == CS_EXPOSITION_TEXT;
    const char *suffix = text ? cs_metric_suffix(metric) : "";
    const char *type = text && row->kind == CS_KIND_INFO ? "gauge" : cs_metric_type_name(metric);

    cs_buffer_add_format(buffer, "# HELP %s%s %s\n", row->family, suffix, row->help);
    cs_buffer_add_format(buffer, "# TYPE %s%s %s\n", row->family, suffix, type);
    if (!text && row->unit != CS_UNIT_NONE)
        cs_buffer_add_format(buffer, "# UNIT %s %s\n", row->family, UNITS[row->unit]);
}

int cs_exposition_write(const struct cs_registry *registry, enum cs_exposition_format format,
                        struct cs_buffer *buffer)
{
    for (enum cs_metric metric = 0; metric < CS_METRIC_END; metric++) {
        const struct cs_series *series = cs_registry_first(registry, metric);
        const struct cs_metric_row *row = cs_metric_row(metric);
        const char *suffix = cs_metric_suffix(metric);

        if (!series)
            continue;
        write_head(buffer, metric, format);
        for (; series; series = cs_series_next(series)) {
            if (cs_histogram_bounds(row->kind))
                write_histogram(buffer, row->family, series, format == CS_EXPOSITION_OPENMETRICS);
            else
                write_value(buffer, row, suffix, series);
        }
    }
    if (format == CS_EXPOSITION_OPENMETRICS)
        cs_buffer_add_text(buffer, "# EOF\n");
    return buffer->error;
}
