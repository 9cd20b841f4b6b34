// SPDX-License-Identifier: Apache-2.0
#include "conversation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONNECT "connect plain 4 169.254.170.23:80\nestablished 169.254.170.23:80\n"

void conversation_play(const struct step *steps, size_t cut, struct facts *facts)
{
    struct pair pair = traffic_connect(AGENT4, 80, false);

    traffic_play(&pair, steps, cut);
    traffic_end(&pair);
    facts_wait(harness.sensor, facts, CS_FACT_CLOSE, 1);
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
    assert_true(asprintf(&text, "%s%sclose local sent %llu received %llu retransmits 0\n", CONNECT,
                         expected, sent, received) > 0);
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
