/* SPDX-License-Identifier: Apache-2.0 */
#include "app/top/command_top_json.h"

#include "base/util.h"
#include "core/mechanism.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

const char *cs_top_json_text(const cJSON *object, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));

    return text ? text : "";
}

double cs_top_json_number(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

    /* Beyond 2^53 a double is no count any more. */
    return cJSON_IsNumber(item) && item->valuedouble >= 0 && item->valuedouble < 0x1p53
               ? item->valuedouble
               : CS_TOP_UNKNOWN;
}

double cs_top_json_time(const cJSON *object, const char *name)
{
    const char *text = cs_top_json_text(object, name);
    struct tm utc = {0};
    double seconds;

    if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%lfZ", &utc.tm_year, &utc.tm_mon, &utc.tm_mday,
               &utc.tm_hour, &utc.tm_min, &seconds) != 6)
        return CS_TOP_UNKNOWN;
    utc.tm_year -= 1900;
    utc.tm_mon -= 1;
    return (double)timegm(&utc) + seconds;
}

static enum cs_top_class class_of(const char *name)
{
    static const struct {
        const char *name;
        enum cs_top_class class;
    } CLASSES[] = {
        {"current", CS_TOP_CURRENT}, {"retiring", CS_TOP_RETIRING}, {"node", CS_TOP_NODE}};

    for (size_t i = 0; i < CS_ARRAY_SIZE(CLASSES); i++)
        if (strcmp(name, CLASSES[i].name) == 0)
            return CLASSES[i].class;
    return CS_TOP_OTHER;
}

/* The most frequent failure. */
static void set_failure(const cJSON *requests, struct cs_top_row *row)
{
    enum cs_mechanism mechanism = 0;
    double most = 0;

    while (mechanism < CS_MECHANISM_END &&
           strcmp(row->mechanism, cs_mechanism_info(mechanism)->name) != 0)
        mechanism++;
    row->failure[0] = '\0';
    for (enum cs_outcome outcome = 0; outcome < CS_OUTCOME_END; outcome++) {
        const char *name = cs_outcome_name(outcome);
        double n = cs_top_json_number(requests, name);

        if (cs_request_result(mechanism, outcome) != CS_RESULT_FAILURE || n <= most)
            continue;
        most = n;
        cs_text_copy(row->failure, sizeof(row->failure), name, strlen(name));
    }
}

/* "irsa:3 none:1", or only the set where all pods declare the same. */
static void set_declared(const cJSON *sets, struct cs_top_row *row)
{
    int count = cJSON_GetArraySize(sets);
    const cJSON *set;
    size_t len = 0;

    row->declared[0] = '\0';
    cJSON_ArrayForEach(set, sets)
    {
        const char *name = cs_top_json_text(set, "set");
        int n = count == 1 ? snprintf(row->declared, sizeof(row->declared), "%s", name)
                           : snprintf(row->declared + len, sizeof(row->declared) - len, "%s%s:%.0f",
                                      len ? " " : "", name, cs_top_json_number(set, "pods"));

        len += n > 0 ? (size_t)n : 0;
        if (len >= sizeof(row->declared))
            return;
    }
}

static bool names_mechanism(const cJSON *finding, const char *mechanism)
{
    const cJSON *item, *list = cJSON_GetObjectItemCaseSensitive(finding, "mechanisms");

    cJSON_ArrayForEach(item, list)
    {
        const char *name = cJSON_GetStringValue(item);

        if (name && strcmp(name, mechanism) == 0)
            return true;
    }
    return cJSON_GetArraySize(list) == 0;
}

/* "irsa-left-behind", or "irsa-left-behind +1" where there are more. */
static void set_finding(const cJSON *findings, struct cs_top_row *row)
{
    const char *worst = "";
    int severity = -1, count = 0;
    const cJSON *finding;

    row->finding[0] = '\0';
    cJSON_ArrayForEach(finding, findings)
    {
        int rank = (int)cs_top_severity_of(cs_top_json_text(finding, "severity"));

        if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(finding, "expected")) ||
            !names_mechanism(finding, row->mechanism))
            continue;
        count++;
        if (rank <= severity)
            continue;
        severity = rank;
        worst = cs_top_json_text(finding, "finding");
    }
    if (count == 1)
        snprintf(row->finding, sizeof(row->finding), "%.40s", worst);
    else if (count > 1)
        snprintf(row->finding, sizeof(row->finding), "%.40s +%d", worst, count - 1);
}

void cs_top_json_row(const cJSON *workload, const cJSON *use, struct cs_top_row *row)
{
    const cJSON *durations = cJSON_GetObjectItemCaseSensitive(use, "duration_seconds");

    row->class = class_of(cs_top_json_text(use, "class"));
    row->total = cs_top_json_number(use, "total");
    row->failures = cs_top_json_number(use, "failures");
    row->credentials = cs_top_json_number(use, "credentials");
    row->p50 = cs_top_json_number(durations, "p50");
    row->p99 = cs_top_json_number(durations, "p99");
    row->in_flight = cs_top_json_number(use, "in_flight");
    row->oldest = cs_top_json_number(use, "oldest_in_flight_seconds");
    row->pods = cs_top_json_number(workload, "pods");
    row->pods_using = cs_top_json_number(use, "pods_using");
    row->last_success = cs_top_json_time(use, "last_success");
    row->last_failure = cs_top_json_time(use, "last_failure");
    set_failure(cJSON_GetObjectItemCaseSensitive(use, "requests"), row);
    set_declared(cJSON_GetObjectItemCaseSensitive(workload, "declared"), row);
    set_finding(cJSON_GetObjectItemCaseSensitive(workload, "findings"), row);
}
