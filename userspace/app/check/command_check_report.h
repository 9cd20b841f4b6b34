/* SPDX-License-Identifier: Apache-2.0 */
/* What `check` found: a list of lines, printed as text or JSON. */
#ifndef CS_APP_COMMAND_CHECK_REPORT_H
#define CS_APP_COMMAND_CHECK_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define CS_CHECK_LINES_MAX 32
#define CS_CHECK_TEXT_MAX  512

enum cs_check_status {
    CS_CHECK_OK,
    CS_CHECK_DEGRADED, /* it runs; the advice says what is lost */
    CS_CHECK_MISSING,  /* it doesn't; the advice says what to do */
    CS_CHECK_STATUS_END,
};

struct cs_check_line {
    enum cs_check_status status;
    const char *name;
    char detail[CS_CHECK_TEXT_MAX];
    char advice[CS_CHECK_TEXT_MAX]; /* "" when ok */
};

struct cs_check_report {
    struct cs_check_line lines[CS_CHECK_LINES_MAX];
    size_t count;
};

/* Add a line; its detail is printed into. Returns it, for an advice. Control characters of what
 * others named are replaced when the report is printed. */
struct cs_check_line *cs_check_add(struct cs_check_report *report, enum cs_check_status status,
                                   const char *name, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

void cs_check_advise(struct cs_check_line *line, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The worst of all. */
enum cs_check_status cs_check_worst(const struct cs_check_report *report);

/* A line each, then the sum. */
void cs_check_print(const struct cs_check_report *report, bool colour, FILE *to);

/* One object: status, checks[] of name, status, detail, advice. 0 or -ENOMEM. */
int cs_check_print_json(const struct cs_check_report *report, FILE *to);

#endif
