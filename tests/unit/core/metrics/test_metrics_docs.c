/* SPDX-License-Identifier: Apache-2.0 */
/* docs/metrics.md has exactly the rows of the table of metrics; run at the top of the tree. */
#include "base/cleanup.h"
#include "base/util.h"
#include "core/metrics/series.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define DOCUMENT "docs/metrics.md"
#define ANSWERS  "docs/queries.md"
#define QUERIES  "tests/unit/core/metrics/metrics_queries.yml"
#define ALERTS   "tests/unit/core/metrics/alerts_test.yml"
#define INDENT   "          " /* of a query in QUERIES */

/* The row of a metric as the document must have it. */
static void expected_row(enum cs_metric metric, char *to, size_t size)
{
    const struct cs_metric_row *row = cs_metric_row(metric);
    const char *type = row->kind == CS_KIND_INFO ? "gauge 1 (info)" : cs_metric_type_name(metric);
    char labels[256] = "";

    if (row->scope != CS_SCOPE_NODE)
        strcat(labels, "W");
    for (size_t i = 0; row->labels[i]; i++) {
        strcat(labels, labels[0] ? ", " : "");
        strcat(labels, row->labels[i]);
    }
    snprintf(to, size, "| `%s%s` | %s | %s | %s |", row->family, cs_metric_suffix(metric), type,
             labels[0] ? labels : "–", row->help);
}

static bool is_row(const char *line)
{
    return strncmp(line, "| `credscope_", 13) == 0 || strncmp(line, "| `process_", 11) == 0;
}

static void the_document_has_the_tables_rows(void **unused)
{
    _cleanup_fclose_ FILE *file = fopen(DOCUMENT, "r");
    bool seen[CS_METRIC_END] = {false};
    char line[1024], expected[1024];
    size_t wrong = 0;

    (void)unused;
    assert_non_null(file);
    while (fgets(line, sizeof(line), file)) {
        enum cs_metric metric = 0;

        line[strcspn(line, "\n")] = '\0';
        if (!is_row(line))
            continue;
        for (; metric < CS_METRIC_END; metric++) {
            expected_row(metric, expected, sizeof(expected));
            if (strcmp(line, expected) == 0)
                break;
        }
        if (metric < CS_METRIC_END && !seen[metric]) {
            seen[metric] = true;
            continue;
        }
        print_message("%s: a row too many: %s\n", DOCUMENT, line);
        wrong++;
    }
    for (enum cs_metric metric = 0; metric < CS_METRIC_END; metric++) {
        if (seen[metric])
            continue;
        expected_row(metric, expected, sizeof(expected));
        print_message("%s: missing: %s\n", DOCUMENT, expected);
        wrong++;
    }
    assert_int_equal(wrong, 0);
}

/* The habits of Prometheus' names, as far as a table shows them. */
static void names_follow_the_rules(void **unused)
{
    (void)unused;
    for (enum cs_metric metric = 0; metric < CS_METRIC_END; metric++) {
        const struct cs_metric_row *row = cs_metric_row(metric);
        const char *unit = row->unit == CS_UNIT_SECONDS ? "_seconds"
                           : row->unit == CS_UNIT_BYTES ? "_bytes"
                                                        : "";
        size_t len = strlen(row->family);

        if (strncmp(row->family, "credscope_", 10) != 0 && strncmp(row->family, "process_", 8) != 0)
            fail_msg("%s: whose is it?", row->family);
        if (len < strlen(unit) || strcmp(row->family + len - strlen(unit), unit) != 0)
            fail_msg("%s: the unit does not end the name", row->family);
        assert_int_equal(strspn(row->family, "abcdefghijklmnopqrstuvwxyz_"), len);
        assert_int_equal(row->help[strlen(row->help) - 1], '.');
        assert_null(strpbrk(row->help, "\\\"\n|"));
        for (size_t i = 0; row->labels[i]; i++)
            assert_int_equal(strspn(row->labels[i], "abcdefghijklmnopqrstuvwxyz_"),
                             strlen(row->labels[i]));
    }
}

static char *contents(const char *path)
{
    _cleanup_fclose_ FILE *file = fopen(path, "r");
    char *text = calloc(1, 65536);

    assert_non_null(file);
    assert_true(fread(text, 1, 65535, file) < 65535);
    return text;
}

static void the_queries_are_those_that_are_tested(void **unused)
{
    _cleanup_free_ char *document = contents(ANSWERS), *queries = contents(QUERIES);
    unsigned int count = 0;
    char *state, *line;
    bool inside = false;
    char block[4096] = "";

    (void)unused;
    for (line = strtok_r(document, "\n", &state); line; line = strtok_r(NULL, "\n", &state)) {
        if (strcmp(line, "```promql") == 0) {
            inside = true;
            strcpy(block, "- expr: |\n");
        } else if (inside && strcmp(line, "```") == 0) {
            inside = false;
            count++;
            if (!strstr(queries, block))
                fail_msg("not in " QUERIES ": %s", block);
        } else if (inside) {
            snprintf(block + strlen(block), sizeof(block) - strlen(block), INDENT "%s\n", line);
        }
    }
    assert_true(count >= 15);
    assert_int_equal(system("promtool test rules " QUERIES " >/dev/null"), 0);
}

static void the_alerts_are_raised(void **unused)
{
    (void)unused;
    assert_int_equal(system("promtool test rules " ALERTS " >/dev/null"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_document_has_the_tables_rows),
        cmocka_unit_test(names_follow_the_rules),
        cmocka_unit_test(the_queries_are_those_that_are_tested),
        cmocka_unit_test(the_alerts_are_raised),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
