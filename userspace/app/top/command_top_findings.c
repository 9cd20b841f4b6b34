/* SPDX-License-Identifier: Apache-2.0 */
/* The model's part: which findings are open. */
#include "app/top/command_top_findings.h"

#include "app/top/command_top_json.h"
#include "base/util.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

enum cs_top_severity cs_top_severity_of(const char *name)
{
    return strcmp(name, "critical") == 0  ? CS_TOP_CRITICAL
           : strcmp(name, "warning") == 0 ? CS_TOP_WARNING
                                          : CS_TOP_INFO;
}

/* The texts of one, in the order of its members. NULL: no memory. */
static struct cs_top_finding *finding_new(const char *const texts[5])
{
    struct cs_top_finding *finding;
    size_t len = 0, at = 0;

    for (size_t i = 0; i < 5; i++)
        len += strlen(texts[i]) + 1;
    finding = calloc(1, sizeof(*finding) + len);
    if (!finding)
        return NULL;
    for (size_t i = 0; i < 5; i++) {
        const char **members[] = {&finding->name, &finding->namespace, &finding->workload,
                                  &finding->service_account, &finding->explanation};

        *members[i] = finding->text + at;
        memcpy(finding->text + at, texts[i], strlen(texts[i]) + 1);
        at += strlen(texts[i]) + 1;
    }
    return finding;
}

int cs_top_findings_add(struct cs_top_model *model, const cJSON *workload)
{
    const cJSON *item, *list = cJSON_GetObjectItemCaseSensitive(workload, "findings");

    cJSON_ArrayForEach(item, list)
    {
        const char *const texts[5] = {
            cs_top_json_text(item, "finding"), cs_top_json_text(workload, "namespace"),
            cs_top_json_text(workload, "workload"), cs_top_json_text(workload, "service_account"),
            cs_top_json_text(item, "explanation")};
        struct cs_top_finding *finding;

        if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(item, "expected"))) {
            model->expected++;
            continue;
        }
        finding = finding_new(texts);
        if (!finding)
            return -ENOMEM;
        finding->severity = cs_top_severity_of(cs_top_json_text(item, "severity"));
        finding->containers = cs_top_json_number(item, "containers");
        finding->since = cs_top_json_time(item, "since");
        LL_PREPEND(model->findings, finding);
        model->open++;
        model->critical += finding->severity == CS_TOP_CRITICAL;
    }
    return 0;
}

static int by_severity(const struct cs_top_finding *a, const struct cs_top_finding *b)
{
    const char *const pairs[][2] = {{a->name, b->name},
                                    {a->namespace, b->namespace},
                                    {a->workload, b->workload},
                                    {a->service_account, b->service_account}};

    if (a->severity != b->severity)
        return a->severity > b->severity ? -1 : 1;
    for (size_t i = 0; i < CS_ARRAY_SIZE(pairs); i++) {
        int order = strcmp(pairs[i][0], pairs[i][1]);

        if (order)
            return order;
    }
    return 0;
}

void cs_top_findings_sort(struct cs_top_model *model)
{
    LL_SORT(model->findings, by_severity);
}

void cs_top_findings_clear(struct cs_top_model *model)
{
    struct cs_top_finding *finding, *next;

    LL_FOREACH_SAFE(model->findings, finding, next)
    free(finding);
    model->findings = NULL;
    model->open = model->critical = model->expected = 0;
}

void cs_top_findings_count(const struct cs_top_model *model, char *to, size_t size)
{
    char critical[32] = "";

    if (model->critical)
        snprintf(critical, sizeof(critical), ", %zu critical", model->critical);
    if (model->open)
        snprintf(to, size, "%zu finding%s%s", model->open, model->open > 1 ? "s" : "", critical);
    else
        to[0] = '\0';
}
