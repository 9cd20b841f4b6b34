/* SPDX-License-Identifier: Apache-2.0 */
#include "core/report/workloads_internal.h"

#include "base/util.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LABELS_W    4
#define SCRATCH_MAX ((size_t)16 << 10) /* four names of 256 bytes, of which each is escaped */
#define TAIL_MAX    256                /* what stands behind the rows, the caller's included */

bool cs_workloads_pair(struct cs_slice *text, struct cs_slice *name, struct cs_slice *value)
{
    const char *equals = memchr(text->data, '=', text->len), *end = text->data + text->len, *at;

    if (!equals || end - equals < 3 || equals[1] != '"')
        return false;
    for (at = equals + 2; at < end && *at != '"'; at++)
        at += *at == '\\';
    if (at >= end)
        return false;
    *name = (struct cs_slice){text->data, (size_t)(equals - text->data)};
    *value = (struct cs_slice){equals + 1, (size_t)(at - equals)};
    at += at + 1 < end && at[1] == ',' ? 2 : 1;
    *text = (struct cs_slice){at, (size_t)(end - at)};
    return true;
}

/* Length of the first four labels; 0: there are fewer. */
static size_t w_length(const char *text, size_t len)
{
    struct cs_slice rest = {text, len}, name, value = {0};

    for (size_t i = 0; i < LABELS_W; i++)
        if (!cs_workloads_pair(&rest, &name, &value))
            return 0;
    return (size_t)(value.data + value.len - text);
}

struct cs_workload_row *cs_workloads_row(struct cs_workloads *workloads, const char *text,
                                         size_t len)
{
    struct cs_workload_row *row;

    len = w_length(text, len);
    if (len == 0)
        return NULL;
    HASH_FIND(hh, workloads->rows, text, len, row);
    if (row)
        return row;
    row = calloc(1, sizeof(*row) + len + 1);
    if (row) {
        memcpy(row->text, text, len);
        row->len = len;
        HASH_ADD_KEYPTR(hh, workloads->rows, row->text, len, row);
        if (row->hh.tbl)
            return row;
        free(row);
    }
    workloads->error = -ENOMEM;
    return NULL;
}

struct cs_workload_row *cs_workloads_row_of(struct cs_workloads *workloads,
                                            const struct cs_workload *workload)
{
    struct cs_buffer *scratch = &workloads->scratch;

    scratch->len = 0;
    cs_label_append(scratch, "namespace", workload->namespace);
    cs_label_append(scratch, "service_account", workload->service_account);
    cs_label_append(scratch, "workload_kind", workload->workload_kind);
    cs_label_append(scratch, "workload", workload->workload);
    if (scratch->error) {
        workloads->error = -ENOMEM;
        return NULL;
    }
    return cs_workloads_row(workloads, scratch->data, scratch->len);
}

struct cs_workload_use *cs_workloads_use(struct cs_workloads *workloads,
                                         struct cs_workload_row *row, enum cs_mechanism mechanism)
{
    if (!row)
        return NULL;
    if (!row->uses[mechanism])
        row->uses[mechanism] = calloc(1, sizeof(*row->uses[mechanism]));
    if (!row->uses[mechanism])
        workloads->error = -ENOMEM;
    return row->uses[mechanism];
}

static void rows_free(struct cs_workloads *workloads)
{
    struct cs_workload_row *row, *next;

    HASH_ITER (hh, workloads->rows, row, next) {
        HASH_DEL(workloads->rows, row);
        for (enum cs_mechanism mechanism = 0; mechanism < CS_MECHANISM_END; mechanism++)
            free(row->uses[mechanism]);
        while (row->declared) {
            struct cs_workload_declared *declared = row->declared;

            row->declared = declared->next;
            free(declared);
        }
        while (row->identities) {
            struct cs_workload_identity *identity = row->identities;

            row->identities = identity->next;
            free(identity);
        }
        cs_workloads_findings_free(row);
        free(row);
    }
    cs_buffer_free(&workloads->scratch);
}

/* A shorter name comes first: its quote is less than any character of a Kubernetes name. */
static int by_text(const struct cs_workload_row *a, const struct cs_workload_row *b)
{
    return strcmp(a->text, b->text);
}

static bool is_of(const struct cs_workload_row *row, const char *namespace,
                  struct cs_buffer *scratch)
{
    if (!namespace)
        return true;
    scratch->len = 0;
    cs_label_append(scratch, "namespace", namespace);
    return row->len > scratch->len && memcmp(row->text, scratch->data, scratch->len) == 0;
}

static void write_rows(struct cs_workloads *workloads, const struct cs_workloads_sources *sources,
                       const char *namespace, struct cs_buffer *buffer)
{
    const char *separator = "\n";
    uint64_t omitted = 0;
    size_t before;

    cs_buffer_add_text(buffer, ",\"workloads\":[");
    for (struct cs_workload_row *row = workloads->rows; row; row = row->hh.next) {
        if (!is_of(row, namespace, &workloads->scratch))
            continue;
        before = buffer->len;
        cs_buffer_add_text(buffer, separator);
        cs_workloads_write_row(row, sources, buffer);
        if (buffer->error == -EMSGSIZE || buffer->len + TAIL_MAX > buffer->max) {
            buffer->len = before;
            buffer->error = 0;
            omitted++;
        } else {
            separator = ",\n";
        }
    }
    cs_buffer_add_text(buffer, "\n],\"omitted\":");
    cs_buffer_add_u64(buffer, omitted);
}

int cs_workloads_write(const struct cs_workloads_sources *sources, const char *namespace,
                       struct cs_buffer *buffer)
{
    const struct cs_series *observed = cs_registry_first(sources->registry, CS_METRIC_OBSERVED);
    struct cs_workloads workloads = {0};
    int error;

    cs_buffer_init(&workloads.scratch, SCRATCH_MAX);
    cs_workloads_add_series(&workloads, sources->registry);
    cs_workloads_add_pods(&workloads, sources);
    cs_workloads_add_in_flight(&workloads, sources);
    cs_workloads_add_findings(&workloads, sources);
    HASH_SORT(workloads.rows, by_text);
    cs_buffer_add_text(buffer, "\"time\":");
    cs_workloads_write_time(sources->realtime_ns, buffer);
    cs_buffer_add_text(buffer, ",\"observed_seconds\":");
    if (observed)
        cs_buffer_add_seconds(buffer, cs_series_read(observed));
    else
        cs_buffer_add_text(buffer, "null");
    write_rows(&workloads, sources, namespace, buffer);
    error = workloads.error;
    rows_free(&workloads);
    return error;
}
