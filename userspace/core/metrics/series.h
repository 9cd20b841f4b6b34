/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registry: all series of all metrics of credscope/metrics.h. A series is found by its metric
 * and its labels (by reference: the same text is the same label). It holds references to them.
 *
 * Size is counted in samples: lines of an exposition, so a histogram is its buckets plus two.
 * The caller gives each creation the number of samples that may then exist.
 */
#ifndef CS_CORE_SERIES_H
#define CS_CORE_SERIES_H

#include "core/attribute/labels.h"
#include "core/metrics/histogram.h"

#include <credscope/metrics.h>
#include <stdbool.h>
#include <stdint.h>

/* One row of the table of metrics. */
struct cs_metric_row {
    const char *family;
    const char *help;
    enum cs_metric_kind kind;
    enum cs_metric_unit unit;
    enum cs_metric_scope scope;
    const char *labels[CS_METRIC_LABELS_MAX + 1]; /* NULL-terminated */
};

const struct cs_metric_row *cs_metric_row(enum cs_metric metric);

/* Samples that one series of this metric is. */
uint32_t cs_metric_samples(enum cs_metric metric);

/* "counter", "gauge", "info" or "histogram". */
const char *cs_metric_type_name(enum cs_metric metric);

/* What the exported name adds to the family: "_total", "_info" or "". */
const char *cs_metric_suffix(enum cs_metric metric);

/* labels[0] is the workload's text (NULL for scope NODE), then the row's labels; NULL where there
 * is none. The whole array is the key. */
#define CS_SERIES_LABELS (1 + CS_METRIC_LABELS_MAX)

struct cs_series;
struct cs_registry;

/* 0 or -ENOMEM. labels is used by, and must outlive, the registry. */
int cs_registry_new(struct cs_labels *labels, struct cs_registry **registry);
void cs_registry_free(struct cs_registry *registry);

struct cs_labels *cs_registry_labels(struct cs_registry *registry);

/* NULL: there is no such series. */
struct cs_series *cs_registry_find(struct cs_registry *registry, enum cs_metric metric,
                                   struct cs_label *const labels[CS_SERIES_LABELS]);

/* Find or create. 0, -ENOSPC (it would exceed limit samples in all) or -ENOMEM; *series is then
 * untouched. */
int cs_registry_get(struct cs_registry *registry, enum cs_metric metric,
                    struct cs_label *const labels[CS_SERIES_LABELS], uint32_t limit,
                    struct cs_series **series);

/* Remove one series; false: there is none. */
bool cs_registry_remove(struct cs_registry *registry, enum cs_metric metric,
                        struct cs_label *const labels[CS_SERIES_LABELS]);

/* The first series of a metric, in order of creation; NULL: none. */
const struct cs_series *cs_registry_first(const struct cs_registry *registry,
                                          enum cs_metric metric);
const struct cs_series *cs_series_next(const struct cs_series *series);

struct cs_label *const *cs_series_labels(const struct cs_series *series);

/* Of a counter, gauge or info: to change it, and to read it. */
uint64_t *cs_series_value(struct cs_series *series);
uint64_t cs_series_read(const struct cs_series *series);

/* Of a histogram. */
struct cs_histogram *cs_series_histogram(const struct cs_series *series);

/* Remove every series of a metric for which gone() is true (NULL: all); samples removed. */
typedef bool (*cs_series_gone_fn)(struct cs_label *const *labels, void *user);
uint32_t cs_registry_sweep(struct cs_registry *registry, enum cs_metric metric,
                           cs_series_gone_fn gone, void *user);

/* Samples there are now. */
uint32_t cs_registry_samples(const struct cs_registry *registry);

/* Bytes of the series, their histograms and their hash tables (labels not included). */
size_t cs_registry_bytes(const struct cs_registry *registry);

#endif
