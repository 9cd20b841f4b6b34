/* SPDX-License-Identifier: Apache-2.0 */
#include "app/check/command_check_report.h"

#include "base/cleanup.h"
#include "base/util.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdarg.h>

static const struct {
    const char *name;
    const char *colour;
} statuses[] = {
    [CS_CHECK_OK] = {"ok", "\033[32m"},
    [CS_CHECK_DEGRADED] = {"degraded", "\033[33m"},
    [CS_CHECK_MISSING] = {"missing", "\033[31m"},
};
_Static_assert(CS_ARRAY_SIZE(statuses) == CS_CHECK_STATUS_END, "a row for each status");

static void make_printable(char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < 0x20 || (unsigned char)*text > 0x7e)
            *text = '?';
}

struct cs_check_line *cs_check_add(struct cs_check_report *report, enum cs_check_status status,
                                   const char *name, const char *format, ...)
{
    /* More lines than the table has would be a mistake here: the last one then is overwritten. */
    size_t at = report->count < CS_CHECK_LINES_MAX ? report->count++ : CS_CHECK_LINES_MAX - 1;
    struct cs_check_line *line = &report->lines[at];
    va_list args;

    line->status = status;
    line->name = name;
    line->advice[0] = '\0';
    va_start(args, format);
    vsnprintf(line->detail, sizeof(line->detail), format, args);
    va_end(args);
    make_printable(line->detail);
    return line;
}

void cs_check_advise(struct cs_check_line *line, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(line->advice, sizeof(line->advice), format, args);
    va_end(args);
    make_printable(line->advice);
}

enum cs_check_status cs_check_worst(const struct cs_check_report *report)
{
    enum cs_check_status worst = CS_CHECK_OK;

    for (size_t i = 0; i < report->count; i++)
        if (report->lines[i].status > worst)
            worst = report->lines[i].status;
    return worst;
}

void cs_check_print(const struct cs_check_report *report, bool colour, FILE *to)
{
    size_t counts[CS_CHECK_STATUS_END] = {0};

    for (size_t i = 0; i < report->count; i++) {
        const struct cs_check_line *line = &report->lines[i];

        counts[line->status]++;
        fprintf(to, "%s%-9s%s %-16s %s%s%s\n", colour ? statuses[line->status].colour : "",
                statuses[line->status].name, colour ? "\033[0m" : "", line->name, line->detail,
                line->advice[0] != '\0' ? ": " : "", line->advice);
    }
    fprintf(to, "%zu ok, %zu degraded, %zu missing: %s\n", counts[CS_CHECK_OK],
            counts[CS_CHECK_DEGRADED], counts[CS_CHECK_MISSING],
            counts[CS_CHECK_MISSING] == 0 ? "credscope can run here" : "credscope cannot run here");
}

static void json_release(cJSON **json)
{
    cJSON_Delete(*json);
}

static bool json_line(cJSON *checks, const struct cs_check_line *line)
{
    cJSON *object = cJSON_CreateObject();

    if (!object || !cJSON_AddItemToArray(checks, object)) {
        cJSON_Delete(object);
        return false;
    }
    return cJSON_AddStringToObject(object, "name", line->name) &&
           cJSON_AddStringToObject(object, "status", statuses[line->status].name) &&
           cJSON_AddStringToObject(object, "detail", line->detail) &&
           (line->advice[0] == '\0' || cJSON_AddStringToObject(object, "advice", line->advice));
}

int cs_check_print_json(const struct cs_check_report *report, FILE *to)
{
    CS_CLEANUP(json_release) cJSON *json = cJSON_CreateObject();
    _cleanup_free_ char *text = NULL;
    cJSON *checks;

    if (!json || !cJSON_AddStringToObject(json, "status", statuses[cs_check_worst(report)].name))
        return -ENOMEM;
    checks = cJSON_AddArrayToObject(json, "checks");
    if (!checks)
        return -ENOMEM;
    for (size_t i = 0; i < report->count; i++)
        if (!json_line(checks, &report->lines[i]))
            return -ENOMEM;
    text = cJSON_Print(json);
    if (!text)
        return -ENOMEM;
    fprintf(to, "%s\n", text);
    return 0;
}
