// SPDX-License-Identifier: Apache-2.0
/* Decoding refuses what the ABI forbids, for the reason meant, and reads nothing beyond. */
#include "core/facts/fact.h"

#include "base/util.h"

#include <assert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BUFFER 2048

/* Of each type: the fixed part's size, where the text's length stands (0: none), and a member
 * that must not be 0, with a value for it. */
#define SHAPE(structure, length, member, value)                                                   \
    {                                                                                             \
        sizeof(struct cs_fact_##structure), length, offsetof(struct cs_fact_##structure, member), \
            value                                                                                 \
    }
#define LENGTH(structure, member) offsetof(struct cs_fact_##structure, member)

static const struct {
    size_t fixed, length_at, value_at;
    unsigned char value;
} shapes[] = {
    [CS_FACT_CONNECT] = SHAPE(connect, 0, kind, CS_WATCH_PLAIN),
    [CS_FACT_ESTABLISHED] = SHAPE(established, 0, sport, 1),
    [CS_FACT_CONNECT_FAILED] = SHAPE(connect_failed, 0, reason, CS_CONNECT_REFUSED),
    [CS_FACT_REQUEST] = SHAPE(request, LENGTH(request, line_len), head_length, 1),
    [CS_FACT_RESPONSE] = SHAPE(response, LENGTH(response, server_len), status, 200),
    [CS_FACT_TUNNEL] = SHAPE(tunnel, LENGTH(tunnel, authority_len), first_byte_ns, 1),
    [CS_FACT_CLIENT_HELLO] = SHAPE(client_hello, LENGTH(client_hello, sni_len), hello_length, 1),
    [CS_FACT_SERVER_HELLO] = SHAPE(server_hello, 0, version, 3),
    [CS_FACT_TLS_RECORD] = SHAPE(tls_record, 0, content, 23),
    [CS_FACT_INTERCEPTED] = SHAPE(intercepted, 0, place, CS_INTERCEPT_NODE),
    [CS_FACT_GAP] = SHAPE(gap, 0, reason, CS_GAP_HOLE),
    [CS_FACT_CLOSE] = SHAPE(close, 0, reason, CS_CLOSE_LOCAL),
    [CS_FACT_TOKEN_OPEN] = SHAPE(token_open, 0, tgid, 1),
    [CS_FACT_CGROUP_CREATED] = SHAPE(cgroup, LENGTH(cgroup, path_len), level, 1),
    [CS_FACT_CGROUP_REMOVED] = SHAPE(cgroup, LENGTH(cgroup, path_len), level, 1),
};
static_assert(CS_ARRAY_SIZE(shapes) == CS_FACT_TYPE_END, "a shape for every type");

/* A valid fact of any type, with `text` as its variable part; a request's second half of it is the
 * User-Agent. Returns its size. */
static size_t make(unsigned char *bytes, unsigned int type, const char *text)
{
    struct cs_fact_header header = {.type = (__u16)type, .cookie = 1};
    __u16 len = shapes[type].length_at ? (__u16)strlen(text) : 0;
    __u16 first = type == CS_FACT_REQUEST ? len / 2 : len;

    memset(bytes, 0, BUFFER);
    header.size = (__u16)(shapes[type].fixed + len);
    memcpy(bytes, &header, sizeof(header));
    bytes[shapes[type].value_at] = shapes[type].value;
    if (type == CS_FACT_CONNECT)
        bytes[offsetof(struct cs_fact_connect, family)] = 4;
    if (type == CS_FACT_REQUEST)
        bytes[offsetof(struct cs_fact_request, user_agent_len)] = (unsigned char)(len - first);
    if (shapes[type].length_at)
        memcpy(bytes + shapes[type].length_at, &first, sizeof(first));
    memcpy(bytes + shapes[type].fixed, text, len);
    return header.size;
}

/* Decoded from a block of exactly that size, so that a sanitizer sees any byte too many. */
static enum cs_fact_error decode(const unsigned char *bytes, size_t size, struct cs_fact *fact)
{
    unsigned char *exact = malloc(size ? size : 1);
    enum cs_fact_error error;

    assert_non_null(exact);
    memcpy(exact, bytes, size);
    error = cs_fact_decode(exact, size, fact);
    free(exact);
    return error;
}

static void test_every_type(void **state)
{
    unsigned char bytes[BUFFER];
    struct cs_fact fact;

    (void)state;
    for (unsigned int type = 1; type < CS_FACT_TYPE_END; type++) {
        size_t size = make(bytes, type, "/abc");
        struct cs_fact_header *header = (void *)bytes;

        assert_int_equal(decode(bytes, size, &fact), CS_FACT_OK);
        assert_int_equal(fact.header.type, type);
        for (size_t cut = 0; cut < size; cut++)
            assert_int_equal(decode(bytes, cut, &fact), CS_FACT_ERROR_SHORT);
        /* What the ring has behind it is not looked at; up to 7 bytes are padding. */
        memset(bytes + size, 0xff, 16);
        assert_int_equal(decode(bytes, size + 16, &fact), CS_FACT_OK);
        header->size = (__u16)(size + 7);
        assert_int_equal(decode(bytes, size + 7, &fact), CS_FACT_OK);
        header->size = (__u16)(size + 8);
        assert_int_equal(decode(bytes, size + 8, &fact), CS_FACT_ERROR_SIZE);
        for (header->size = sizeof(*header); header->size < size; header->size++)
            assert_int_equal(decode(bytes, size, &fact), CS_FACT_ERROR_SIZE);
    }
}

struct field {
    const char *name;
    unsigned int type;
    size_t offset;
    unsigned int bytes;
    uint64_t value;
    enum cs_fact_error error;
};

#define AT(TYPE, structure, member, value, error)                                     \
    {                                                                                 \
#TYPE "." #member " = " #value, CS_FACT_##TYPE,                               \
            offsetof(struct cs_fact_##structure, member),                             \
            sizeof(((struct cs_fact_##structure *)0)->member), value, CS_FACT_##error \
    }

static const struct field fields[] = {
    AT(CLOSE, header, type, 0, ERROR_TYPE),
    AT(CLOSE, header, type, CS_FACT_TYPE_END, ERROR_TYPE),
    AT(CLOSE, header, type, 65535, ERROR_TYPE),
    AT(CLOSE, header, size, 31, ERROR_SIZE),
    AT(CLOSE, header, size, 65535, ERROR_SHORT),
    AT(CLOSE, header, cookie, 0, ERROR_SOCKET),
    AT(TOKEN_OPEN, header, cookie, 0, OK),
    AT(CONNECT, connect, family, 0, ERROR_VALUE),
    AT(CONNECT, connect, family, 5, ERROR_VALUE),
    AT(CONNECT, connect, family, 6, OK),
    AT(CONNECT, connect, kind, 0, ERROR_VALUE),
    AT(CONNECT, connect, kind, 3, OK),
    AT(CONNECT, connect, kind, 4, ERROR_VALUE),
    AT(CONNECT_FAILED, connect_failed, reason, 0, ERROR_VALUE),
    AT(CONNECT_FAILED, connect_failed, reason, 4, OK),
    AT(CONNECT_FAILED, connect_failed, reason, 5, ERROR_VALUE),
    AT(REQUEST, request, line_len, CS_REQUEST_LINE_MAX + 1, ERROR_LENGTH),
    AT(REQUEST, request, line_len, CS_REQUEST_LINE_MAX, ERROR_SIZE),
    AT(REQUEST, request, user_agent_len, CS_USER_AGENT_MAX + 1, ERROR_LENGTH),
    AT(REQUEST, request, user_agent_len, 0, OK), /* the text is padding then */
    AT(RESPONSE, response, status, 99, ERROR_VALUE),
    AT(RESPONSE, response, status, 100, OK),
    AT(RESPONSE, response, status, 999, OK),
    AT(RESPONSE, response, status, 1000, ERROR_VALUE),
    AT(RESPONSE, response, server_len, CS_SERVER_MAX + 1, ERROR_LENGTH),
    AT(TUNNEL, tunnel, authority_len, CS_HOST_NAME_MAX + 1, ERROR_LENGTH),
    AT(CLIENT_HELLO, client_hello, sni_len, CS_HOST_NAME_MAX + 1, ERROR_LENGTH),
    AT(CLIENT_HELLO, client_hello, sni_len, 5, ERROR_SIZE),
    AT(TLS_RECORD, tls_record, direction, 2, ERROR_VALUE),
    AT(TLS_RECORD, tls_record, content, 19, ERROR_VALUE),
    AT(TLS_RECORD, tls_record, content, 25, ERROR_VALUE),
    AT(TLS_RECORD, tls_record, length, 16640, OK),
    AT(TLS_RECORD, tls_record, length, 16641, ERROR_VALUE),
    AT(INTERCEPTED, intercepted, place, 0, ERROR_VALUE),
    AT(INTERCEPTED, intercepted, place, 3, ERROR_VALUE),
    AT(GAP, gap, direction, 2, ERROR_VALUE),
    AT(GAP, gap, reason, 0, ERROR_VALUE),
    AT(GAP, gap, reason, 7, ERROR_VALUE),
    AT(CLOSE, close, reason, 0, ERROR_VALUE),
    AT(CLOSE, close, reason, 7, ERROR_VALUE),
    AT(TOKEN_OPEN, token_open, token, CS_TOKEN_PATHS_MAX, ERROR_VALUE),
    AT(CGROUP_CREATED, cgroup, path_len, CS_CGROUP_PATH_MAX + 1, ERROR_LENGTH),
    AT(CGROUP_CREATED, cgroup, path_len, 0, ERROR_VALUE),
    AT(CGROUP_REMOVED, cgroup, text[0], 'x', ERROR_VALUE),
    AT(CLOSE, close, pad, 0xffffff, OK),
    AT(CONNECT, header, pad, 0xffffffff, OK),
};

static void test_fields(void **state)
{
    unsigned char bytes[BUFFER];
    struct cs_fact fact;

    (void)state;
    for (size_t i = 0; i < CS_ARRAY_SIZE(fields); i++) {
        size_t size = make(bytes, fields[i].type, "/abc");
        enum cs_fact_error error;

        memcpy(bytes + fields[i].offset, &fields[i].value, fields[i].bytes);
        error = decode(bytes, size, &fact);
        if (error != fields[i].error)
            fail_msg("%s: want %s, got %s", fields[i].name, cs_fact_error_name(fields[i].error),
                     cs_fact_error_name(error));
    }
}

static void test_text(void **state)
{
    unsigned char bytes[BUFFER];
    struct cs_fact fact;
    char comm[CS_COMM_LEN + 1];

    (void)state;
    assert_int_equal(
        decode(bytes, make(bytes, CS_FACT_REQUEST, "GE\t\x01\x80\xffUA\n\x7f~ "), &fact),
        CS_FACT_OK);
    assert_string_equal(fact.text, "GE????");
    assert_string_equal(cs_fact_user_agent(&fact), "UA??~ ");
    assert_int_equal(decode(bytes, make(bytes, CS_FACT_CGROUP_CREATED, "/a\xc3\xa4\n\xff"), &fact),
                     CS_FACT_OK);
    assert_string_equal(fact.text, "/a\xc3\xa4?\xff");
    assert_int_equal(decode(bytes, make(bytes, CS_FACT_REQUEST, ""), &fact), CS_FACT_OK);
    assert_string_equal(fact.text, "");
    assert_string_equal(cs_fact_user_agent(&fact), "");

    cs_fact_comm_copy(comm, (const __u8 *)"0123456789abcdef");
    assert_string_equal(comm, "0123456789abcdef");
    cs_fact_comm_copy(comm, (const __u8 *)"a\nb\0cdefghijklmn");
    assert_string_equal(comm, "a?b");
}

static void test_longest(void **state)
{
    unsigned char bytes[BUFFER];
    char text[CS_CGROUP_PATH_MAX + 1];
    struct cs_fact fact;

    (void)state;
    memset(text, 'x', sizeof(text));
    text[0] = '/';
    text[CS_CGROUP_PATH_MAX] = '\0';
    assert_int_equal(decode(bytes, make(bytes, CS_FACT_CGROUP_CREATED, text), &fact), CS_FACT_OK);
    assert_string_equal(fact.text, text);
}

static void test_names(void **state)
{
    (void)state;
    for (unsigned int i = 0; i < CS_FACT_ERROR_END; i++)
        assert_true(cs_fact_error_name(i)[0]);
    assert_string_equal(cs_fact_type_name(CS_FACT_TLS_RECORD), "tls_record");
    assert_string_equal(cs_fact_type_name(CS_FACT_TYPE_END), "invalid");
    assert_string_equal(cs_fact_type_name(0), "invalid");
    assert_true(cs_fact_is_of_socket(CS_FACT_CLOSE));
    assert_false(cs_fact_is_of_socket(CS_FACT_TOKEN_OPEN));
    assert_false(cs_fact_is_of_socket(CS_FACT_TYPE_END));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_type), cmocka_unit_test(test_fields),
        cmocka_unit_test(test_text),       cmocka_unit_test(test_longest),
        cmocka_unit_test(test_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
