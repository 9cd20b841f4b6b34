/* SPDX-License-Identifier: Apache-2.0 */
#include "core/findings/sdk_version.h"

#include "base/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PIA CS_MECHANISM_EKS_POD_IDENTITY
#define AWI CS_MECHANISM_AZURE_WORKLOAD_IDENTITY

/* User-Agents as the SDKs send them. */
static const struct {
    const char *agent;
    bool cut;
    const char *sdk; /* "name version", "" none */
    enum cs_mechanism successor;
    bool old;
} cases[] = {
    {"Boto3/1.43.11 Python/3.11.7 Linux/6.1 Botocore/1.43.11", false, "boto3 1.43.11", PIA, false},
    {"Boto3/1.34.40 Python/3.11.7 Linux/6.1 Botocore/1.34.40", false, "boto3 1.34.40", PIA, true},
    {"Boto3/1.34.41 Python/3.11.7", false, "boto3 1.34.41", PIA, false},
    {"Boto3/1.4.7 Python/2.7", false, "boto3 1.4.7", PIA, true},
    {"Botocore/1.29.100 Python/3.9", false, "botocore 1.29.100", PIA, true},
    {"aws-cli/1.29.85 md/Botocore#1.31.85 ua/2.0", false, "aws-cli 1.29.85", PIA, true},
    {"aws-cli/2.14.6 md/awscrt#0.19", false, "aws-cli 2.14.6", PIA, true},
    {"aws-cli/2.15.0", false, "aws-cli 2.15.0", PIA, false},
    {"aws-cli/3.0.0", false, "", PIA, false},
    {"aws-sdk-go/1.47.10 (go1.21; linux; amd64)", false, "aws-sdk-go 1.47.10", PIA, true},
    {"aws-sdk-go-v2/1.17.1 os/linux lang/go#1.19 ft/ec2-imds", false, "aws-sdk-go-v2 1.17.1", PIA,
     true},
    {"aws-sdk-go-v2/1.30.3 os/linux", false, "aws-sdk-go-v2 1.30.3", PIA, false},
    {"aws-sdk-java/1.12.745 Linux/5.10", false, "aws-sdk-java 1.12.745", PIA, true},
    {"aws-sdk-java/2.21.30 os/Linux#5.10", false, "aws-sdk-java 2.21.30", PIA, false},
    {"aws-sdk-java/2.9.1", false, "aws-sdk-java 2.9.1", PIA, true},
    {"aws-sdk-rust/1.3.3 ua/2.1 api/imds/1.1", false, "aws-sdk-rust 1.3.3", PIA, false},
    {"azsdk-python-identity/1.12.0 Python/3.11.13 (Linux-5)", false, "azure-identity-python 1.12.0",
     AWI, true},
    {"azsdk-python-identity/1.25.3 Python/3.11.13", false, "azure-identity-python 1.25.3", AWI,
     false},
    {"azsdk-net-Identity/1.11.0-alpha.2 (.NET 8)", false, "azure-identity-net 1.11.0", AWI, false},
    {"azsdk-js-identity/3.1.4 Node/18", false, "azure-identity-js 3.1.4", AWI, true},

    {"", false, "", PIA, false},
    {"python-urllib3/2.7.0", false, "", PIA, false},
    {"Go-http-client/1.1", false, "", PIA, false},
    {"Boto3/", false, "", PIA, false},
    {"Boto3/x.y.z", false, "", PIA, false},
    {"Boto3/1", false, "", PIA, false},
    {"Boto3", false, "", PIA, false},
    {"NotBoto3/1.2.3", false, "", PIA, false},
    {"x/1.2 Boto3/1.20.0", false, "boto3 1.20.0", PIA, true},
    {"Boto3/1.34.4", true, "", PIA, false}, /* of 1.34.41, perhaps */
    {"Boto3/1.34.4 Pyth", true, "boto3 1.34.4", PIA, true},
    {"Boto3/1.9999999999.1", false, "", PIA, false},
    {"Boto3/1.2.3.4.5.6", false, "boto3 1.2.3.4", PIA, true},
};

static void reads_user_agents(void **state)
{
    (void)state;
    for (size_t i = 0; i < CS_ARRAY_SIZE(cases); i++) {
        struct cs_sdk sdk = {0};
        char text[64] = "";

        if (cs_sdk_parse(cases[i].agent, cases[i].cut, &sdk))
            snprintf(text, sizeof(text), "%s %s", sdk.name, sdk.version);
        if (strcmp(text, cases[i].sdk) != 0 ||
            (text[0] && cs_sdk_too_old(&sdk, cases[i].successor) != cases[i].old))
            fail_msg("\"%s\": \"%s\", %d", cases[i].agent, text,
                     text[0] && cs_sdk_too_old(&sdk, cases[i].successor));
    }
}

static void is_old_for_its_own_cloud_only(void **state)
{
    struct cs_sdk sdk;

    (void)state;
    assert_true(cs_sdk_parse("azsdk-python-identity/1.0.0", false, &sdk));
    assert_true(cs_sdk_too_old(&sdk, AWI));
    assert_false(cs_sdk_too_old(&sdk, PIA));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_user_agents),
        cmocka_unit_test(is_old_for_its_own_cloud_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
