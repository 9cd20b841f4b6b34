// SPDX-License-Identifier: Apache-2.0
/* Secrets in every place where one can be: none reaches the ring, none is kept in the kernel. */
#include "conversation.h"
#include "io/sensor_internal.h"

#include <bpf/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const struct step secret_steps[] = {
    {CLIENT,
     "GET /v1/credentials?token=" SECRET "&" SECRET "&resource=kept-value#" SECRET " HTTP/1.1\r\n"
     "Authorization: " SECRET "\r\nUser-Agent: kept-agent\r\nCookie: a=" SECRET "\r\n"
     "X-aws-ec2-metadata-token: " SECRET "\r\nX-" SECRET ": 1\r\nContent-Length: 69\r\n\r\n"
     "User-Agent: " SECRET "\r\nAuthorization: " SECRET "\r\n0123",
     0},
    {SERVER,
     "HTTP/1.1 200 " SECRET "\r\nServer: kept-server\r\nSet-Cookie: " SECRET "\r\n"
     "Transfer-Encoding: chunked\r\n\r\n11;x=" SECRET "\r\n" SECRET "\r\n0\r\nX: " SECRET
     "\r\n\r\n",
     0},
    {CLIENT, "GET /kept;" SECRET "?" SECRET SECRET SECRET SECRET SECRET " HTTP/1.1\r\n\r\n", 0},
    {SERVER, OK, 0},
    {CLIENT, "GET /%3F" SECRET "?" SECRET, 0},
    {CLIENT, "&resource=kept%3F" SECRET, 0},
    {CLIENT, " HTTP/1.1\r\n\r\n", 0},
    {SERVER, OK, 0},
    {CLIENT,
     "POST http://user:" SECRET "@169.254.169.254/kept-path HTTP/1.1\r\nAuthorization: ", 0},
    {CLIENT, SECRET, 0},
    {STEP_END, 0, 0},
};

/* What the kernel keeps of this socket. */
static bool state_holds(int socket, const char *text)
{
    const struct bpf_map *map = harness.sensor->skeleton->maps.sockets;
    size_t size = bpf_map__value_size(map);
    char *value = calloc(1, size);
    bool found;

    assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(map), &socket, value), 0);
    found = memmem(value, size, text, strlen(text));
    free(value);
    return found;
}

static bool ring_holds(const char *text)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), size = CS_SENSOR_RING_BYTES;
    char *ring = mmap(NULL, page + size, PROT_READ, MAP_SHARED,
                      bpf_map__fd(harness.sensor->skeleton->maps.facts), (off_t)page);
    bool found;

    assert_ptr_not_equal(ring, MAP_FAILED);
    found = memmem(ring + page, size, text, strlen(text));
    munmap(ring, page + size);
    return found;
}

static void check_secrets(size_t cut)
{
    struct pair pair = traffic_connect(AGENT4, 80, false);

    for (const struct step *step = secret_steps; step->kind != STEP_END; step++) {
        struct step one[] = {*step, {STEP_END, 0, 0}};

        traffic_play(&pair, one, cut);
        assert_false(state_holds(pair.client, SECRET));
    }
    assert_true(state_holds(pair.client, "kept-path"));
    traffic_end(&pair);
}

static void test_secrets(void **state)
{
    struct facts facts = {0};

    (void)state;
    check_secrets(0);
    check_secrets(1);
    check_secrets(5);
    facts_wait(harness.sensor, &facts, CS_FACT_CLOSE, 3);
    assert_int_equal(facts_count(&facts, CS_FACT_REQUEST), 9);
    assert_int_equal(facts_count(&facts, CS_FACT_RESPONSE), 9);
    assert_int_equal(facts_count(&facts, CS_FACT_GAP), 0);
    assert_false(ring_holds(SECRET));
    assert_true(ring_holds("kept-value"));
    assert_true(ring_holds("kept-agent"));
    assert_true(ring_holds("kept-server"));
    facts_free(&facts);
}

int test_secrets_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_secrets, harness_setup),
    };

    return cmocka_run_group_tests_name("secrets", tests, NULL, NULL);
}
