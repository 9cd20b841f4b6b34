// SPDX-License-Identifier: Apache-2.0
/* Every client's hello, cut everywhere. */
#include "harness.h"
#include "hello.h"
#include "tls_traffic.h"
#include "traffic.h"
#include "transcript.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The whole story of one connection on which the client sent a hello and was reset. */
static void expect_hello(const char *what, const struct hello_shape *shape, const char *name,
                         const struct hello *sent, const char *records)
{
    struct facts facts = {0};
    char want[2048], *have;

    snprintf(want, sizeof(want),
             "connect tls 4 " HOST_OTHER ":%d\nestablished " HOST_OTHER ":%d\n"
             "client-hello \"%s\" length %d%s%s%s%s%s%s\n%s"
             "close reset-local sent %zu received 0\n",
             TLS_PORT, TLS_PORT, name, shape->size - 5,
             shape->alpn || shape->tls13 || shape->psk || shape->session_id ? " flags " : "",
             shape->alpn == ALPN_BOTH ? "h2," : "", shape->alpn ? "http/1.1," : "",
             shape->psk ? "psk," : "", shape->tls13 ? "tls1.3," : "",
             shape->session_id ? "session-id," : "", records, sent->len);
    for (char *comma = want; (comma = strstr(comma, ",\n"));) /* the last of a list */
        memmove(comma, comma + 1, strlen(comma));
    facts_wait(harness.sensor, &facts, CS_FACT_CLOSE, 1);
    have = facts_text(&facts);
    if (strcmp(have, want) != 0)
        fail_msg("%s\n--- expected\n%s--- facts\n%s---", what, want, have);
    free(have);
    facts_free(&facts);
}

static void check_client(const struct hello_shape *shape, size_t stride)
{
    char record[64], what[128];
    struct hello hello;

    hello_build(&hello, shape, TLS_NAME);
    snprintf(record, sizeof(record), "record out 22/%d handshake 1\n", shape->size - 5);
    for (size_t cut = 0; cut < hello.len; cut += stride) {
        snprintf(what, sizeof(what), "%s, cut at %zu", shape->client, cut);
        tls_send(&hello, cut, 0);
        expect_hello(what, shape, TLS_NAME, &hello, record);
    }
    snprintf(what, sizeof(what), "%s, byte by byte", shape->client);
    tls_send(&hello, 0, harness.virtual_machine ? 7 : 1);
    expect_hello(what, shape, TLS_NAME, &hello, record);
}

static void hellos_cut_everywhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < tls_client_count; i++)
        check_client(&tls_clients[i], harness.virtual_machine ? 61 : 1);
}

/* Cut into records, whose headers then lie anywhere in the hello; facts of four are kept. */
static void hellos_of_several_records(void **state)
{
    static const size_t parts[] = {2000, 1400, 700, 450};
    struct hello hello, split;
    char records[512], what[128];

    (void)state;
    for (size_t i = 0; i < tls_client_count; i++) {
        hello_build(&hello, &tls_clients[i], TLS_NAME);
        for (size_t p = 0; p < sizeof(parts) / sizeof(parts[0]); p++) {
            size_t left = hello.len - 5, n = 0;

            for (size_t used = 0; left; left -= n, used = strlen(records)) {
                n = left < parts[p] ? left : parts[p];
                snprintf(records + used, sizeof(records) - used, "record out 22/%zu handshake %d\n",
                         n, !used);
            }
            snprintf(what, sizeof(what), "%s, records of %zu", tls_clients[i].client, parts[p]);
            hello_split(&hello, parts[p], &split);
            tls_send(&split, 0, 0);
            expect_hello(what, &tls_clients[i], TLS_NAME, &split, records);
            tls_send(&split, 0, 19);
            expect_hello(what, &tls_clients[i], TLS_NAME, &split, records);
        }
    }
    hello_build(&hello, &tls_clients[1], TLS_NAME);
    hello_split(&hello, 30, &split);
    tls_send(&split, 0, 0);
    expect_hello("many records", &tls_clients[1], TLS_NAME, &split,
                 "record out 22/30 handshake 1\nrecord out 22/30 handshake 0\n"
                 "record out 22/30 handshake 0\nrecord out 22/30 handshake 0\n"
                 "gap out records bytes 0\n");
}

int test_tls_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(hellos_cut_everywhere, tls_setup),
        cmocka_unit_test_setup(hellos_of_several_records, tls_setup),
    };

    return cmocka_run_group_tests_name("tls", tests, NULL, NULL) + test_tls_names() +
           test_tls_answers() + test_tls_wire() + test_tls_real();
}
