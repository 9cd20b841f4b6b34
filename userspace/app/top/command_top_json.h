/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the API's document: a member of a wrong type is as one that is not there. */
#ifndef CS_APP_COMMAND_TOP_JSON_H
#define CS_APP_COMMAND_TOP_JSON_H

#include "app/top/command_top_model.h"

#include <cjson/cJSON.h>

/* "" without. */
const char *cs_top_json_text(const cJSON *object, const char *name);

/* CS_TOP_UNKNOWN without, or when it is negative. */
double cs_top_json_number(const cJSON *object, const char *name);

/* RFC 3339 in UTC as seconds since 1970; CS_TOP_UNKNOWN without. */
double cs_top_json_time(const cJSON *object, const char *name);

/* The row's numbers of one mechanism of a workload; not its rates. */
void cs_top_json_row(const cJSON *workload, const cJSON *use, struct cs_top_row *row);

#endif
