/* SPDX-License-Identifier: Apache-2.0 */
/* Open findings as `top` has them: taken from the API's document, and written out with what each
 * is opened by and what to do. Pure. */
#ifndef CS_APP_COMMAND_TOP_FINDINGS_H
#define CS_APP_COMMAND_TOP_FINDINGS_H

#include "app/top/command_top_draw.h"
#include "app/top/command_top_model.h"

#include <cjson/cJSON.h>
#include <stddef.h>

/* Take over those of a workload; those that are as expected are counted only. 0 or -ENOMEM. */
int cs_top_findings_add(struct cs_top_model *model, const cJSON *workload);

/* Worst first, then those of a kind together. */
void cs_top_findings_sort(struct cs_top_model *model);

/* Forget all. */
void cs_top_findings_clear(struct cs_top_model *model);

/* "12 findings, 1 critical"; "" when nothing is open. */
void cs_top_findings_count(const struct cs_top_model *model, char *to, size_t size);

/* Lines that all of them take in the view's width, titles and keys not counted. */
size_t cs_top_findings_lines(const struct cs_top_drawing *drawing);

/* The page of findings, without the header. view->scroll must be within the lines. */
void cs_top_findings_draw(const struct cs_top_drawing *drawing);

#endif
