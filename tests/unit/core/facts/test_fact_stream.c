// SPDX-License-Identifier: Apache-2.0
#include "core/facts/fact_stream.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define OFFSET INT64_C(-123456789012)

static size_t append(unsigned char *to, size_t at, unsigned int size, unsigned char fill)
{
    struct cs_fact_header header = {.type = CS_FACT_CLOSE, .size = (__u16)size};

    memset(to + at, fill, size);
    memcpy(to + at, &header, sizeof(header));
    memset(to + at + size, 0, cs_fact_stream_padding(size));
    return at + size + cs_fact_stream_padding(size);
}

static void test_round_trip(void **state)
{
    static const unsigned int sizes[] = {32, 33, 39, 40, 41, 1000};
    _Alignas(8) unsigned char file[2048];
    struct cs_fact_stream stream;
    size_t size = sizeof(struct cs_fact_stream_header), fact_size;
    const void *fact;

    (void)state;
    cs_fact_stream_begin((void *)file, OFFSET);
    for (size_t i = 0; i < 6; i++)
        size = append(file, size, sizes[i], (unsigned char)i);
    assert_int_equal(size % 8, 0);
    assert_int_equal(cs_fact_stream_open(&stream, file, size), 0);
    assert_true(stream.wall_offset_ns == OFFSET);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(cs_fact_stream_next(&stream, &fact, &fact_size), 1);
        assert_int_equal(fact_size, sizes[i]);
        if (sizes[i] > 32)
            assert_int_equal(((const unsigned char *)fact)[sizes[i] - 1], i);
    }
    assert_int_equal(cs_fact_stream_next(&stream, &fact, &fact_size), 0);
}

/* A recorder that was killed leaves half a fact: what is whole is read, the rest is told once. */
static void test_cut(void **state)
{
    _Alignas(8) unsigned char file[512];
    struct cs_fact_stream stream;
    size_t start = sizeof(struct cs_fact_stream_header), size, fact_size;
    const void *fact;

    (void)state;
    cs_fact_stream_begin((void *)file, 0);
    size = append(file, append(file, start, 56, 1), 61, 2);
    for (size_t cut = start; cut <= size; cut++) {
        assert_int_equal(cs_fact_stream_open(&stream, file, cut), 0);
        if (cut >= start + 56)
            assert_int_equal(cs_fact_stream_next(&stream, &fact, &fact_size), 1);
        if (cut >= start + 56 + 61)
            assert_int_equal(cs_fact_stream_next(&stream, &fact, &fact_size), 1);
        else if (cut != start && cut != start + 56)
            assert_int_equal(cs_fact_stream_next(&stream, &fact, &fact_size), -EBADMSG);
        assert_int_equal(cs_fact_stream_next(&stream, &fact, &fact_size), 0);
    }
}

static void test_refused(void **state)
{
    struct cs_fact_stream_header header;
    struct cs_fact_stream stream;
    struct {
        struct cs_fact_stream_header header;
        struct cs_fact_header fact;
    } bad;
    const void *fact;
    size_t size;

    (void)state;
    cs_fact_stream_begin(&header, 0);
    assert_int_equal(cs_fact_stream_open(&stream, &header, sizeof(header) - 1), -EBADMSG);
    header.magic[0] = 'x';
    assert_int_equal(cs_fact_stream_open(&stream, &header, sizeof(header)), -EBADMSG);
    cs_fact_stream_begin(&header, 0);
    header.header_size = 0x18000000; /* the other byte order */
    assert_int_equal(cs_fact_stream_open(&stream, &header, sizeof(header)), -EBADMSG);
    cs_fact_stream_begin(&header, 0);
    header.abi_version++;
    assert_int_equal(cs_fact_stream_open(&stream, &header, sizeof(header)), -EPROTO);

    memset(&bad, 0, sizeof(bad)); /* a fact of size 0 would be read for ever */
    cs_fact_stream_begin(&bad.header, 0);
    assert_int_equal(cs_fact_stream_open(&stream, &bad, sizeof(bad)), 0);
    assert_int_equal(cs_fact_stream_next(&stream, &fact, &size), -EBADMSG);
    assert_int_equal(cs_fact_stream_next(&stream, &fact, &size), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
