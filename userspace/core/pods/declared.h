/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a container's spec says about how it wants its cloud credentials. Names of variables,
 * audiences of projected tokens, labels and annotations decide; several at once is a state of its
 * own. Pure.
 *
 * Sources: amazon-eks-pod-identity-webhook pkg/{constants,handler}, azure-workload-identity
 * pkg/webhook/{consts,webhook}.go, aad-pod-identity (label aadpodidbinding), kube2iam and kiam
 * (annotation iam.amazonaws.com/role: it can't be said which of them).
 */
#ifndef CS_CORE_DECLARED_H
#define CS_CORE_DECLARED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One bit each, in the order of their names in a label. */
enum cs_declared_flag {
    CS_DECLARED_IRSA,
    CS_DECLARED_EKS_POD_IDENTITY,
    CS_DECLARED_STATIC_KEYS,
    CS_DECLARED_AAD_POD_IDENTITY,
    CS_DECLARED_AZURE_WORKLOAD_IDENTITY,
    CS_DECLARED_AZURE_WORKLOAD_IDENTITY_PROXY,
    CS_DECLARED_KUBE2IAM, /* or kiam */
    CS_DECLARED_END,
};

#define CS_DECLARED_BIT(flag) ((uint16_t)(1u << CS_DECLARED_##flag))
#define CS_DECLARED_TEXT_MAX  160 /* all names joined, and NUL */

/* The label value of a set: "none", "irsa", "irsa+eks-pod-identity" … */
void cs_declared_format(uint16_t set, char to[CS_DECLARED_TEXT_MAX]);

/* The variables that are looked at; every other one is dropped unread. */
enum cs_declared_env {
    CS_ENV_AWS_ROLE_ARN,
    CS_ENV_AWS_WEB_IDENTITY_TOKEN_FILE,
    CS_ENV_AWS_CONTAINER_CREDENTIALS_FULL_URI,
    CS_ENV_AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE,
    CS_ENV_AWS_ACCESS_KEY_ID,
    CS_ENV_AWS_SECRET_ACCESS_KEY,
    CS_ENV_AZURE_CLIENT_ID,
    CS_ENV_AZURE_FEDERATED_TOKEN_FILE,
    CS_ENV_AZURE_CLIENT_SECRET,
    CS_ENV_AZURE_CLIENT_CERTIFICATE_PATH,
    CS_ENV_PROXY, /* HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, in either case */
    CS_ENV_END,
};

/* CS_ENV_END: a variable that is not looked at. */
enum cs_declared_env cs_declared_env_find(const char *name);

/* What a token in a projected volume is for. */
enum cs_token_audience {
    CS_AUDIENCE_STS,          /* sts.amazonaws.com (all partitions) */
    CS_AUDIENCE_POD_IDENTITY, /* pods.eks.amazonaws.com */
    CS_AUDIENCE_AZURE,        /* api://AzureADTokenExchange */
    CS_AUDIENCE_END,
};

/* CS_AUDIENCE_END: none of them. Where the audience is another one (they can be configured) path,
 * the file's as the container sees it, may still say. Either may be "". */
enum cs_token_audience cs_token_audience_find(const char *audience, const char *path);

#define CS_ROLE_ARN_MAX  641 /* arn:partition:iam::account:role/ and path 512 and name 64, NUL */
#define CS_CLIENT_ID_MAX 37  /* a UUID and NUL */

/* One container's evidence; zero is nothing. */
struct cs_declared_evidence {
    uint32_t env;       /* 1 << enum cs_declared_env: the variable is there, with any value */
    uint32_t audiences; /* 1 << enum cs_token_audience: such a volume is mounted */
    bool agent_uri;     /* the FULL_URI's value names the Pod Identity agent */
    bool other_uri;     /* … or something else; neither: it isn't in the spec (valueFrom) */
    /* the pod's */
    bool aad_binding;    /* label aadpodidbinding */
    bool azure_use;      /* label azure.workload.identity/use is "true", not a skipped container */
    bool azure_sidecar;  /* annotation inject-proxy-sidecar, or a container azwi-proxy */
    bool iam_annotation; /* iam.amazonaws.com/role */
};

/* Note the value of CS_ENV_AWS_CONTAINER_CREDENTIALS_FULL_URI. */
void cs_declared_uri(struct cs_declared_evidence *evidence, const char *value);

/* The set of enum cs_declared_flag. */
uint16_t cs_declared_of(const struct cs_declared_evidence *evidence);

/* The text is of the form of a role's ARN; of a client id (UUID). Only such values are kept. */
bool cs_declared_is_role_arn(const char *text);
bool cs_declared_is_client_id(const char *text);

#endif
