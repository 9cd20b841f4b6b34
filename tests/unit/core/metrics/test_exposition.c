/* SPDX-License-Identifier: Apache-2.0 */
/* Pages as a whole, read back by others' strict parsers: promtool and Prometheus' Python ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "record_support.h"

#include <sys/wait.h>
#include <unistd.h>

#define PYTHON_CHECK "/usr/bin/python3 tests/unit/core/metrics/openmetrics_check.py "

/* Run a shell command with the page as its input; its exit status, its output in `output`. */
static int run_with(const char *command, const char *page, char *output, size_t size)
{
    char path[] = "/tmp/credscope-page-XXXXXX", line[512];
    _cleanup_close_ int fd = mkstemp(path);
    FILE *pipe;
    size_t n;
    int status;

    assert_true(fd >= 0);
    assert_int_equal(write(fd, page, strlen(page)), strlen(page));
    snprintf(line, sizeof(line), "%s <%s 2>&1", command, path);
    pipe = popen(line, "r");
    assert_non_null(pipe);
    n = fread(output, 1, size - 1, pipe);
    output[n] = '\0';
    status = pclose(pipe);
    unlink(path);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Every mechanism × outcome × two workloads, hostile names, every row that can be set. */
static struct cs_recorder *full_recorder(void)
{
    static const char *const values[] = {"va\"l\\ue\n", "b", "c", "d"};
    struct cs_recorder *recorder = recorder_new((struct cs_recorder_options){0});
    struct sample sample;

    sample_init(&sample);
    for (enum cs_metric metric = 0; metric < CS_METRIC_END; metric++) {
        const struct cs_metric_row *row = cs_metric_row(metric);
        bool histogram = cs_histogram_bounds(row->kind) != NULL;

        if (row->scope == CS_SCOPE_NODE && histogram)
            assert_int_equal(cs_recorder_observe(recorder, metric, values, MS(1)), 0);
        else if (row->scope == CS_SCOPE_NODE)
            assert_int_equal(cs_recorder_set(recorder, metric, values, 1), 0);
        else if (!histogram)
            assert_int_equal(cs_recorder_set_of(recorder, metric, &sample.subject, values, 1, 0),
                             0);
    }
    for (int i = 0; i < CS_MECHANISM_END * CS_OUTCOME_END; i++) {
        sample_init(&sample);
        sample_outcome(&sample, (enum cs_outcome)(i % CS_OUTCOME_END));
        sample.verdict.mechanism = (enum cs_mechanism)(i / CS_OUTCOME_END);
        sample.verdict.endpoint = (enum cs_endpoint)(i % CS_ENDPOINT_END);
        sample.connection.family = i % 2 ? 4 : 6;
        sample.connection.client_hello_ns = START_NS;
        sample.connection.tls_ready_ns = START_NS + MS(i);
        sample.exchange.answer_ns = START_NS + MS(i * i);
        sample_record(&sample, recorder);
        if (i % 2)
            sample_workload(&sample, "a\\\"b\nc\xff", "", "{}", "dev-\\x2d\xe2\x82\xac\x1b[1m");
        sample_record(&sample, recorder);
    }
    return recorder;
}

static void assert_clean(const char *page, const char *parser, bool exemplars)
{
    char output[4096], command[128];
    unsigned int samples = 0, found = 0;

    snprintf(command, sizeof(command), PYTHON_CHECK "%s", parser);
    if (run_with(command, page, output, sizeof(output)) != 0)
        fail_msg("%s: %s", parser, output);
    assert_int_equal(sscanf(output, "%u %u", &samples, &found), 2);
    assert_int_equal(samples, page_samples(page));
    assert_int_equal(found > 0, exemplars);
}

static void pages_pass_strict_parsers(void **unused)
{
    struct cs_recorder *recorders[] = {recorder_new((struct cs_recorder_options){0}),
                                       full_recorder()};

    (void)unused;
    for (size_t i = 0; i < CS_ARRAY_SIZE(recorders); i++) {
        char output[4096];
        char *page = page_of(recorders[i], CS_EXPOSITION_TEXT);

        if (run_with("promtool check metrics", page, output, sizeof(output)) != 0 || output[0])
            fail_msg("promtool: %s", output);
        assert_clean(page, "text", false);
        free(page);
        page = page_of(recorders[i], CS_EXPOSITION_OPENMETRICS);
        assert_clean(page, "openmetrics", i == 1);
        free(page);
        cs_recorder_free(recorders[i]);
    }
}

/* The parsers do refuse: else the test above would prove nothing. */
static void the_parsers_are_strict(void **unused)
{
    static const char *const bad[] = {
        "# HELP a_b x\n# TYPE a_b gauge\na_b{c=\"\"} 1\n# EOF\n",
        "# HELP a_b x\n# TYPE a_b gauge\na_b{c=\"1\"} 1\na_b{c=\"1\"} 1\n# EOF\n",
        "# HELP a_b x\n# TYPE a_b gauge\na_b 1\n",
        "# HELP a_b x\n# TYPE a_b gauge\na_b{c=\"\\q\"} 1\n# EOF\n",
        "# HELP a_b x\n# TYPE a_b gauge\na_b{c=\"a\"b\"} 1\n# EOF\n",
        "# HELP a_b x\n# TYPE a_b gauge\na_b 1\n# EOF",
        "# HELP a_b x\n# TYPE a_b gauge\na_b  1\n# EOF\n",
        "# HELP a_b_total x\n# TYPE a_b_total counter\na_b_total 1\n# EOF\n",
    };
    char output[4096];

    (void)unused;
    for (size_t i = 0; i < CS_ARRAY_SIZE(bad); i++)
        if (run_with(PYTHON_CHECK "openmetrics", bad[i], output, sizeof(output)) == 0)
            fail_msg("accepted: %s", bad[i]);
    assert_int_not_equal(run_with("promtool check metrics",
                                  "# TYPE requests counter\nrequests{a=\"1\"} 1\n", output,
                                  sizeof(output)),
                         0);
}

static void exemplars_name_the_pod(void **unused)
{
    static const char expected[] =
        ",le=\"0.025\"} 1 # {pod_uid=\"5b4d0a3e-3a0e-4c50-9f37-0d3b3a1f9a10\",container=\"app\"} "
        "0.012 1763691000.012\n";
    struct cs_recorder *recorder = recorder_new((struct cs_recorder_options){0});
    struct sample sample;
    char *page;

    (void)unused;
    sample_init(&sample);
    sample_record(&sample, recorder);
    page = page_of(recorder, CS_EXPOSITION_OPENMETRICS);
    assert_non_null(strstr(page, expected));
    assert_non_null(strstr(page, "# TYPE credscope_requests counter\n"));
    assert_non_null(strstr(page, "# TYPE credscope_mechanism info\n"));
    assert_non_null(strstr(page, "# UNIT credscope_request_duration_seconds seconds\n"));
    assert_string_equal(page + strlen(page) - 6, "# EOF\n");
    free(page);
    page = page_of(recorder, CS_EXPOSITION_TEXT);
    assert_null(strstr(page, " # {"));
    assert_non_null(strstr(page, "# TYPE credscope_requests_total counter\n"));
    assert_non_null(strstr(page, "# TYPE credscope_mechanism_info gauge\n"));
    assert_null(strstr(page, "# UNIT"));
    assert_null(strstr(page, "# EOF"));
    free(page);
    cs_recorder_free(recorder);
}

static void exemplars_that_are_too_long_are_left_out(void **unused)
{
    static const struct {
        size_t container;
        bool pod, kept;
    } cases[] = {
        {128 - 7 - 36 - 9, true, true}, {128 - 7 - 36 - 9 + 1, true, false}, {3, false, false}};

    (void)unused;
    for (size_t i = 0; i < CS_ARRAY_SIZE(cases); i++) {
        struct cs_recorder *recorder = recorder_new((struct cs_recorder_options){0});
        struct sample sample;
        char *page;

        sample_init(&sample);
        memset(sample.subject.container, 'c', cases[i].container);
        sample.subject.container[cases[i].container] = '\0';
        if (!cases[i].pod)
            sample.subject.pod_uid[0] = '\0';
        sample_record(&sample, recorder);
        page = page_of(recorder, CS_EXPOSITION_OPENMETRICS);
        assert_int_equal(strstr(page, " # {") != NULL, cases[i].kept);
        free(page);
        cs_recorder_free(recorder);
    }
}

static void families_stand_together(void **unused)
{
    struct cs_recorder *recorder = full_recorder();
    char *page = page_of(recorder, CS_EXPOSITION_TEXT);
    const char *heads = page;
    size_t families = 0;

    (void)unused;
    while ((heads = strstr(heads, "# TYPE "))) {
        char name[128];
        const char *again;

        assert_int_equal(sscanf(heads, "# TYPE %127s", name), 1);
        heads += strlen("# TYPE ");
        families++;
        snprintf(name + strlen(name), sizeof(name) - strlen(name), " ");
        again = strstr(heads + 1, name);
        while (again && strncmp(again - strlen("# TYPE "), "# TYPE ", strlen("# TYPE ")) != 0)
            again = strstr(again + 1, name);
        assert_null(again);
    }
    assert_int_equal(families, CS_METRIC_END);
    free(page);
    cs_recorder_free(recorder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_pass_strict_parsers),
        cmocka_unit_test(the_parsers_are_strict),
        cmocka_unit_test(exemplars_name_the_pod),
        cmocka_unit_test(exemplars_that_are_too_long_are_left_out),
        cmocka_unit_test(families_stand_together),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
