/* SPDX-License-Identifier: Apache-2.0 */
#include "app/top/command_top_model.h"

#include "app/top/command_top_findings.h"
#include "app/top/command_top_json.h"
#include "base/util.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLE_GAP_NS CS_NSEC_PER_SEC /* samples nearer than this are one */

static const char *const SORT_NAMES[] = {
    [CS_TOP_BY_RATE] = "rate",           [CS_TOP_BY_FAILURES] = "failures", [CS_TOP_BY_P99] = "p99",
    [CS_TOP_BY_IN_FLIGHT] = "in-flight", [CS_TOP_BY_NAME] = "name",
};
_Static_assert(CS_ARRAY_SIZE(SORT_NAMES) == CS_TOP_SORT_END, "each has a name");

const char *cs_top_sort_name(enum cs_top_sort sort)
{
    return SORT_NAMES[sort];
}

static void row_free(struct cs_top_model *model, struct cs_top_row *row)
{
    HASH_DEL(model->rows, row);
    free(row);
}

void cs_top_model_clear(struct cs_top_model *model)
{
    struct cs_top_row *row, *next;

    HASH_ITER (hh, model->rows, row, next)
        row_free(model, row);
    cs_top_findings_clear(model);
    *model = (struct cs_top_model){0};
}

static struct cs_top_sample *sample_at(struct cs_top_row *row, size_t i)
{
    return &row->samples[(row->first + i) % CS_TOP_SAMPLES];
}

/* Add a sample; the oldest go that are not needed for the window any more. */
static void add_sample(struct cs_top_row *row, struct cs_top_sample sample)
{
    /* Of polls in quick succession the last one stands, so that the ring spans the window. */
    if (row->count >= 2 &&
        sample_at(row, row->count - 1)->at_ns - sample_at(row, row->count - 2)->at_ns <
            SAMPLE_GAP_NS)
        row->count--;
    while (row->count == CS_TOP_SAMPLES ||
           (row->count >= 2 && sample.at_ns - sample_at(row, 1)->at_ns >= CS_TOP_WINDOW_NS)) {
        row->first = (row->first + 1) % CS_TOP_SAMPLES;
        row->count--;
    }
    *sample_at(row, row->count++) = sample;
}

static void set_rates(struct cs_top_row *row, uint64_t now_ns)
{
    const struct cs_top_sample *oldest;
    double minutes;

    /* Counters fell: the workload's series went and came again. */
    if (row->count && (row->total < sample_at(row, row->count - 1)->total ||
                       row->failures < sample_at(row, row->count - 1)->failures))
        row->count = 0;
    add_sample(row, (struct cs_top_sample){now_ns, row->total, row->failures});
    oldest = sample_at(row, 0);
    minutes = (double)(now_ns - oldest->at_ns) / 60e9;
    row->rate = minutes > 0 ? (row->total - oldest->total) / minutes : CS_TOP_UNKNOWN;
    row->failure_rate = minutes > 0 ? (row->failures - oldest->failures) / minutes : CS_TOP_UNKNOWN;
}

/* The row of these names, made if there is none. NULL: no memory. */
static struct cs_top_row *row_get(struct cs_top_model *model, const char *const names[5])
{
    const char **texts[5];
    size_t len = 0, at = 0;
    struct cs_top_row *row, *old;

    for (size_t i = 0; i < 5; i++)
        len += strlen(names[i]) + 1;
    row = calloc(1, sizeof(*row) + len);
    if (!row)
        return NULL;
    texts[0] = &row->namespace;
    texts[1] = &row->service_account;
    texts[2] = &row->kind;
    texts[3] = &row->workload;
    texts[4] = &row->mechanism;
    for (size_t i = 0; i < 5; i++) {
        *texts[i] = row->key + at;
        memcpy(row->key + at, names[i], strlen(names[i]) + 1);
        at += strlen(names[i]) + 1;
    }
    row->key_len = len;
    HASH_FIND(hh, model->rows, row->key, len, old);
    if (old) {
        free(row);
        return old;
    }
    HASH_ADD_KEYPTR(hh, model->rows, row->key, len, row);
    if (!row->hh.tbl) {
        free(row);
        return NULL;
    }
    /* It was not there at the last look: it had made no request. */
    if (model->updates > 1)
        add_sample(row, (struct cs_top_sample){model->updated_ns, 0, 0});
    return row;
}

static int add_use(struct cs_top_model *model, const cJSON *workload, const cJSON *use,
                   uint64_t now_ns)
{
    const char *const names[5] = {
        cs_top_json_text(workload, "namespace"), cs_top_json_text(workload, "service_account"),
        cs_top_json_text(workload, "workload_kind"), cs_top_json_text(workload, "workload"),
        cs_top_json_text(use, "mechanism")};
    struct cs_top_row *row;

    if (HASH_COUNT(model->rows) >= CS_TOP_ROWS_MAX) {
        model->omitted++;
        return 0;
    }
    row = row_get(model, names);
    if (!row)
        return -ENOMEM;
    cs_top_json_row(workload, use, row);
    row->update = model->updates;
    set_rates(row, now_ns);
    return 0;
}

static int add_workload(struct cs_top_model *model, const cJSON *workload, uint64_t now_ns)
{
    const cJSON *use, *uses = cJSON_GetObjectItemCaseSensitive(workload, "mechanisms");
    int error = cs_top_findings_add(model, workload);

    model->workloads++;
    if (cJSON_GetArraySize(uses) == 0)
        model->quiet++;
    cJSON_ArrayForEach(use, uses)
    {
        if (error == 0)
            error = add_use(model, workload, use, now_ns);
    }
    return error;
}

static void begin_update(struct cs_top_model *model, const cJSON *json)
{
    const char *run_id = cs_top_json_text(json, "run_id"), *node = cs_top_json_text(json, "node");

    if (strcmp(model->run_id, run_id) != 0)
        cs_top_model_clear(model);
    cs_top_findings_clear(model);
    cs_text_copy(model->run_id, sizeof(model->run_id), run_id, strlen(run_id));
    cs_text_copy(model->node, sizeof(model->node), node, strlen(node));
    model->time = cs_top_json_time(json, "time");
    model->observed = cs_top_json_number(json, "observed_seconds");
    model->omitted =
        cs_top_json_number(json, "omitted") > 0 ? (size_t)cs_top_json_number(json, "omitted") : 0;
    model->workloads = model->quiet = 0;
    model->updates++;
}

int cs_top_model_update(struct cs_top_model *model, const char *text, size_t len, uint64_t now_ns)
{
    cJSON *json = cJSON_ParseWithLength(text, len);
    const cJSON *workload, *workloads = cJSON_GetObjectItemCaseSensitive(json, "workloads");
    struct cs_top_row *row, *next;
    int error = 0;

    if (cs_top_json_number(json, "schema") != 1 || !cJSON_IsArray(workloads)) {
        cJSON_Delete(json);
        return -EBADMSG;
    }
    begin_update(model, json);
    cJSON_ArrayForEach(workload, workloads)
    {
        if (error == 0)
            error = add_workload(model, workload, now_ns);
    }
    HASH_ITER (hh, model->rows, row, next) {
        if (row->update != model->updates)
            row_free(model, row);
    }
    cs_top_findings_sort(model);
    model->updated_ns = now_ns;
    cJSON_Delete(json);
    return error;
}

static int by_name(const struct cs_top_row *a, const struct cs_top_row *b)
{
    const char *const pairs[][2] = {{a->namespace, b->namespace},
                                    {a->workload, b->workload},
                                    {a->kind, b->kind},
                                    {a->service_account, b->service_account},
                                    {a->mechanism, b->mechanism}};

    for (size_t i = 0; i < CS_ARRAY_SIZE(pairs); i++) {
        int order = strcmp(pairs[i][0], pairs[i][1]);

        if (order)
            return order;
    }
    return 0;
}

/* Largest first; equals in their order by `then`. */
static int by_number(double a, double b, int then)
{
    return a > b ? -1 : a < b ? 1 : then;
}

static int by_rate(const struct cs_top_row *a, const struct cs_top_row *b)
{
    return by_number(a->rate, b->rate, by_number(a->total, b->total, by_name(a, b)));
}

static int by_failures(const struct cs_top_row *a, const struct cs_top_row *b)
{
    return by_number(a->failure_rate, b->failure_rate,
                     by_number(a->failures, b->failures, by_name(a, b)));
}

static int by_p99(const struct cs_top_row *a, const struct cs_top_row *b)
{
    return by_number(a->p99, b->p99, by_name(a, b));
}

static int by_in_flight(const struct cs_top_row *a, const struct cs_top_row *b)
{
    return by_number(a->in_flight, b->in_flight, by_number(a->oldest, b->oldest, by_name(a, b)));
}

void cs_top_model_sort(struct cs_top_model *model, enum cs_top_sort sort)
{
    static int (*const ORDERS[])(const struct cs_top_row *, const struct cs_top_row *) = {
        [CS_TOP_BY_RATE] = by_rate, [CS_TOP_BY_FAILURES] = by_failures,
        [CS_TOP_BY_P99] = by_p99,   [CS_TOP_BY_IN_FLIGHT] = by_in_flight,
        [CS_TOP_BY_NAME] = by_name,
    };

    HASH_SORT(model->rows, ORDERS[sort]);
}
