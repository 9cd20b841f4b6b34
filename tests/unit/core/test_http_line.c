// SPDX-License-Identifier: Apache-2.0
#include "core/http_line.h"

#include "base/util.h"
#include "core/classify/classify_path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    const char *line;
    bool cut, valid;
    const char *method, *target;
} lines[] = {
    {"GET / HTTP/1.1", false, true, "GET", "/"},
    {"PUT /latest/api/token HTTP/1.0", false, true, "PUT", "/latest/api/token"},
    {"GET /a b HTTP/1.1", false, true, "GET", "/a b"},
    {"GET http://h/p?q HTTP/1.1", false, true, "GET", "http://h/p?q"},
    {"OPTIONS * HTTP/1.1", false, true, "OPTIONS", "*"},
    {"GET /long", true, true, "GET", "/long"},
    {"GET /long HTT", true, true, "GET", "/long HTT"},
    {"GET /", false, false, "GET", ""},
    {"GET  HTTP/1.1", false, false, "GET", ""},
    {" / HTTP/1.1", false, false, "", "/"},
    {"GET", false, false, "", ""},
    {"GETGETGET", true, false, "GETGETGET", ""},
    {"", false, false, "", ""},
    {"", true, false, "", ""},
};

static void test_lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < CS_ARRAY_SIZE(lines); i++) {
        struct cs_http_line line;
        char method[32], target[64];

        if (cs_http_line_parse(lines[i].line, lines[i].cut, &line) != lines[i].valid)
            fail_msg("'%s': validity", lines[i].line);
        cs_text_copy(method, sizeof(method), line.method.data, line.method.len);
        cs_text_copy(target, sizeof(target), line.target.data, line.target.len);
        if (strcmp(method, lines[i].method) != 0 || strcmp(target, lines[i].target) != 0)
            fail_msg("'%s': got '%s' '%s'", lines[i].line, method, target);
    }
}

static const struct {
    const char *target, *path, *query; /* value of "q", NULL absent */
} targets[] = {
    {"/a/b", "/a/b", NULL},  {"/a?q=1", "/a", "1"},     {"/a?x=2&q=1&q=3", "/a", "1"},
    {"/a?q=", "/a", ""},     {"/a?q", "/a", NULL},      {"/a?qq=1&xq=2", "/a", NULL},
    {"/a#?q=1", "/a", NULL}, {"/a?q=1#f", "/a", "1"},   {"http://h:80/a?q=1", "/a", "1"},
    {"HTTP://h", "", NULL},  {"http://h?q=1", "", "1"}, {"?q=1", "", "1"},
    {"", "", NULL},
};

static void test_targets(void **state)
{
    (void)state;
    for (size_t i = 0; i < CS_ARRAY_SIZE(targets); i++) {
        struct cs_slice path = cs_http_target_path(targets[i].target);
        struct cs_slice query = cs_http_target_query(targets[i].target, "q");

        if (path.len != strlen(targets[i].path) || memcmp(path.data, targets[i].path, path.len))
            fail_msg("'%s': path '%.*s'", targets[i].target, (int)path.len, path.data);
        if (!targets[i].query) {
            if (query.data)
                fail_msg("'%s': query '%.*s'", targets[i].target, (int)query.len, query.data);
        } else if (!query.data || query.len != strlen(targets[i].query) ||
                   memcmp(query.data, targets[i].query, query.len) != 0) {
            fail_msg("'%s': no such query", targets[i].target);
        }
    }
}

/* A name longer than what is there: nothing behind the end is read. */
static void test_short_query(void **state)
{
    char *target = strdup("/?re");

    (void)state;
    assert_null(cs_http_target_query(target, "resource").data);
    free(target);
}

static const struct {
    const char *target;
    enum cs_path_kind kind;
} kinds[] = {
    {"/", CS_PATH_ROOT},
    {"//", CS_PATH_ROOT},
    {"/?x=1", CS_PATH_ROOT},
    {"", CS_PATH_OTHER},
    {"*", CS_PATH_OTHER},
    {"/v1/credentials", CS_PATH_AGENT},
    {"/v1/credentials?a=b", CS_PATH_AGENT},
    {"//v1/credentials", CS_PATH_AGENT_UNCLEAN},
    {"/v1//credentials", CS_PATH_AGENT_UNCLEAN},
    {"v1/credentials", CS_PATH_AGENT_UNCLEAN},
    {"/v1/credentials/", CS_PATH_OTHER},
    {"/v1", CS_PATH_OTHER},
    {"/v1/credentialsx", CS_PATH_OTHER},
    {"/latest/api/token", CS_PATH_AWS_TOKEN},
    {"/a/b/c/d/e/f/g", CS_PATH_OTHER},
    {"/a/b/c/d/e/f/g/h/i", CS_PATH_OTHER},
    {"/Latest/meta-data/iam/security-credentials/x", CS_PATH_AWS_ROLE},
    {"/latest/Meta-Data/iam/security-credentials/x", CS_PATH_OTHER},
    {"/METADATA/identity/oauth2/token", CS_PATH_AZURE_TOKEN},
    {"/metadata/identity/oauth2/token/x", CS_PATH_OTHER},
    {"/metadata/identity/oauth2", CS_PATH_OTHER},
};

static void test_kinds(void **state)
{
    (void)state;
    for (size_t i = 0; i < CS_ARRAY_SIZE(kinds); i++) {
        if (cs_path_classify(kinds[i].target) != kinds[i].kind)
            fail_msg("'%s': got %d", kinds[i].target, cs_path_classify(kinds[i].target));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_targets),
        cmocka_unit_test(test_short_query),
        cmocka_unit_test(test_kinds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
