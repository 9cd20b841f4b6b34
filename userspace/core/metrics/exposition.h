/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes the registry as a page of metrics, in the Prometheus text format 0.0.4 or OpenMetrics
 * 1.0. Numbers of le are canonical ("1.0") in both, so that a series keeps its identity whichever
 * format a scrape asks for; exemplars and UNIT are in OpenMetrics only.
 */
#ifndef CS_CORE_EXPOSITION_H
#define CS_CORE_EXPOSITION_H

#include "base/buffer.h"
#include "core/metrics/series.h"

#include <stdbool.h>

/* Far above 10,000 samples with the longest names Kubernetes allows. */
#define CS_EXPOSITION_MAX (64u << 20)

enum cs_exposition_format {
    CS_EXPOSITION_TEXT,
    CS_EXPOSITION_OPENMETRICS,
    CS_EXPOSITION_FORMAT_END,
};

/* Label value: "text" or "openmetrics". */
const char *cs_exposition_name(enum cs_exposition_format format);

/* Value of the Content-Type header. */
const char *cs_exposition_content_type(enum cs_exposition_format format);

/* Append the page. 0 or the buffer's error. */
int cs_exposition_write(const struct cs_registry *registry, enum cs_exposition_format format,
                        struct cs_buffer *buffer);

/*
 * What a request's Accept header asks for (RFC 9110 12.5.1), NULL when it has none. The offer
 * with the higher quality wins; at the same quality the one that is named more closely, then
 * OpenMetrics when it was named at all. Where nothing fits, text: a scrape is better than a 406.
 */
enum cs_exposition_format cs_exposition_negotiate(const char *accept);

/* Whether Accept-Encoding (RFC 9110 12.5.3), NULL when there is none, allows gzip and does not
 * prefer the identity. */
bool cs_exposition_gzip(const char *accept_encoding);

#endif
