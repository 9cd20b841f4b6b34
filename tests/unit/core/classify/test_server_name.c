// SPDX-License-Identifier: Apache-2.0
#include "core/classify/server_name.h"

#include "base/util.h"

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

#define STS      CS_ENDPOINT_STS
#define EKS_AUTH CS_ENDPOINT_EKS_AUTH
#define ENTRA    CS_ENDPOINT_ENTRA

enum { GLOBAL = 1, FIPS = 2, PRIVATE_LINK = 4 };

static void check(const char *name, enum cs_endpoint endpoint, int flags)
{
    struct cs_server_name result;
    bool known = cs_server_name_parse(&list, name, &result);

    if (known != (endpoint != CS_ENDPOINT_UNKNOWN) || result.endpoint != endpoint ||
        result.global != !!(flags & GLOBAL) || result.fips != !!(flags & FIPS) ||
        result.private_link != !!(flags & PRIVATE_LINK))
        fail_msg("%s: known %d endpoint %d global %d fips %d private %d", name, known,
                 result.endpoint, result.global, result.fips, result.private_link);
}

static void watched_names(void **state)
{
    (void)state;
    const struct {
        const char *name;
        enum cs_endpoint endpoint;
        int flags;
    } cases[] = {
        {"sts.amazonaws.com", STS, GLOBAL},
        {"STS.AmazonAWS.com.", STS, GLOBAL},
        {"sts.us-east-1.amazonaws.com", STS, 0},
        {"sts-fips.us-west-2.amazonaws.com", STS, FIPS},
        {"sts.eu-west-1.api.aws", STS, 0},
        {"sts.us-gov-west-1.amazonaws.com", STS, 0},
        {"sts.cn-northwest-1.amazonaws.com.cn", STS, 0},
        {"sts.cn-north-1.api.amazonwebservices.com.cn", STS, 0},
        {"sts.eusc-de-east-1.amazonaws.eu", STS, 0},
        {"sts.us-iso-east-1.c2s.ic.gov", STS, 0},
        {"sts-fips.us-iso-east-1.api.aws.ic.gov", STS, FIPS},
        {"sts.us-isob-east-1.sc2s.sgov.gov", STS, 0},
        {"sts.us-isob-east-1.api.aws.scloud", STS, 0},
        {"sts.eu-isoe-west-1.cloud.adc-e.uk", STS, 0},
        {"sts.eu-isoe-west-1.api.cloud-aws.adc-e.uk", STS, 0},
        {"sts.us-isof-south-1.csp.hci.ic.gov", STS, 0},
        {"sts.us-isof-south-1.api.aws.hci.ic.gov", STS, 0},
        {"sts.ap-southeast-17.amazonaws.com", STS, 0}, /* a region of next year */
        {"vpce-0a1-b2c3.sts.us-east-1.vpce.amazonaws.com", STS, PRIVATE_LINK},
        {"vpce-0a1-b2c3-us-east-1a.sts.us-east-1.vpce.amazonaws.com", STS, PRIVATE_LINK},
        {"eks-auth.us-east-1.api.aws", EKS_AUTH, 0},
        {"eks-auth-fips.us-gov-east-1.api.aws", EKS_AUTH, FIPS},
        {"eks-auth.cn-north-1.api.amazonwebservices.com.cn", EKS_AUTH, 0},
        {"login.microsoftonline.com", ENTRA, 0},
        {"westeurope.login.microsoft.com", ENTRA, 0},
        {"sts.windows.net", ENTRA, 0},
        {"login.microsoftonline.us", ENTRA, 0},
        {"login.partner.microsoftonline.cn", ENTRA, 0},
        {"login.sovcloud-identity.sg", ENTRA, 0},
    };

    for (size_t i = 0; i < CS_ARRAY_SIZE(cases); i++)
        check(cases[i].name, cases[i].endpoint, cases[i].flags);
}

static void names_that_look_alike(void **state)
{
    (void)state;
    const char *const names[] = {
        "evilsts.amazonaws.com",
        "evilsts.us-east-1.amazonaws.com",
        "sts.us-east-1.amazonaws.com.evil.example",
        "stsamazonaws.com",
        "sts.us-east-1.notamazonaws.com",
        "amazonaws.com",
        "us-east-1.amazonaws.com",
        "s3.us-east-1.amazonaws.com",
        "sts.s3.amazonaws.com",
        "sts.bucket.s3.us-east-1.amazonaws.com",
        "bucket.sts.us-east-1.amazonaws.com",
        "sts.us-east.amazonaws.com",
        "sts.useast1.amazonaws.com",
        "sts.-east-1.amazonaws.com",
        "sts.us--1.amazonaws.com",
        "sts..amazonaws.com",
        ".sts.us-east-1.amazonaws.com",
        "sts.api.aws",
        "eks-auth.amazonaws.com",
        "sts-fips.amazonaws.com",
        "sts.us-east-1.vpce.amazonaws.com",
        "vpce-.sts.us-east-1.vpce.amazonaws.com",
        "vpce-1.s3.us-east-1.vpce.amazonaws.com",
        "a.b.c.d.e.f.sts.us-east-1.amazonaws.com",
        "xlogin.microsoftonline.com",
        "microsoftonline.com",
        "windows.net",
        "",
        ".",
    };

    for (size_t i = 0; i < CS_ARRAY_SIZE(names); i++)
        check(names[i], CS_ENDPOINT_UNKNOWN, 0);
}

static void names_of_flags(void **state)
{
    (void)state;
    assert_int_equal(cs_watchlist_add_suffix(&list, "sts.corp.example", STS), 0);
    assert_int_equal(cs_watchlist_add_suffix(&list, "idp.corp.example", ENTRA), 0);
    check("sts.corp.example", STS, 0);
    check("eu.sts.corp.example", STS, 0);
    check("Idp.corp.example", ENTRA, 0);
    check("xsts.corp.example", CS_ENDPOINT_UNKNOWN, 0);
    check("corp.example", CS_ENDPOINT_UNKNOWN, 0);
}

static void names_too_long(void **state)
{
    (void)state;
    char name[400];

    snprintf(name, sizeof(name), "%0300d.login.microsoftonline.com", 0);
    check(name, CS_ENDPOINT_UNKNOWN, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(watched_names, setup),
        cmocka_unit_test_setup(names_that_look_alike, setup),
        cmocka_unit_test_setup(names_of_flags, setup),
        cmocka_unit_test_setup(names_too_long, setup),
    };

    return cmocka_run_group_tests_name("server_name", tests, NULL, NULL);
}
