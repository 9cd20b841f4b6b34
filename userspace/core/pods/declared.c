/* SPDX-License-Identifier: Apache-2.0 */
#include "core/pods/declared.h"

#include "base/util.h"

#include <ctype.h>
#include <string.h>

static const char *const NAMES[] = {
    [CS_DECLARED_IRSA] = "irsa",
    [CS_DECLARED_EKS_POD_IDENTITY] = "eks-pod-identity",
    [CS_DECLARED_STATIC_KEYS] = "static-keys",
    [CS_DECLARED_AAD_POD_IDENTITY] = "aad-pod-identity",
    [CS_DECLARED_AZURE_WORKLOAD_IDENTITY] = "azure-workload-identity",
    [CS_DECLARED_AZURE_WORKLOAD_IDENTITY_PROXY] = "azure-workload-identity-proxy",
    [CS_DECLARED_KUBE2IAM] = "kube2iam",
};
_Static_assert(CS_ARRAY_SIZE(NAMES) == CS_DECLARED_END, "declared names");

void cs_declared_format(uint16_t set, char to[CS_DECLARED_TEXT_MAX])
{
    size_t len = 0;

    for (size_t i = 0; i < CS_DECLARED_END; i++) {
        size_t n = strlen(NAMES[i]);

        if (!(set & 1u << i) || len + n + 2 > CS_DECLARED_TEXT_MAX)
            continue;
        if (len > 0)
            to[len++] = '+';
        memcpy(to + len, NAMES[i], n);
        len += n;
    }
    to[len] = '\0';
    if (len == 0)
        memcpy(to, "none", sizeof("none"));
}

static const struct {
    const char *name;
    enum cs_declared_env env;
} VARIABLES[] = {
    {"AWS_ROLE_ARN", CS_ENV_AWS_ROLE_ARN},
    {"AWS_WEB_IDENTITY_TOKEN_FILE", CS_ENV_AWS_WEB_IDENTITY_TOKEN_FILE},
    {"AWS_CONTAINER_CREDENTIALS_FULL_URI", CS_ENV_AWS_CONTAINER_CREDENTIALS_FULL_URI},
    {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", CS_ENV_AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE},
    {"AWS_ACCESS_KEY_ID", CS_ENV_AWS_ACCESS_KEY_ID},
    {"AWS_SECRET_ACCESS_KEY", CS_ENV_AWS_SECRET_ACCESS_KEY},
    {"AZURE_CLIENT_ID", CS_ENV_AZURE_CLIENT_ID},
    {"AZURE_FEDERATED_TOKEN_FILE", CS_ENV_AZURE_FEDERATED_TOKEN_FILE},
    {"AZURE_CLIENT_SECRET", CS_ENV_AZURE_CLIENT_SECRET},
    {"AZURE_CLIENT_CERTIFICATE_PATH", CS_ENV_AZURE_CLIENT_CERTIFICATE_PATH},
    {"HTTP_PROXY", CS_ENV_PROXY},
    {"HTTPS_PROXY", CS_ENV_PROXY},
    {"ALL_PROXY", CS_ENV_PROXY},
    {"http_proxy", CS_ENV_PROXY},
    {"https_proxy", CS_ENV_PROXY},
    {"all_proxy", CS_ENV_PROXY},
};

enum cs_declared_env cs_declared_env_find(const char *name)
{
    /* Pods have hundreds, and few that begin with these. */
    if (!name[0] || !strchr("AHah", name[0]))
        return CS_ENV_END;
    for (size_t i = 0; i < CS_ARRAY_SIZE(VARIABLES); i++)
        if (strcmp(VARIABLES[i].name, name) == 0)
            return VARIABLES[i].env;
    return CS_ENV_END;
}

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text), n = strlen(end);

    return len >= n && memcmp(text + len - n, end, n) == 0;
}

enum cs_token_audience cs_token_audience_find(const char *audience, const char *path)
{
    static const struct {
        const char *audience;
        const char *path_end;
        enum cs_token_audience means;
    } ROWS[] = {
        {"sts.amazonaws.com", "/eks.amazonaws.com/serviceaccount/token", CS_AUDIENCE_STS},
        {"sts.amazonaws.com.cn", NULL, CS_AUDIENCE_STS},
        {"sts.amazonaws.eu", NULL, CS_AUDIENCE_STS},
        {"pods.eks.amazonaws.com", "/eks-pod-identity-token", CS_AUDIENCE_POD_IDENTITY},
        {"api://AzureADTokenExchange", "/azure-identity-token", CS_AUDIENCE_AZURE},
    };

    for (size_t i = 0; i < CS_ARRAY_SIZE(ROWS); i++)
        if (strcmp(ROWS[i].audience, audience) == 0)
            return ROWS[i].means;
    for (size_t i = 0; i < CS_ARRAY_SIZE(ROWS); i++)
        if (ROWS[i].path_end && ends_with(path, ROWS[i].path_end))
            return ROWS[i].means;
    return CS_AUDIENCE_END;
}

void cs_declared_uri(struct cs_declared_evidence *evidence, const char *value)
{
    /* pkg/constants.go and configuration/config.go of the agent; the port may be written. */
    static const char *const AGENTS[] = {"http://169.254.170.23", "http://[fd00:ec2::23]"};

    evidence->agent_uri = false;
    for (size_t i = 0; i < CS_ARRAY_SIZE(AGENTS); i++) {
        size_t n = strlen(AGENTS[i]);

        if (strncmp(value, AGENTS[i], n) == 0 && (value[n] == '/' || value[n] == ':'))
            evidence->agent_uri = true;
    }
    evidence->other_uri = !evidence->agent_uri;
}

static bool has_env(const struct cs_declared_evidence *evidence, enum cs_declared_env env)
{
    return evidence->env & 1u << env;
}

static bool has_audience(const struct cs_declared_evidence *evidence, enum cs_token_audience of)
{
    return evidence->audiences & 1u << of;
}

static bool pod_identity(const struct cs_declared_evidence *evidence)
{
    if (evidence->agent_uri || has_audience(evidence, CS_AUDIENCE_POD_IDENTITY))
        return true;
    /* The address comes from a ConfigMap or the like: the token beside it makes it the agent's. */
    return !evidence->other_uri && has_env(evidence, CS_ENV_AWS_CONTAINER_CREDENTIALS_FULL_URI) &&
           has_env(evidence, CS_ENV_AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE);
}

uint16_t cs_declared_of(const struct cs_declared_evidence *evidence)
{
    uint16_t set = 0;

    if (has_env(evidence, CS_ENV_AWS_WEB_IDENTITY_TOKEN_FILE) ||
        has_audience(evidence, CS_AUDIENCE_STS))
        set |= CS_DECLARED_BIT(IRSA);
    if (pod_identity(evidence))
        set |= CS_DECLARED_BIT(EKS_POD_IDENTITY);
    if (has_env(evidence, CS_ENV_AWS_ACCESS_KEY_ID) ||
        has_env(evidence, CS_ENV_AWS_SECRET_ACCESS_KEY) ||
        has_env(evidence, CS_ENV_AZURE_CLIENT_SECRET) ||
        has_env(evidence, CS_ENV_AZURE_CLIENT_CERTIFICATE_PATH))
        set |= CS_DECLARED_BIT(STATIC_KEYS);
    if (evidence->aad_binding)
        set |= CS_DECLARED_BIT(AAD_POD_IDENTITY);
    if (evidence->azure_use || has_env(evidence, CS_ENV_AZURE_FEDERATED_TOKEN_FILE) ||
        has_audience(evidence, CS_AUDIENCE_AZURE))
        set |= CS_DECLARED_BIT(AZURE_WORKLOAD_IDENTITY);
    if (evidence->azure_sidecar)
        set |= CS_DECLARED_BIT(AZURE_WORKLOAD_IDENTITY_PROXY);
    if (evidence->iam_annotation)
        set |= CS_DECLARED_BIT(KUBE2IAM);
    return set;
}

/* Printable ASCII without spaces and quotes, as IAM's names are (IAM API reference, Role). */
static bool is_graphic(const char *text)
{
    for (; *text != '\0'; text++)
        if (*text <= 0x20 || *text > 0x7e || *text == '"' || *text == '\\')
            return false;
    return true;
}

bool cs_declared_is_role_arn(const char *text)
{
    const char *role;

    if (strncmp(text, "arn:", 4) != 0 || strlen(text) >= CS_ROLE_ARN_MAX || !is_graphic(text))
        return false;
    role = strstr(text, ":role/");
    return role && role[6] != '\0';
}

bool cs_declared_is_client_id(const char *text)
{
    static const char FORM[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

    if (strlen(text) != sizeof(FORM) - 1)
        return false;
    for (size_t i = 0; i < sizeof(FORM) - 1; i++)
        if (FORM[i] == 'x' ? !isxdigit((unsigned char)text[i]) : text[i] != FORM[i])
            return false;
    return true;
}
