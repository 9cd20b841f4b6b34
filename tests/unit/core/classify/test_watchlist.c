// SPDX-License-Identifier: Apache-2.0
#include "core/classify/watchlist.h"

#include "base/util.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct cs_watchlist list;

static int setup(void **state)
{
    (void)state;
    cs_watchlist_init(&list);
    return 0;
}

static const uint8_t agent4[16] = {[10] = 0xff, [11] = 0xff, 169, 254, 170, 23};
static const uint8_t agent6[16] = {0xfd, 0, 0x0e, 0xc2, [14] = 0, [15] = 0x23};
static const uint8_t imds4[16] = {[10] = 0xff, [11] = 0xff, 169, 254, 169, 254};
static const uint8_t imds6[16] = {0xfd, 0, 0x0e, 0xc2, [14] = 0x02, [15] = 0x54};

static void builtin_addresses_are_watched(void **state)
{
    (void)state;
    const struct {
        const uint8_t *addr;
        enum cs_endpoint endpoint;
    } cases[] = {
        {agent4, CS_ENDPOINT_POD_IDENTITY_AGENT},
        {agent6, CS_ENDPOINT_POD_IDENTITY_AGENT},
        {imds4, CS_ENDPOINT_IMDS},
        {imds6, CS_ENDPOINT_IMDS},
    };

    for (size_t i = 0; i < CS_ARRAY_SIZE(cases); i++) {
        const struct cs_watch_address *entry = cs_watchlist_address(&list, cases[i].addr, 80);

        assert_non_null(entry);
        assert_int_equal(entry->kind, CS_WATCH_PLAIN);
        assert_int_equal(entry->endpoint, cases[i].endpoint);
        assert_int_equal(entry->key.pad, 0);
        assert_null(cs_watchlist_address(&list, cases[i].addr, 81));
    }
}

static void addresses_of_flags(void **state)
{
    (void)state;
    const struct {
        const char *text;
        enum cs_watch_kind kind;
        int want;
        uint16_t port;
        uint8_t last; /* byte of the address */
    } cases[] = {
        {"10.0.0.1", CS_WATCH_PLAIN, 0, 80, 1},
        {"10.0.0.1:8080", CS_WATCH_PLAIN, 0, 8080, 1},
        {"10.0.0.2:3128", CS_WATCH_PROXY, 0, 3128, 2},
        {"fd00::5", CS_WATCH_PLAIN, 0, 80, 5},
        {"[fd00::6]", CS_WATCH_PLAIN, 0, 80, 6},
        {"[fd00::7]:8443", CS_WATCH_PROXY, 0, 8443, 7},
        {"::ffff:10.0.0.9", CS_WATCH_PLAIN, 0, 80, 9},
        {"169.254.169.254", CS_WATCH_PLAIN, 0, 80, 254},
        {"169.254.169.254:80", CS_WATCH_PROXY, -EEXIST, 0, 0},
        {"10.0.0.2", CS_WATCH_PROXY, -EINVAL, 0, 0},
        {"", CS_WATCH_PLAIN, -EINVAL, 0, 0},
        {":80", CS_WATCH_PLAIN, -EINVAL, 0, 0},
        {"10.0.0.1:", CS_WATCH_PLAIN, -EINVAL, 0, 0},
        {"10.0.0.1:0", CS_WATCH_PLAIN, -EINVAL, 0, 0},
        {"10.0.0.1:65536", CS_WATCH_PLAIN, -EINVAL, 0, 0},
        {"10.0.0.1:80x", CS_WATCH_PLAIN, -EINVAL, 0, 0},
        {"10.0.0.256", CS_WATCH_PLAIN, -EINVAL, 0, 0},
        {"[10.0.0.1]:80", CS_WATCH_PLAIN, -EINVAL, 0, 0},
        {"[fd00::1", CS_WATCH_PLAIN, -EINVAL, 0, 0},
        {"[fd00::1]x80", CS_WATCH_PLAIN, -EINVAL, 0, 0},
        {"imds.example.com", CS_WATCH_PLAIN, -EINVAL, 0, 0},
        {"0.0.0.0", CS_WATCH_PLAIN, -EINVAL, 0, 0},
        {"::", CS_WATCH_PLAIN, -EINVAL, 0, 0},
        {"224.0.0.1", CS_WATCH_PLAIN, -EINVAL, 0, 0},
        {"ff02::1", CS_WATCH_PLAIN, -EINVAL, 0, 0},
        {"10.0.0.1", CS_WATCH_TLS, -EINVAL, 0, 0},
    };

    for (size_t i = 0; i < CS_ARRAY_SIZE(cases); i++) {
        size_t before = list.address_count;
        const struct cs_watch_address *last;

        if (cs_watchlist_add_address(&list, cases[i].text, cases[i].kind) != cases[i].want)
            fail_msg("%s", cases[i].text);
        if (cases[i].want) {
            assert_int_equal(list.address_count, before);
            continue;
        }
        last = &list.addresses[list.address_count - 1];
        if (strncmp(cases[i].text, "169.254.169.254", 15) == 0) {
            assert_int_equal(list.address_count, before); /* there already */
            continue;
        }
        assert_int_equal(list.address_count, before + 1);
        assert_int_equal(last->key.port, cases[i].port);
        assert_int_equal(last->key.addr[15], cases[i].last);
        assert_int_equal(last->kind, cases[i].kind);
    }
}

static void address_bounds(void **state)
{
    (void)state;
    uint16_t ports[CS_PLAIN_PORTS_MAX];
    char text[32];
    int err = 0, added = 0;

    for (int port = 8001; port < 8001 + CS_PLAIN_PORTS_MAX - 1; port++) {
        snprintf(text, sizeof(text), "10.0.0.1:%d", port);
        assert_int_equal(cs_watchlist_add_address(&list, text, CS_WATCH_PLAIN), 0);
    }
    assert_int_equal(cs_watchlist_add_address(&list, "10.0.0.1:9000", CS_WATCH_PLAIN), -ENOSPC);
    assert_int_equal(cs_watchlist_plain_ports(&list, ports), CS_PLAIN_PORTS_MAX);
    assert_int_equal(ports[0], 80);
    assert_int_equal(ports[1], 8001);
    for (; err == 0 && added < 100; added++) {
        snprintf(text, sizeof(text), "10.0.1.%d", added);
        err = cs_watchlist_add_address(&list, text, CS_WATCH_PLAIN);
    }
    assert_int_equal(err, -ENOSPC);
    assert_int_equal(list.address_count, CS_WATCHED_ADDRESSES_MAX);
}

static void tls_ports(void **state)
{
    (void)state;
    assert_int_equal(list.tls_ports[0], 443);
    assert_int_equal(cs_watchlist_add_tls_port(&list, 443), 0);
    assert_int_equal(list.tls_port_count, 1);
    assert_int_equal(cs_watchlist_add_tls_port(&list, 0), -EINVAL);
    for (uint16_t i = 1; i < CS_TLS_PORTS_MAX; i++)
        assert_int_equal(cs_watchlist_add_tls_port(&list, (uint16_t)(8443 + i)), 0);
    assert_int_equal(cs_watchlist_add_tls_port(&list, 9999), -ENOSPC);
}

static void suffixes_of_flags(void **state)
{
    (void)state;
    const struct {
        const char *text, *name;
        int want;
    } cases[] = {
        {"sts.corp.example", "sts.corp.example", 0},
        {".Corp.Example", "corp.example", 0},
        {"*.wild.example.", "wild.example", 0},
        {"under_score.example", "under_score.example", 0},
        {"a-b.example", "a-b.example", 0},
        {"", NULL, -EINVAL},
        {".", NULL, -EINVAL},
        {"a..b", NULL, -EINVAL},
        {"..a", NULL, -EINVAL},
        {"-a.example", NULL, -EINVAL},
        {"a-.example", NULL, -EINVAL},
        {"a.example-", NULL, -EINVAL},
        {"https://a.example", NULL, -EINVAL},
        {"a.example:443", NULL, -EINVAL},
        {"a b", NULL, -EINVAL},
        {"*", NULL, -EINVAL},
        {"amazonaws.com", NULL, -EEXIST}, /* would turn every AWS service into STS */
        {"login.microsoftonline.com", NULL, -EEXIST},
    };

    for (size_t i = 0; i < CS_ARRAY_SIZE(cases); i++) {
        size_t before = list.suffix_count;
        const struct cs_watch_suffix *last;

        if (cs_watchlist_add_suffix(&list, cases[i].text, CS_ENDPOINT_STS) != cases[i].want)
            fail_msg("%s", cases[i].text);
        assert_int_equal(list.suffix_count, before + (cases[i].want == 0));
        last = &list.suffixes[list.suffix_count - 1];
        if (cases[i].name)
            assert_string_equal(last->name, cases[i].name);
    }
    assert_int_equal(cs_watchlist_add_suffix(&list, "sts.corp.example", CS_ENDPOINT_STS), 0);
    assert_int_equal(cs_watchlist_add_suffix(&list, "sts.corp.example", CS_ENDPOINT_ENTRA),
                     -EEXIST);
}

static void suffix_lengths(void **state)
{
    (void)state;
    char name[300];

    memset(name, 'a', sizeof(name));
    name[63] = '.';
    name[64 + 63] = '.';
    name[128 + 63] = '.';
    name[253] = '\0'; /* 63.63.63.61 */
    assert_int_equal(cs_watchlist_add_suffix(&list, name, CS_ENDPOINT_STS), 0);
    name[253] = 'a';
    name[254] = '\0';
    assert_int_equal(cs_watchlist_add_suffix(&list, name, CS_ENDPOINT_STS), -EINVAL);
    name[64] = '\0';
    name[63] = 'a';
    assert_int_equal(cs_watchlist_add_suffix(&list, name, CS_ENDPOINT_STS), -EINVAL);
}

static void suffix_keys_end_at_a_label(void **state)
{
    (void)state;
    struct cs_suffix_key key;

    cs_watch_suffix_key(&list.suffixes[0], &key);
    assert_string_equal(list.suffixes[0].name, "amazonaws.com");
    assert_int_equal(key.prefixlen, 14 * 8);
    assert_memory_equal(key.reversed, "moc.swanozama.", 15); /* its NUL too */
}

static void suffix_lookup_takes_the_longest(void **state)
{
    (void)state;
    const struct {
        const char *name, *suffix;
        size_t left;
    } cases[] = {
        {"sts.us-east-1.amazonaws.com", "amazonaws.com", 13},
        {"sts.cn-north-1.amazonaws.com.cn", "amazonaws.com.cn", 14},
        {"sts.cn-north-1.api.amazonwebservices.com.cn", "api.amazonwebservices.com.cn", 14},
        {"amazonaws.com", "amazonaws.com", 0},
        {"notamazonaws.com", NULL, 0},
        {"amazonaws.com.evil.example", NULL, 0},
        {"com", NULL, 0},
        {"", NULL, 0},
    };

    for (size_t i = 0; i < CS_ARRAY_SIZE(cases); i++) {
        size_t left = 0;
        const struct cs_watch_suffix *found = cs_watchlist_suffix(&list, cases[i].name, &left);

        if (!cases[i].suffix) {
            assert_null(found);
            continue;
        }
        assert_non_null(found);
        assert_string_equal(found->name, cases[i].suffix);
        assert_int_equal(left, cases[i].left);
    }
}

static void tokens_of_flags(void **state)
{
    (void)state;
    const struct {
        const char *text, *path;
        int want;
    } cases[] = {
        {"/var/run/secrets/corp/token=irsa", "/run/secrets/corp/token", 0},
        {"/run/secrets/corp/other=eks-pod-identity", "/run/secrets/corp/other", 0},
        {"/tokens/azure=azure-workload-identity", "/tokens/azure", 0},
        {"my-token=irsa", "/my-token", 0},
        {"dir/my-token=irsa", "/dir/my-token", 0},
        {"/a=b/token=irsa", "/a=b/token", 0},
        {"/azure-identity-token=irsa", NULL, -EEXIST},
        {"/x/token", NULL, -EINVAL},
        {"/x/token=", NULL, -EINVAL},
        {"/x/token=sts", NULL, -EINVAL}, /* has no token file */
        {"/x/token=IRSA", NULL, -EINVAL},
        {"=irsa", NULL, -EINVAL},
        {"/=irsa", NULL, -EINVAL},
        {"/x/=irsa", NULL, -EINVAL},
        {"//x=irsa", NULL, -EINVAL},
        {"/x/../token=irsa", NULL, -EINVAL},
        {"/x/..data/token=irsa", NULL, -EINVAL},
        {"/./token=irsa", NULL, -EINVAL},
        {"/1/2/3/4/5/6/7/8=irsa", "/1/2/3/4/5/6/7/8", 0},
        {"/1/2/3/4/5/6/7/8/9=irsa", NULL, -EINVAL},
    };

    for (size_t i = 0; i < CS_ARRAY_SIZE(cases); i++) {
        size_t before = list.token_count;

        if (cs_watchlist_add_token(&list, cases[i].text) != cases[i].want)
            fail_msg("%s", cases[i].text);
        assert_int_equal(list.token_count, before + (cases[i].want == 0));
        if (cases[i].path)
            assert_string_equal(list.tokens[list.token_count - 1].path, cases[i].path);
    }
    assert_int_equal(cs_watchlist_add_token(&list, "my-token=irsa"), 0);
}

static void token_bounds(void **state)
{
    (void)state;
    char text[256];
    int err = 0;

    snprintf(text, sizeof(text), "/%063d=irsa", 0);
    assert_int_equal(cs_watchlist_add_token(&list, text), 0);
    snprintf(text, sizeof(text), "/%064d=irsa", 0);
    assert_int_equal(cs_watchlist_add_token(&list, text), -EINVAL);
    snprintf(text, sizeof(text), "/%063d/%062d=irsa", 0, 0); /* 127 bytes */
    assert_int_equal(cs_watchlist_add_token(&list, text), 0);
    snprintf(text, sizeof(text), "/%063d/%063d=irsa", 0, 0);
    assert_int_equal(cs_watchlist_add_token(&list, text), -EINVAL);
    for (int i = 0; err == 0 && i < 100; i++) {
        snprintf(text, sizeof(text), "/token-%d=irsa", i);
        err = cs_watchlist_add_token(&list, text);
    }
    assert_int_equal(err, -ENOSPC);
    assert_int_equal(list.token_count, CS_TOKEN_PATHS_MAX);
}

static void token_encoding(void **state)
{
    (void)state;
    struct cs_token_filter filter;
    struct cs_token_path path;

    cs_watch_token_path(&list.tokens[0], &path);
    assert_int_equal(list.tokens[0].mechanism, CS_MECHANISM_IRSA);
    assert_int_equal(path.len, strlen("/eks.amazonaws.com/serviceaccount/token"));
    assert_memory_equal(path.text, "/eks.amazonaws.com/serviceaccount/token", path.len + 1u);
    assert_int_equal(cs_watchlist_add_token(&list, "/x/y/12345=irsa"), 0);
    cs_watchlist_token_filter(&list, &filter);
    assert_int_equal(filter.by_length[5], 1u << 0 | 1u << 3);
    assert_int_equal(filter.by_length[strlen("eks-pod-identity-token")], 1u << 1);
    assert_int_equal(filter.by_length[strlen("azure-identity-token")], 1u << 2);
    assert_int_equal(filter.by_length[6], 0);
    assert_memory_equal(&filter.heads[0], "token\0\0\0", 8);
    assert_memory_equal(&filter.heads[1], "eks-pod-", 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(builtin_addresses_are_watched, setup),
        cmocka_unit_test_setup(addresses_of_flags, setup),
        cmocka_unit_test_setup(address_bounds, setup),
        cmocka_unit_test_setup(tls_ports, setup),
        cmocka_unit_test_setup(suffixes_of_flags, setup),
        cmocka_unit_test_setup(suffix_lengths, setup),
        cmocka_unit_test_setup(suffix_keys_end_at_a_label, setup),
        cmocka_unit_test_setup(suffix_lookup_takes_the_longest, setup),
        cmocka_unit_test_setup(tokens_of_flags, setup),
        cmocka_unit_test_setup(token_bounds, setup),
        cmocka_unit_test_setup(token_encoding, setup),
    };

    return cmocka_run_group_tests_name("watchlist", tests, NULL, NULL);
}
