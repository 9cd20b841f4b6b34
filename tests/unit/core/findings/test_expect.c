/* SPDX-License-Identifier: Apache-2.0 */
#include "core/findings/expect.h"

#include "base/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    const char *name;
    const char *text;
    const char *error; /* NULL: it is right */
    size_t count;
} texts[] = {
    {"nothing", "", NULL, 0},
    {"comments and empty lines", "# who\n\n   \t\n  # indented\n", NULL, 0},
    {"an entry", "shop/payer irsa 2027-01-31 waits for SDK 2, PAY-1234\n", NULL, 1},
    {"columns apart by tabs and blanks", "shop/payer\tirsa   -\t moved next year", NULL, 1},
    {"lines as Windows ends them", "shop/payer irsa - why\r\nshop/b irsa - why\r\n", NULL, 2},
    {"a static pod has no service account", "kube-system/~none imdsv2 - node agent\n", NULL, 1},
    {"processes of the node", "~host/~host imdsv1 - old agent on the image\n", NULL, 1},
    {"a leap day", "shop/payer irsa 2028-02-29 why\n", NULL, 1},
    {"the same account, another mechanism", "a/b irsa - x\na/b imdsv2 - x\n", NULL, 2},

    {"no slash", "\npayer irsa - why\n", "line 2: 'payer' is no NAMESPACE/SERVICE_ACCOUNT", 0},
    {"upper case", "Shop/payer irsa - why\n",
     "line 1: 'Shop/payer' is no NAMESPACE/SERVICE_ACCOUNT", 0},
    {"no service account", "shop/ irsa - why\n", "line 1: 'shop/' is no NAMESPACE/SERVICE_ACCOUNT",
     0},
    {"two slashes", "shop/a/b irsa - why\n", "line 1: 'shop/a/b' is no NAMESPACE/SERVICE_ACCOUNT",
     0},
    {"half a marker", "~host/x irsa - why\n", "line 1: '~host/x' is no NAMESPACE/SERVICE_ACCOUNT",
     0},
    {"a wildcard", "shop/* irsa - why\n",
     "line 1: no wildcards: write one line for each service account", 0},
    {"no mechanism", "shop/payer\n", "line 1: the mechanism is missing", 0},
    {"a mechanism that isn't one", "shop/payer IRSA - why\n", "line 1: 'IRSA' is no mechanism", 0},
    {"the unknown is no mechanism", "shop/payer ~unknown - why\n",
     "line 1: '~unknown' is no mechanism", 0},
    {"no last day", "shop/payer irsa\n",
     "line 1: the last day is missing: YYYY-MM-DD, or - for none", 0},
    {"a day that isn't", "shop/payer irsa 2027-02-29 why\n",
     "line 1: '2027-02-29' is no day: YYYY-MM-DD, or - for none", 0},
    {"a day that others write", "shop/payer irsa 31.01.2027 why\n",
     "line 1: '31.01.2027' is no day: YYYY-MM-DD, or - for none", 0},
    {"a month that isn't", "shop/payer irsa 2027-13-01 why\n",
     "line 1: '2027-13-01' is no day: YYYY-MM-DD, or - for none", 0},
    {"no reason", "shop/payer irsa -  \n", "line 1: the reason is missing", 0},
    {"a control character", "shop/payer irsa - a\001b\n", "line 1: a control character at byte 20",
     0},
    {"twice", "a/b irsa - x\n\na/b irsa 2027-01-01 y\n", "line 3: the same as line 1", 0},
    {"the first error counts, and nothing is kept", "a/b irsa - x\nb irsa - x\nc\n",
     "line 2: 'b' is no NAMESPACE/SERVICE_ACCOUNT", 0},
};

static void parses(void **state)
{
    (void)state;
    for (size_t i = 0; i < CS_ARRAY_SIZE(texts); i++) {
        _cleanup_expect_ struct cs_expect *expect = NULL;
        char error[CS_EXPECT_ERROR_MAX];
        int r;

        assert_int_equal(cs_expect_new(&expect), 0);
        r = cs_expect_parse(expect, texts[i].text, strlen(texts[i].text), error);
        if ((r < 0) != (texts[i].error != NULL) ||
            strcmp(error, texts[i].error ? texts[i].error : "") != 0 ||
            cs_expect_count(expect) != texts[i].count)
            fail_msg("%s: %d, \"%s\", %zu entries", texts[i].name, r, error,
                     cs_expect_count(expect));
    }
}

/* Days by `date -u -d '… 00:00' +%s`. */
static void counts_days(void **state)
{
    static const struct {
        const char *text;
        int64_t until_s;
    } DAYS[] = {
        {"1970-01-01", 86400},      {"1999-12-31", 946684800},  {"2000-02-29", 951868800},
        {"2026-11-21", 1795305600}, {"2027-01-31", 1801440000}, {"2100-02-28", 4107542400},
    };

    (void)state;
    for (size_t i = 0; i < CS_ARRAY_SIZE(DAYS); i++) {
        _cleanup_expect_ struct cs_expect *expect = NULL;
        char text[64], error[CS_EXPECT_ERROR_MAX];

        assert_int_equal(cs_expect_new(&expect), 0);
        snprintf(text, sizeof(text), "a/b irsa %s why", DAYS[i].text);
        assert_int_equal(cs_expect_parse(expect, text, strlen(text), error), 0);
        assert_int_equal(cs_expect_at(expect, 0)->until_s, DAYS[i].until_s);
        assert_non_null(cs_expect_find(expect, "a", "b", CS_MECHANISM_IRSA, DAYS[i].until_s - 1));
        assert_null(cs_expect_find(expect, "a", "b", CS_MECHANISM_IRSA, DAYS[i].until_s));
    }
}

static void finds(void **state)
{
    static const char TEXT[] = "shop/payer irsa - waits\n";
    _cleanup_expect_ struct cs_expect *expect = NULL;
    const struct cs_expect_entry *entry;
    char error[CS_EXPECT_ERROR_MAX];

    (void)state;
    assert_int_equal(cs_expect_new(&expect), 0);
    assert_int_equal(cs_expect_parse(expect, TEXT, strlen(TEXT), error), 0);
    entry = cs_expect_find(expect, "shop", "payer", CS_MECHANISM_IRSA, 0);
    assert_non_null(entry);
    assert_string_equal(entry->reason, "waits");
    assert_int_equal(entry->line, 1);
    assert_null(cs_expect_find(expect, "shop", "payer", CS_MECHANISM_IMDSV2, 0));
    assert_null(cs_expect_find(expect, "shop2", "payer", CS_MECHANISM_IRSA, 0));
    assert_null(cs_expect_find(expect, "shop", "pay", CS_MECHANISM_IRSA, 0));

    /* built in */
    entry = cs_expect_find(expect, "kube-system", "aws-node", CS_MECHANISM_IMDSV2, 0);
    assert_non_null(entry);
    assert_non_null(entry->source);
    assert_null(cs_expect_find(expect, "kube-system", "aws-node", CS_MECHANISM_IMDSV1, 0));
    assert_null(cs_expect_find(expect, "shop", "aws-node", CS_MECHANISM_IMDSV2, 0));
    assert_non_null(
        cs_expect_find(expect, "anywhere", "aad-pod-identity-nmi", CS_MECHANISM_AZURE_IMDS, 0));
}

static void the_builtin_list_is_whole(void **state)
{
    size_t count;
    const struct cs_expect_entry *entries = cs_expect_builtin(&count);

    (void)state;
    assert_true(count > 10);
    for (size_t i = 0; i < count; i++) {
        assert_true(entries[i].reason[0] && strchr(entries[i].source, '/'));
        assert_int_equal(cs_mechanism_info(entries[i].mechanism)->class, CS_CLASS_NODE);
        assert_true(entries[i].until_s == INT64_MAX);
    }
}

static void is_bounded(void **state)
{
    _cleanup_expect_ struct cs_expect *expect = NULL;
    char error[CS_EXPECT_ERROR_MAX];
    char *text = malloc(CS_EXPECT_BYTES_MAX + 1);
    size_t at = 0;

    (void)state;
    assert_non_null(text);
    assert_int_equal(cs_expect_new(&expect), 0);
    for (unsigned int i = 0; i <= CS_EXPECT_ENTRIES_MAX; i++)
        at += (size_t)snprintf(text + at, CS_EXPECT_BYTES_MAX - at, "n%u/a irsa - x\n", i);
    assert_int_equal(cs_expect_parse(expect, text, at, error), -22);
    assert_string_equal(error, "line 1025: more than 1024 entries");
    assert_int_equal(cs_expect_count(expect), 0);
    memset(text, '\n', CS_EXPECT_BYTES_MAX + 1);
    assert_int_equal(cs_expect_parse(expect, text, CS_EXPECT_BYTES_MAX, error), 0);
    assert_int_equal(cs_expect_parse(expect, text, CS_EXPECT_BYTES_MAX + 1, error), -22);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses),     cmocka_unit_test(counts_days),
        cmocka_unit_test(finds),      cmocka_unit_test(the_builtin_list_is_whole),
        cmocka_unit_test(is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
