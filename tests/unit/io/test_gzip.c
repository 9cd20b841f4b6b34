/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cleanup.h"
#include "base/util.h"
#include "io/gzip.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

#define SIZE_MAX_TESTED (600u << 10)

/* Bytes of a given kind: 0 zeros, 1 text, 2 noise. */
static void fill(char *to, size_t size, int kind)
{
    uint32_t state = 1;

    for (size_t i = 0; i < size; i++) {
        state = state * 1664525 + 1013904223;
        to[i] = (char)(kind == 0 ? 0 : kind == 1 ? 'a' + (state >> 28) : state >> 24);
    }
}

static void what_comes_out_is_what_went_in(void **unused)
{
    static const size_t sizes[] = {0, 1, 65535, 65536, 65537, 131072, SIZE_MAX_TESTED};
    static const size_t pieces[] = {1, 7, 4096, 32768, 1u << 20};
    _cleanup_free_ char *input = malloc(SIZE_MAX_TESTED);
    _cleanup_free_ char *packed = malloc(4 * SIZE_MAX_TESTED);
    _cleanup_free_ char *output = malloc(SIZE_MAX_TESTED + 1);

    (void)unused;
    for (size_t i = 0; i < 3 * CS_ARRAY_SIZE(sizes) * CS_ARRAY_SIZE(pieces); i++) {
        size_t size = sizes[i % CS_ARRAY_SIZE(sizes)];
        size_t piece = pieces[i / CS_ARRAY_SIZE(sizes) % CS_ARRAY_SIZE(pieces)];
        z_stream stream = {0};
        struct cs_buffer buffer;
        struct cs_gzip *gzip;
        size_t len = 0;
        ssize_t n;

        fill(input, size, (int)(i % 3));
        cs_buffer_init(&buffer, SIZE_MAX_TESTED);
        cs_buffer_add(&buffer, input, size);
        assert_int_equal(cs_gzip_new(&buffer, &gzip), 0);
        assert_null(buffer.data); /* taken over */
        while ((n = cs_gzip_read(gzip, packed + len, piece)) > 0) {
            assert_true((size_t)n <= piece);
            len += (size_t)n;
        }
        assert_int_equal(n, 0);
        assert_int_equal(cs_gzip_read(gzip, packed + len, 1), 0); /* the end stays the end */
        cs_gzip_free(gzip);
        assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK); /* gzip only */
        stream.next_in = (Bytef *)packed;
        stream.avail_in = (uInt)len;
        stream.next_out = (Bytef *)output;
        stream.avail_out = SIZE_MAX_TESTED + 1;
        assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
        assert_int_equal(stream.total_out, size);
        assert_int_equal(stream.avail_in, 0);
        inflateEnd(&stream);
        assert_memory_equal(output, input, size);
    }
}

static void a_stream_can_be_left_half_way(void **unused)
{
    struct cs_buffer buffer;
    struct cs_gzip *gzip;
    char piece[100];

    (void)unused;
    cs_buffer_init(&buffer, SIZE_MAX_TESTED);
    assert_int_equal(cs_buffer_reserve(&buffer, SIZE_MAX_TESTED), 0);
    fill(buffer.data, SIZE_MAX_TESTED, 2);
    buffer.len = SIZE_MAX_TESTED;
    assert_int_equal(cs_gzip_new(&buffer, &gzip), 0);
    assert_true(cs_gzip_read(gzip, piece, sizeof(piece)) > 0);
    cs_gzip_free(gzip);
    cs_gzip_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_comes_out_is_what_went_in),
        cmocka_unit_test(a_stream_can_be_left_half_way),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
