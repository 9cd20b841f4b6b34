/* SPDX-License-Identifier: Apache-2.0 */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "core/metrics/series.h"

#include <errno.h>
#include <stdlib.h>

struct cs_series {
    UT_hash_handle hh; /* its order is that of creation, which the page keeps */
    struct cs_label *labels[CS_SERIES_LABELS];
    union {
        uint64_t value;
        struct cs_histogram *histogram;
    };
};

struct cs_registry {
    struct cs_labels *labels;
    struct cs_series *families[CS_METRIC_END];
    uint32_t samples;
};

int cs_registry_new(struct cs_labels *labels, struct cs_registry **registry)
{
    struct cs_registry *made = calloc(1, sizeof(*made));

    if (!made)
        return -ENOMEM;
    made->labels = labels;
    *registry = made;
    return 0;
}

static bool is_histogram(enum cs_metric metric)
{
    return cs_histogram_bounds(cs_metric_row(metric)->kind) != NULL;
}

/* Frees a series that is in no table. */
static void series_free(struct cs_registry *registry, enum cs_metric metric,
                        struct cs_series *series)
{
    if (is_histogram(metric))
        cs_histogram_free(series->histogram, registry->labels);
    for (size_t i = 0; i < CS_SERIES_LABELS; i++)
        cs_label_unref(registry->labels, series->labels[i]);
    free(series);
}

static uint32_t remove_series(struct cs_registry *registry, enum cs_metric metric,
                              struct cs_series *series)
{
    HASH_DEL(registry->families[metric], series);
    series_free(registry, metric, series);
    registry->samples -= cs_metric_samples(metric);
    return cs_metric_samples(metric);
}

uint32_t cs_registry_sweep(struct cs_registry *registry, enum cs_metric metric,
                           cs_series_gone_fn gone, void *user)
{
    struct cs_series *series, *next;
    uint32_t removed = 0;

    HASH_ITER (hh, registry->families[metric], series, next) {
        if (!gone || gone(series->labels, user))
            removed += remove_series(registry, metric, series);
    }
    return removed;
}

void cs_registry_free(struct cs_registry *registry)
{
    if (!registry)
        return;
    for (enum cs_metric metric = 0; metric < CS_METRIC_END; metric++)
        cs_registry_sweep(registry, metric, NULL, NULL);
    free(registry);
}

struct cs_labels *cs_registry_labels(struct cs_registry *registry)
{
    return registry->labels;
}

struct cs_series *cs_registry_find(struct cs_registry *registry, enum cs_metric metric,
                                   struct cs_label *const labels[CS_SERIES_LABELS])
{
    struct cs_series *series;

    HASH_FIND(hh, registry->families[metric], labels, sizeof(series->labels), series);
    return series;
}

static struct cs_series *series_new(enum cs_metric metric,
                                    struct cs_label *const labels[CS_SERIES_LABELS])
{
    struct cs_series *series = calloc(1, sizeof(*series));

    if (!series)
        return NULL;
    if (is_histogram(metric)) {
        series->histogram = cs_histogram_new(cs_histogram_bounds(cs_metric_row(metric)->kind));
        if (!series->histogram) {
            free(series);
            return NULL;
        }
    }
    for (size_t i = 0; i < CS_SERIES_LABELS; i++)
        series->labels[i] = labels[i] ? cs_label_ref(labels[i]) : NULL;
    return series;
}

int cs_registry_get(struct cs_registry *registry, enum cs_metric metric,
                    struct cs_label *const labels[CS_SERIES_LABELS], uint32_t limit,
                    struct cs_series **series)
{
    uint32_t samples = cs_metric_samples(metric);
    struct cs_series *found = cs_registry_find(registry, metric, labels);

    if (found) {
        *series = found;
        return 0;
    }
    if (registry->samples > limit || limit - registry->samples < samples)
        return -ENOSPC;
    found = series_new(metric, labels);
    if (!found)
        return -ENOMEM;
    HASH_ADD(hh, registry->families[metric], labels, sizeof(found->labels), found);
    if (!found->hh.tbl) {
        series_free(registry, metric, found);
        return -ENOMEM;
    }
    registry->samples += samples;
    *series = found;
    return 0;
}

bool cs_registry_remove(struct cs_registry *registry, enum cs_metric metric,
                        struct cs_label *const labels[CS_SERIES_LABELS])
{
    struct cs_series *series = cs_registry_find(registry, metric, labels);

    if (series)
        remove_series(registry, metric, series);
    return series != NULL;
}

const struct cs_series *cs_registry_first(const struct cs_registry *registry, enum cs_metric metric)
{
    return registry->families[metric];
}

const struct cs_series *cs_series_next(const struct cs_series *series)
{
    return series->hh.next;
}

struct cs_label *const *cs_series_labels(const struct cs_series *series)
{
    return series->labels;
}

uint64_t *cs_series_value(struct cs_series *series)
{
    return &series->value;
}

uint64_t cs_series_read(const struct cs_series *series)
{
    return series->value;
}

struct cs_histogram *cs_series_histogram(const struct cs_series *series)
{
    return series->histogram;
}

uint32_t cs_registry_samples(const struct cs_registry *registry)
{
    return registry->samples;
}

static size_t histogram_bytes(const struct cs_histogram *histogram)
{
    size_t slots = histogram->bounds->count + 1;

    return sizeof(*histogram) + slots * sizeof(histogram->counts[0]) +
           (histogram->exemplars ? slots * sizeof(histogram->exemplars[0]) : 0);
}

size_t cs_registry_bytes(const struct cs_registry *registry)
{
    size_t bytes = sizeof(*registry);

    for (enum cs_metric metric = 0; metric < CS_METRIC_END; metric++) {
        const struct cs_series *series = registry->families[metric];

        bytes += HASH_OVERHEAD(hh, registry->families[metric]);
        bytes += HASH_CNT(hh, registry->families[metric]) * sizeof(*series);
        for (; is_histogram(metric) && series; series = cs_series_next(series))
            bytes += histogram_bytes(series->histogram);
    }
    return bytes;
}
