/* SPDX-License-Identifier: Apache-2.0 */
#include "core/waiting/pending.h"

#include "base/util.h"
#include "core/waiting/pending_pack.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SECOND CS_NSEC_PER_SEC

struct left {
    size_t count;
    struct {
        uint32_t index;
        enum cs_pending_why why;
    } list[64];
};

static void note(void *user, const struct cs_exchange *exchange, const struct cs_verdict *verdict,
                 enum cs_pending_why why)
{
    struct left *left = user;

    assert_true(left->count < CS_ARRAY_SIZE(left->list));
    assert_int_equal(verdict->mechanism, CS_MECHANISM_IRSA);
    assert_int_equal(exchange->connection->id.cookie, 77);
    left->list[left->count].index = exchange->index;
    left->list[left->count++].why = why;
}

static struct cs_pending *new_pending(struct left *left, uint32_t count_max, uint32_t per_key,
                                      size_t bytes_max)
{
    const struct cs_pending_options options = {.count_max = count_max,
                                               .per_key_max = per_key,
                                               .bytes_max = bytes_max,
                                               .sink = note,
                                               .user = left};
    struct cs_pending *pending = NULL;

    memset(left, 0, sizeof(*left));
    assert_int_equal(cs_pending_new(&options, &pending), 0);
    return pending;
}

/* What is added is gone from the caller's memory: it must have been copied. */
static void add(struct cs_pending *pending, const char *key, uint32_t index, uint64_t now_ns)
{
    struct cs_connection connection = {.id.cookie = 77};
    struct cs_exchange exchange = {.connection = &connection, .index = index};
    struct cs_verdict verdict = {.mechanism = CS_MECHANISM_IRSA};

    cs_pending_add(pending, key, &exchange, &verdict, now_ns);
    memset(&connection, 'Z', sizeof(connection));
    memset(&exchange, 'Z', sizeof(exchange));
}

static void expect(const struct left *left, const char *name, const char *expected)
{
    char text[512] = "";

    for (size_t i = 0; i < left->count; i++)
        snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%u:%s", i ? " " : "",
                 left->list[i].index, cs_pending_why_name(left->list[i].why));
    if (strcmp(text, expected) != 0)
        fail_msg("%s: '%s', not '%s'", name, text, expected);
}

static void leaves_in_order_when_known(void **state)
{
    struct left left;
    _cleanup_pending_ struct cs_pending *pending = new_pending(&left, 0, 0, 0);
    struct cs_pending_stats stats;

    (void)state;
    add(pending, "a", 1, SECOND);
    add(pending, "b", 2, 2 * SECOND);
    add(pending, "a", 3, 3 * SECOND);
    assert_int_equal(cs_pending_known(pending, "c"), 0);
    expect(&left, "nobody's", "");
    assert_int_equal(cs_pending_known(pending, "a"), 2);
    expect(&left, "a", "1:known 3:known");
    assert_int_equal(cs_pending_known(pending, "a"), 0);
    cs_pending_flush(pending);
    expect(&left, "flush", "1:known 3:known 2:flush");
    cs_pending_stats(pending, &stats);
    assert_int_equal(stats.taken, 3);
    assert_int_equal(stats.left[CS_PENDING_KNOWN], 2);
    assert_int_equal(stats.waiting + stats.bytes, 0);
}

static void leaves_when_its_time_is_up(void **state)
{
    struct left left;
    _cleanup_pending_ struct cs_pending *pending = new_pending(&left, 0, 0, 0);

    (void)state;
    assert_int_equal(cs_pending_deadline(pending), UINT64_MAX);
    add(pending, "a", 1, SECOND);
    add(pending, "b", 2, 2 * SECOND);
    assert_int_equal(cs_pending_deadline(pending), 61 * SECOND);
    cs_pending_tick(pending, 61 * SECOND - 1);
    expect(&left, "early", "");
    cs_pending_tick(pending, 61 * SECOND);
    expect(&left, "late", "1:timeout");
    assert_int_equal(cs_pending_deadline(pending), 62 * SECOND);
    cs_pending_tick(pending, 600 * SECOND);
    expect(&left, "all", "1:timeout 2:timeout");
}

static void holds_its_bounds(void **state)
{
    struct left left;
    struct cs_pending_stats stats;
    struct cs_pending *pending = new_pending(&left, 3, 0, 0);

    (void)state;
    for (uint32_t i = 0; i < 5; i++)
        add(pending, "a", i, SECOND);
    expect(&left, "count", "0:full 1:full");
    cs_pending_free(&pending);

    pending = new_pending(&left, 0, 2, 0);
    add(pending, "other", 9, SECOND);
    for (uint32_t i = 0; i < 4; i++)
        add(pending, "flood", i, SECOND);
    expect(&left, "a key", "0:full 1:full");
    cs_pending_free(&pending);

    pending = new_pending(&left, 0, 0, 1);
    add(pending, "a", 7, SECOND);
    expect(&left, "no room at all", "7:full");
    cs_pending_free(&pending);

    pending = new_pending(&left, 0, 0, 4096);
    for (uint32_t i = 0; i < 40; i++)
        add(pending, "a", i, SECOND);
    cs_pending_stats(pending, &stats);
    assert_true(stats.bytes <= 4096 && stats.waiting > 5);
    assert_int_equal(stats.waiting + stats.left[CS_PENDING_FULL], 40);
    assert_int_equal(left.list[0].index, 0);
    cs_pending_free(&pending);
}

static void comes_out_as_it_went_in(void **state)
{
    struct cs_connection connection = {.id = {5, 6, 0}, .cgroup_id = 1 << 20, .dport = 443};
    struct cs_exchange exchange = {.connection = &connection, .start_ns = 1, .end_ns = ~0ull};
    struct cs_verdict verdict = {.mechanism = CS_MECHANISM_IRSA, .delivered = true};
    struct cs_pending_image image;
    uint8_t packed[CS_PENDING_PACKED_MAX];
    size_t len;

    (void)state;
    memset(exchange.path, 'p', sizeof(exchange.path) - 1);
    memset(connection.authority, 'a', sizeof(connection.authority) - 1);
    memset(exchange.user_agent, 'Z', sizeof(exchange.user_agent)); /* behind the end */
    strcpy(exchange.user_agent, "curl");
    memset(exchange.request_records.lengths, 0xff, sizeof(exchange.request_records.lengths));
    exchange.request_records.count = 2;
    len = cs_pending_pack(&exchange, &verdict, packed);
    cs_pending_unpack(packed, len, &image);
    assert_ptr_equal(image.exchange.connection, &image.connection);
    assert_string_equal(image.exchange.path, exchange.path);
    assert_string_equal(image.exchange.user_agent, "curl");
    assert_int_equal(image.exchange.user_agent[6], 0);
    assert_string_equal(image.connection.authority, connection.authority);
    assert_int_equal(image.connection.dport, 443);
    assert_int_equal(image.exchange.end_ns, ~0ull);
    assert_int_equal(image.exchange.request_records.lengths[1], 0xffff);
    assert_int_equal(image.exchange.request_records.lengths[2], 0);
    assert_true(image.verdict.delivered);
    assert_true(len < 1000);
}

/* Any bytes: the bounds hold and the fixed fields survive. */
static void packs_anything(void **state)
{
    (void)state;
    srand(1);
    for (int round = 0; round < 2000; round++) {
        struct cs_connection connection;
        struct cs_exchange exchange;
        struct cs_verdict verdict = {0};
        struct cs_pending_image image;
        uint8_t packed[CS_PENDING_PACKED_MAX];
        int zeros = rand() % 8;

        for (size_t i = 0; i < sizeof(connection); i++)
            ((uint8_t *)&connection)[i] = rand() % 8 < zeros ? 0 : (uint8_t)(1 + rand() % 255);
        for (size_t i = 0; i < sizeof(exchange); i++)
            ((uint8_t *)&exchange)[i] = rand() % 8 < zeros ? 0 : (uint8_t)(1 + rand() % 255);
        memset(&connection.kernel_thread, 1, sizeof(connection.kernel_thread));
        memset(&connection.tls_resumed, 0, sizeof(connection.tls_resumed));
        memset(&exchange.observed, 1, sizeof(exchange.observed));
        memset(&exchange.connect_failed, 0, sizeof(exchange.connect_failed));
        memset(&exchange.multiplexed, 1, sizeof(exchange.multiplexed));
        exchange.connection = &connection;
        cs_pending_unpack(packed, cs_pending_pack(&exchange, &verdict, packed), &image);
        assert_memory_equal(image.connection.daddr, connection.daddr, sizeof(connection.daddr));
        assert_int_equal(image.connection.intercept_cgroup_id, connection.intercept_cgroup_id);
        assert_int_equal(image.exchange.start_ns, exchange.start_ns);
        assert_int_equal(image.exchange.response_records.bytes, exchange.response_records.bytes);
        assert_memory_equal(image.exchange.method, exchange.method,
                            strnlen(exchange.method, sizeof(exchange.method) - 1));
    }
}

/* The usual request: how much it costs to wait. */
static void is_small(void **state)
{
    struct cs_connection connection = {.id = {1234567, 1, 0},
                                       .cgroup_id = 54321,
                                       .tgid = 4711,
                                       .comm = "python3",
                                       .kind = 1,
                                       .family = 4,
                                       .dport = 80,
                                       .sport = 40000,
                                       .connect_ns = 123456789012345,
                                       .established_ns = 123456789112345};
    struct cs_exchange exchange = {.connection = &connection,
                                   .start_ns = 123456789212345,
                                   .answer_ns = 123456789312345,
                                   .end_ns = 123456789412345,
                                   .status = 200,
                                   .method = "GET",
                                   .path = "/v1/credentials",
                                   .user_agent = "python-urllib3/2.8.0"};
    struct cs_verdict verdict = {.mechanism = CS_MECHANISM_EKS_POD_IDENTITY};
    uint8_t packed[CS_PENDING_PACKED_MAX];
    size_t len = cs_pending_pack(&exchange, &verdict, packed);

    (void)state;
    print_message("%zu bytes of %zu\n", len, sizeof(struct cs_pending_image));
    assert_true(len < 300);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(leaves_in_order_when_known),
        cmocka_unit_test(leaves_when_its_time_is_up),
        cmocka_unit_test(holds_its_bounds),
        cmocka_unit_test(comes_out_as_it_went_in),
        cmocka_unit_test(packs_anything),
        cmocka_unit_test(is_small),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
