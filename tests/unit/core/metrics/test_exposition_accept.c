/* SPDX-License-Identifier: Apache-2.0 */
#include "base/util.h"
#include "core/metrics/exposition.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define TEXT CS_EXPOSITION_TEXT
#define OPEN CS_EXPOSITION_OPENMETRICS

static void formats(void **unused)
{
    static const struct {
        enum cs_exposition_format format;
        const char *accept;
    } cases[] = {
        {TEXT, NULL},
        {TEXT, ""},
        {TEXT, "*/*"},
        {TEXT, "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"},
        {TEXT, "text/plain"},
        {TEXT, "text/plain;version=0.0.4"},
        {TEXT, "text/*, application/*"},
        /* Prometheus 2.42, 3.0, and before 2.5 */
        {OPEN, "application/openmetrics-text;version=1.0.0,application/openmetrics-text;"
               "version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"},
        {OPEN, "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
               "application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;"
               "escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1"},
        {TEXT, "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;"
               "encoding=delimited;q=0.7,text/plain;version=0.0.4;q=0.3"},
        {OPEN, "application/openmetrics-text"},
        {OPEN, "Application/OpenMetrics-Text; Version=\"1.0.0\""},
        {OPEN, "application/openmetrics-text, text/plain"},
        {TEXT, "application/openmetrics-text, text/plain;version=0.0.4"},
        {OPEN, "text/plain;q=0.5, application/openmetrics-text;q=0.501"},
        {TEXT, "text/plain;q=0.5, application/openmetrics-text;q=0.499"},
        {OPEN, "application/*, text/plain;q=0"},
        /* we don't speak these versions */
        {TEXT, "application/openmetrics-text;version=0.0.1"},
        {TEXT, "application/openmetrics-text;version=2.0.0, */*;q=0.1"},
        {OPEN, "text/plain;version=1.0.0, application/openmetrics-text;q=0.1"},
        /* a closer range speaks for its type whatever the wider one says */
        {TEXT, "*/*, application/openmetrics-text;q=0"},
        {OPEN, "application/openmetrics-text;q=0.2, */*;q=0.9, text/plain;q=0.1"},
        {TEXT, "application/openmetrics-text;q=0"},
        /* malformed members are skipped, the rest counts */
        {TEXT, "application/openmetrics-text;q=1.1"},
        {TEXT, "application/openmetrics-text;q=-1"},
        {TEXT, "application/openmetrics-text;q=2"},
        {TEXT, "application/openmetrics-text;q="},
        {TEXT, "application/openmetrics-text;q=0.1234"},
        {TEXT, "application/openmetrics-text;q=1.001"},
        {OPEN, "application/openmetrics-text;q=1.000"},
        {OPEN, "application/openmetrics-text;q=1."},
        {OPEN, ",, ,application/openmetrics-text ; q=0.9 ,,text/plain;q=\"0.8\""},
        {OPEN, ";;;=,application/openmetrics-text"},
        {TEXT, "application/openmetrics-text extra"},
        {OPEN, "text/x;note=\"a,application/y;q=\\\"0\", application/openmetrics-text"},
        {TEXT, "text/x;note=\"never closed, application/openmetrics-text"},
        {TEXT, "application/openmetrics-textual"},
        {TEXT, "application/openmetrics"},
    };

    (void)unused;
    for (size_t i = 0; i < CS_ARRAY_SIZE(cases); i++) {
        if (cs_exposition_negotiate(cases[i].accept) != cases[i].format)
            fail_msg("wrong format for: %s", cases[i].accept ? cases[i].accept : "(none)");
    }
}

static void compression(void **unused)
{
    static const struct {
        bool gzip;
        const char *accept;
    } cases[] = {
        {false, NULL},
        {false, ""},
        {false, "identity"},
        {false, "deflate, br"},
        {true, "gzip"},
        {true, "GZIP"},
        {true, "x-gzip"},
        {true, "gzip, deflate, br, zstd"},
        {true, "*"},
        {false, "*;q=0"},
        {false, "gzip;q=0, *"},
        {false, "gzip;q=0"},
        {false, "gzip;q=0.000"},
        {true, "gzip;q=0.001"},
        {true, "*;q=0, gzip;q=0.5"},
        {false, "identity, gzip;q=0.5"},
        {true, "identity;q=0.5, gzip;q=0.5"},
        {false, "gzip;q=nonsense"},
        {true, "gzip, gzip;q=nonsense"},
        {false, "gzipped"},
    };

    (void)unused;
    for (size_t i = 0; i < CS_ARRAY_SIZE(cases); i++) {
        if (cs_exposition_gzip(cases[i].accept) != cases[i].gzip)
            fail_msg("wrong for: %s", cases[i].accept ? cases[i].accept : "(none)");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formats),
        cmocka_unit_test(compression),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
