// SPDX-License-Identifier: Apache-2.0
/* What waits, counted by the mechanism that is known before an answer. */
#include "core/waiting/in_flight.h"

#include "../facts/facts.h"
#include "core/classify/classify.h"
#include "core/classify/watchlist.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void ignore(const struct cs_exchange *exchange, void *user)
{
    (void)exchange;
    (void)user;
}

static enum cs_mechanism identify(void *user, const struct cs_exchange *exchange,
                                  struct cs_subject *subject)
{
    const struct cs_evidence evidence = {.exchange = exchange, .watchlist = user};
    struct cs_verdict verdict;

    (void)subject;
    cs_classify(&evidence, &verdict);
    return verdict.mechanism;
}

static void test_in_flight(void **state)
{
    static struct cs_watchlist watchlist;
    struct cs_assembler_options options = {.sink = ignore};
    struct script script = {.assembler = cs_assembler_new(&options)};
    struct cs_in_flight in_flight;

    (void)state;
    cs_watchlist_init(&watchlist);
    script_run(&script, "connect est req:GET,/v1/credentials req:GET,/v1/credentials "
                        "2:connect +5 3:connect 3:est 3:req:GET,/ "
                        "4:connect.tls 4:hello 4:est 4:shello13 4:>53 4:>900 "
                        "5:connect.tls 5:hello:login.microsoftonline.com 5:est");
    cs_in_flight_collect(script.assembler, identify, &watchlist, &in_flight);
    for (unsigned int i = 0; i < CS_MECHANISM_END; i++) {
        uint64_t count =
            i == CS_MECHANISM_EKS_POD_IDENTITY                                               ? 3
            : i == CS_MECHANISM_METADATA || i == CS_MECHANISM_STS || i == CS_MECHANISM_ENTRA ? 1
                                                                                             : 0;

        assert_int_equal(in_flight.count[i], count);
        assert_int_equal(in_flight.oldest_ns[i] != 0, count != 0);
    }
    assert_int_equal(in_flight.oldest_ns[CS_MECHANISM_EKS_POD_IDENTITY], 3 * MS);
    assert_int_equal(in_flight.oldest_ns[CS_MECHANISM_METADATA], 13 * MS);

    script_run(&script, "resp:200");
    cs_in_flight_collect(script.assembler, identify, &watchlist, &in_flight);
    assert_int_equal(in_flight.count[CS_MECHANISM_EKS_POD_IDENTITY], 2);
    assert_int_equal(in_flight.oldest_ns[CS_MECHANISM_EKS_POD_IDENTITY], 4 * MS);
    cs_assembler_free(script.assembler);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_flight),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
