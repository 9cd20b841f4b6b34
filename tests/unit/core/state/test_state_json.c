/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/state/state_json.h"
#include "state_support.h"

static struct cs_labels *labels;

static int set_up(void **unused)
{
    (void)unused;
    return cs_labels_new(&labels);
}

static int tear_down(void **unused)
{
    (void)unused;
    cs_labels_free(labels);
    return 0;
}

static struct cs_state *state_new(void)
{
    const struct cs_state_limits limits = {0};
    struct cs_state *state;

    assert_int_equal(cs_state_new(&limits, labels, &state), 0);
    return state;
}

static enum cs_state_error decode(const char *text, struct cs_state *state, uint32_t *left_out)
{
    /* In memory of its own size, so that a read behind it is seen. */
    size_t len = strlen(text);
    char *copy = malloc(len ? len : 1);
    enum cs_state_error error;

    memcpy(copy, text, len);
    error = cs_state_decode((struct cs_slice){copy, len}, "node-1", state, left_out);
    free(copy);
    return error;
}

/* NUL-terminated; free it. */
static char *encode(struct cs_state *state)
{
    struct cs_buffer buffer;

    cs_buffer_init(&buffer, CS_STATE_JSON_MAX);
    cs_state_encode(state, "node-1", NOON, &buffer);
    assert_int_equal(buffer.error, 0);
    cs_buffer_add(&buffer, "", 1);
    return buffer.data;
}

static void the_document_is_as_documented(void **unused)
{
    const struct cs_workload cart = workload_of("shop", "cart");
    _cleanup_state_ struct cs_state *state = state_new();
    _cleanup_free_ char *text = NULL;

    (void)unused;
    assert_int_equal(cs_intervals_add(cs_state_intervals(state),
                                      &(struct cs_interval){NOON - HOUR(2), NOON - HOUR(1)}),
                     0);
    cs_intervals_observe(cs_state_intervals(state), NOON, SEC(60));
    see(state, &cart, CS_MECHANISM_IRSA, CS_OUTCOME_OK_INFERRED, UP(-10));
    see(state, &cart, CS_MECHANISM_IMDSV2, CS_OUTCOME_REFUSED, UP(-5));
    text = encode(state);
    assert_string_equal(
        text, "{\"schema\":1,\"node\":\"node-1\",\"saved_ms\":1763726400000,\n"
              "\"intervals\":[\n[1763719200000,1763722800000],\n[1763726340000,1763726400000]],\n"
              "\"endpoints\":[\n"
              "{\"endpoint\":\"imds\",\"address_family\":\"ipv4\","
              "\"last_failure_ms\":1763726395000},\n"
              "{\"endpoint\":\"sts\",\"address_family\":\"ipv4\","
              "\"last_success_ms\":1763726390000}],\n"
              "\"workloads\":[\n"
              "{\"namespace\":\"shop\",\"service_account\":\"cart\","
              "\"workload_kind\":\"Deployment\",\"workload\":\"cart\",\"mechanism\":\"irsa\","
              "\"first_seen_ms\":1763726390000,\"last_seen_ms\":1763726390000,"
              "\"last_success_ms\":1763726390000},\n"
              "{\"namespace\":\"shop\",\"service_account\":\"cart\","
              "\"workload_kind\":\"Deployment\",\"workload\":\"cart\",\"mechanism\":\"imdsv2\","
              "\"first_seen_ms\":1763726395000,\"last_seen_ms\":1763726395000,"
              "\"last_failure_ms\":1763726395000}]}\n");
}

/* Nasty names too; what was read is written again byte for byte. */
static void what_is_written_can_be_read(void **unused)
{
    static const char *const NAMES[] = {"cart",  "with \"quotes\" and \\", "caf\xc3\xa9",
                                        "~host", "\x01\x1f\x7f",           "a.b-c_d@1.service"};
    _cleanup_state_ struct cs_state *state = state_new(), *again = state_new();
    _cleanup_free_ char *text = NULL, *second = NULL;
    struct cs_state_stats stats;
    uint32_t left_out;

    (void)unused;
    for (unsigned int i = 0; i < CS_ARRAY_SIZE(NAMES) * CS_MECHANISM_END; i++) {
        const struct cs_workload workload = workload_of("n", NAMES[i % CS_ARRAY_SIZE(NAMES)]);

        see(state, &workload, i / CS_ARRAY_SIZE(NAMES), i % CS_OUTCOME_END, UP(i));
    }
    text = encode(state);
    assert_int_equal(decode(text, again, &left_out), CS_STATE_OK);
    assert_int_equal(left_out, 0);
    cs_state_stats(again, &stats);
    assert_int_equal(stats.entries, CS_ARRAY_SIZE(NAMES) * CS_MECHANISM_END);
    second = encode(again);
    assert_string_equal(text, second);
}

/* Names that are no UTF-8 become alike, or too long to be read: no reason to refuse the file. */
static void names_that_are_no_text_do_no_harm(void **unused)
{
    _cleanup_state_ struct cs_state *state = state_new(), *again = state_new();
    _cleanup_free_ char *text = NULL;
    char name[CS_NAME_MAX];
    struct cs_state_stats stats;
    struct found found;
    uint32_t left_out;

    (void)unused;
    see(state, &(struct cs_workload){"n", "a", "k", "x\xff"}, CS_MECHANISM_IRSA, CS_OUTCOME_OK,
        UP(1));
    see(state, &(struct cs_workload){"n", "a", "k", "x\xfe"}, CS_MECHANISM_IRSA, CS_OUTCOME_OK,
        UP(2));
    memset(name, 0xff, sizeof(name));
    name[sizeof(name) - 1] = '\0';
    {
        struct cs_workload workload = workload_of("n", name);

        see(state, &workload, CS_MECHANISM_IRSA, CS_OUTCOME_OK, UP(3));
    }
    text = encode(state);
    assert_int_equal(decode(text, again, &left_out), CS_STATE_OK);
    assert_int_equal(left_out, 1);
    cs_state_stats(again, &stats);
    assert_int_equal(stats.entries, 1);
    assert_true(find(again, "x\xef\xbf\xbd", CS_MECHANISM_IRSA, &found));
    assert_int_equal(found.times.first_seen_ns, NOON + SEC(1));
    assert_int_equal(found.times.last_seen_ns, NOON + SEC(2));
}

/* As many as there may be, of the longest and worst names: the document is within its bound. */
static void the_largest_state_fits(void **unused)
{
    static const struct {
        const char *name;
        char fill;
    } cases[] = {{"short", 0}, {"long", 'x'}, {"escaped", '\x01'}, {"no UTF-8", '\xff'}};

    (void)unused;
    for (size_t i = 0; i < CS_ARRAY_SIZE(cases); i++) {
        _cleanup_state_ struct cs_state *state = state_new();
        _cleanup_free_ char *text = NULL;
        struct cs_state_stats stats;

        for (uint64_t n = 0; n < CS_INTERVALS_MAX; n++)
            cs_intervals_add(cs_state_intervals(state),
                             &(struct cs_interval){NOON + SEC(2 * n), NOON + SEC(2 * n + 1)});
        for (unsigned int n = 0; n < CS_STATE_ENTRIES_MAX; n++) {
            struct cs_workload workload = {.namespace = "n", .workload_kind = "Deployment"};
            char number[8];

            snprintf(number, sizeof(number), "%u", n);
            memset(workload.service_account, cases[i].fill, CS_NAME_MAX - 1);
            memset(workload.workload, cases[i].fill, CS_NAME_MAX - 1);
            strcpy(workload.service_account + (cases[i].fill ? CS_NAME_MAX - 8 : 0), number);
            strcpy(workload.workload + (cases[i].fill ? CS_NAME_MAX - 8 : 0), number);
            see(state, &workload, CS_MECHANISM_AZURE_WORKLOAD_IDENTITY_PROXY, CS_OUTCOME_OK, UP(n));
            see(state, &workload, CS_MECHANISM_AZURE_WORKLOAD_IDENTITY_PROXY, CS_OUTCOME_DENIED,
                UP(n));
        }
        text = encode(state);
        cs_state_stats(state, &stats);
        if (stats.entries < 100 || stats.entries + stats.evicted != CS_STATE_ENTRIES_MAX ||
            strlen(text) > stats.bytes + 16384 || strlen(text) < 100000)
            fail_msg("%s: %u entries, %zu bytes of at most %zu", cases[i].name, stats.entries,
                     strlen(text), stats.bytes);
        if (cases[i].fill == 0)
            assert_int_equal(stats.entries, CS_STATE_ENTRIES_MAX);
    }
}

#define HEAD  "{\"schema\":1,\"node\":\"node-1\",\"saved_ms\":9,"
#define SPAN  "\"intervals\":[[1,2]],"
#define NAMED "\"namespace\":\"n\",\"service_account\":\"s\",\"workload_kind\":\"k\","
#define IMDS4 "{\"endpoint\":\"imds\",\"address_family\":\"ipv4\""
#define SEEN  "\"first_seen_ms\":1,\"last_seen_ms\":2"
#define ENTRY "{" NAMED "\"workload\":\"w\",\"mechanism\":\"irsa\"," SEEN "}"

static const struct decode_case {
    const char *name, *text;
    enum cs_state_error error;
    uint32_t entries, left_out;
} cases[] = {
    {"empty lists", HEAD "\"intervals\":[],\"workloads\":[]}", CS_STATE_OK, 0, 0},
    {"one of each", HEAD SPAN "\"workloads\":[" ENTRY "]}", CS_STATE_OK, 1, 0},
    {"white space", " \n" HEAD SPAN "\"workloads\":[" ENTRY "] }\r\n\t ", CS_STATE_OK, 1, 0},
    {"unknown members",
     "{\"new\":[{}],\"schema\":1,\"node\":\"node-1\",\"saved_ms\":9," SPAN
     "\"x\":null,\"workloads\""
     ":[{\"y\":{},\"y\":1," NAMED "\"workload\":\"w\",\"mechanism\":\"irsa\"," SEEN "}]}",
     CS_STATE_OK, 1, 0},
    {"unknown mechanism",
     HEAD SPAN "\"workloads\":[{" NAMED "\"workload\":\"w\",\"mechanism\":\"gcp\"," SEEN "}," ENTRY
               "]}",
     CS_STATE_OK, 1, 1},
    {"empty name",
     HEAD SPAN "\"workloads\":[{" NAMED "\"workload\":\"\",\"mechanism\":\"irsa\"," SEEN "}]}",
     CS_STATE_OK, 0, 1},
    {"never seen",
     HEAD SPAN "\"workloads\":[{" NAMED "\"workload\":\"w\",\"mechanism\":\"irsa\","
               "\"first_seen_ms\":0,\"last_seen_ms\":1}]}",
     CS_STATE_OK, 0, 1},
    {"end-points",
     HEAD SPAN "\"endpoints\":[" IMDS4 ",\"last_success_ms\":3},{\"endpoint\":\"imds\","
               "\"address_family\":\"ipv6\",\"last_failure_ms\":4}],\"workloads\":[]}",
     CS_STATE_OK, 0, 0},
    {"an end-point twice", HEAD SPAN "\"endpoints\":[" IMDS4 "}," IMDS4 "}],\"workloads\":[]}",
     CS_STATE_OK, 0, 0},
    {"an unknown end-point, an unknown family",
     HEAD SPAN "\"endpoints\":[{\"endpoint\":\"gcp\",\"address_family\":\"ipv4\"},"
               "{\"endpoint\":\"imds\",\"address_family\":\"ipx\"}],\"workloads\":[]}",
     CS_STATE_OK, 0, 2},
    {"the same twice", HEAD SPAN "\"workloads\":[" ENTRY "," ENTRY "]}", CS_STATE_OK, 1, 0},

    {"a newer schema, all else different", "{\"schema\":2,\"intervals\":{}}", CS_STATE_NEWER, 0, 0},
    {"another node", "{\"schema\":1,\"node\":\"node-2\",\"saved_ms\":9," SPAN "\"workloads\":[]}",
     CS_STATE_OTHER_NODE, 0, 0},

    {"nothing", "", CS_STATE_MALFORMED, 0, 0},
    {"a list", "[]", CS_STATE_MALFORMED, 0, 0},
    {"an empty object", "{}", CS_STATE_MALFORMED, 0, 0},
    {"schema 0", "{\"schema\":0}", CS_STATE_MALFORMED, 0, 0},
    {"schema below", "{\"schema\":-1}", CS_STATE_MALFORMED, 0, 0},
    {"schema as text", "{\"schema\":\"1\"}", CS_STATE_MALFORMED, 0, 0},
    {"schema twice", "{\"schema\":1," HEAD SPAN "\"workloads\":[]}", CS_STATE_MALFORMED, 0, 0},
    {"no node", "{\"schema\":1,\"saved_ms\":9," SPAN "\"workloads\":[]}", CS_STATE_MALFORMED, 0, 0},
    {"no intervals", HEAD "\"workloads\":[]}", CS_STATE_MALFORMED, 0, 0},
    {"no workloads", HEAD "\"intervals\":[]}", CS_STATE_MALFORMED, 0, 0},
    {"workloads twice", HEAD SPAN "\"workloads\":[],\"workloads\":[]}", CS_STATE_MALFORMED, 0, 0},
    {"intervals in an object", HEAD "\"intervals\":{\"a\":[1,2]},\"workloads\":[]}",
     CS_STATE_MALFORMED, 0, 0},
    {"one time only", HEAD "\"intervals\":[[1]],\"workloads\":[]}", CS_STATE_MALFORMED, 0, 0},
    {"three times", HEAD "\"intervals\":[[1,2,3]],\"workloads\":[]}", CS_STATE_MALFORMED, 0, 0},
    {"backwards", HEAD "\"intervals\":[[2,1]],\"workloads\":[]}", CS_STATE_MALFORMED, 0, 0},
    {"overlap", HEAD "\"intervals\":[[1,3],[2,4]],\"workloads\":[]}", CS_STATE_MALFORMED, 0, 0},
    {"a fraction", HEAD "\"intervals\":[[1,2.5]],\"workloads\":[]}", CS_STATE_MALFORMED, 0, 0},
    {"below 0", HEAD "\"intervals\":[[-1,2]],\"workloads\":[]}", CS_STATE_MALFORMED, 0, 0},
    {"too late", HEAD "\"intervals\":[[1,18446744073710]],\"workloads\":[]}", CS_STATE_MALFORMED, 0,
     0},
    {"infinite", HEAD "\"intervals\":[[1,1e999]],\"workloads\":[]}", CS_STATE_MALFORMED, 0, 0},
    {"times as text", HEAD "\"intervals\":[[\"1\",\"2\"]],\"workloads\":[]}", CS_STATE_MALFORMED, 0,
     0},
    {"end-points in an object", HEAD SPAN "\"endpoints\":{},\"workloads\":[]}", CS_STATE_MALFORMED,
     0, 0},
    {"an end-point that is none", HEAD SPAN "\"endpoints\":[[]],\"workloads\":[]}",
     CS_STATE_MALFORMED, 0, 0},
    {"an end-point without family",
     HEAD SPAN "\"endpoints\":[{\"endpoint\":\"imds\"}],\"workloads\":[]}", CS_STATE_MALFORMED, 0,
     0},
    {"an end-point's time that is none",
     HEAD SPAN "\"endpoints\":[" IMDS4 ",\"last_success_ms\":-1}],\"workloads\":[]}",
     CS_STATE_MALFORMED, 0, 0},
    {"an entry that is none", HEAD SPAN "\"workloads\":[1]}", CS_STATE_MALFORMED, 0, 0},
    {"a name that is none",
     HEAD SPAN "\"workloads\":[{" NAMED "\"workload\":1,\"mechanism\":\"irsa\"," SEEN "}]}",
     CS_STATE_MALFORMED, 0, 0},
    {"a name that is no UTF-8",
     HEAD SPAN "\"workloads\":[{" NAMED "\"workload\":\"\xff\",\"mechanism\":\"irsa\"," SEEN "}]}",
     CS_STATE_MALFORMED, 0, 0},
    {"no name", HEAD SPAN "\"workloads\":[{" NAMED "\"mechanism\":\"irsa\"," SEEN "}]}",
     CS_STATE_MALFORMED, 0, 0},
    {"a name twice",
     HEAD SPAN "\"workloads\":[{" NAMED "\"workload\":\"w\",\"workload\":\"v\","
               "\"mechanism\":\"irsa\"," SEEN "}]}",
     CS_STATE_MALFORMED, 0, 0},
    {"no time",
     HEAD SPAN "\"workloads\":[{" NAMED "\"workload\":\"w\",\"mechanism\":\"irsa\","
               "\"first_seen_ms\":1}]}",
     CS_STATE_MALFORMED, 0, 0},
    {"a time that is null",
     HEAD SPAN "\"workloads\":[{" NAMED "\"workload\":\"w\",\"mechanism\":\"irsa\"," SEEN
               ",\"last_success_ms\":null}]}",
     CS_STATE_MALFORMED, 0, 0},
    {"something behind it", HEAD SPAN "\"workloads\":[]}x", CS_STATE_MALFORMED, 0, 0},
    {"two documents", HEAD SPAN "\"workloads\":[]}" HEAD SPAN "\"workloads\":[]}",
     CS_STATE_MALFORMED, 0, 0},
};

static void documents_are_judged(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < CS_ARRAY_SIZE(cases); i++) {
        _cleanup_state_ struct cs_state *state = state_new();
        uint32_t left_out = 99;
        enum cs_state_error error = decode(cases[i].text, state, &left_out);
        struct cs_state_stats stats;

        if (error != cases[i].error)
            fail_msg("%s: %s", cases[i].name, cs_state_error_text(error));
        cs_state_stats(state, &stats);
        if (error == CS_STATE_OK &&
            (stats.entries != cases[i].entries || left_out != cases[i].left_out))
            fail_msg("%s: %u entries, %u left out", cases[i].name, stats.entries, left_out);
    }
}

/* Cut at every byte, and with every byte changed: never taken for whole when cut. */
static void damage_is_seen_or_does_no_harm(void **unused)
{
    static const char whole[] = HEAD SPAN "\"workloads\":[" ENTRY "]}";
    char text[sizeof(whole)];
    uint32_t left_out;

    (void)unused;
    for (size_t len = 0; len < sizeof(whole) - 1; len++) {
        _cleanup_state_ struct cs_state *state = state_new();

        memcpy(text, whole, len);
        text[len] = '\0';
        if (decode(text, state, &left_out) != CS_STATE_MALFORMED)
            fail_msg("cut after %zu bytes: taken", len);
    }
    for (size_t at = 0; at < sizeof(whole) - 1; at++) {
        for (unsigned int bit = 0; bit < 8; bit++) {
            _cleanup_state_ struct cs_state *state = state_new();

            memcpy(text, whole, sizeof(whole));
            text[at] = (char)(text[at] ^ (1u << bit));
            decode(text, state, &left_out);
        }
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_document_is_as_documented),
        TEST(what_is_written_can_be_read),
        TEST(names_that_are_no_text_do_no_harm),
        TEST(the_largest_state_fits),
        TEST(documents_are_judged),
        TEST(damage_is_seen_or_does_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
