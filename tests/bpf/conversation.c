// SPDX-License-Identifier: Apache-2.0
#include "conversation.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONNECT "connect plain 4 169.254.170.23:80\nestablished 169.254.170.23:80\n"

/* Segments that the kernel has sent again, once all is acknowledged and none can follow. */
static uint32_t retransmits(int fd)
{
    uint64_t end = harness_now_ns() + (uint64_t)harness_patience_ms() * 1000000;
    struct tcp_info info;

    for (;;) {
        socklen_t len = sizeof(info);

        assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len), 0);
        if (!info.tcpi_unacked)
            return info.tcpi_total_retrans;
        assert_true(harness_now_ns() < end);
        harness_sleep_ms(1);
    }
}

void conversation_play(const struct step *steps, size_t cut, struct facts *facts)
{
    struct pair pair = traffic_connect(AGENT4, 80, false);
    const struct cs_fact_close *close;
    uint32_t again;

    traffic_play(&pair, steps, cut);
    again = retransmits(pair.client);
    traffic_end(&pair);
    facts_wait(harness.sensor, facts, CS_FACT_CLOSE, 1);
    close = facts_find(facts, CS_FACT_CLOSE, 0);
    assert_non_null(close);
    assert_int_equal(close->retransmits, again);
}

bool conversation_is(const struct step *steps, size_t cut, const char *expected)
{
    struct facts facts = {0};
    unsigned long long sent = 0, received = 0;
    char *text;
    bool same;

    for (const struct step *step = steps; step->kind != STEP_END; step++) {
        size_t len = step->len ? step->len : strlen(step->data);

        *(step->kind == CLIENT ? &sent : &received) += len;
    }
    assert_true(asprintf(&text, "%s%sclose local sent %llu received %llu\n", CONNECT, expected,
                         sent, received) > 0);
    conversation_play(steps, cut, &facts);
    same = facts_same(&facts, text);
    free(text);
    facts_free(&facts);
    return same;
}

void conversation_expect(const struct step *steps, size_t cut, const char *expected)
{
    assert_true(conversation_is(steps, cut, expected));
}
