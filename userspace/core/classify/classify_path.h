/* SPDX-License-Identifier: Apache-2.0 */
/* What a request target of a metadata service or agent asks for. Pure. */
#ifndef CS_CORE_CLASSIFY_PATH_H
#define CS_CORE_CLASSIFY_PATH_H

#include <stdbool.h>

enum cs_path_kind {
    CS_PATH_OTHER,
    CS_PATH_ROOT,              /* "/": the agent's probe of itself */
    CS_PATH_AGENT,             /* /v1/credentials */
    CS_PATH_AGENT_UNCLEAN,     /* the same with needless slashes: the agent redirects it */
    CS_PATH_AWS_TOKEN,         /* /latest/api/token: IMDSv2's session */
    CS_PATH_AWS_ROLE_NAME,     /* …/iam/security-credentials/: which role there is */
    CS_PATH_AWS_ROLE,          /* …/iam/security-credentials/ROLE */
    CS_PATH_AWS_EXTENDED_NAME, /* the same two under security-credentials-extended */
    CS_PATH_AWS_EXTENDED,
    CS_PATH_AWS_INSTANCE,   /* …/identity-credentials/ec2/security-credentials/ec2-instance */
    CS_PATH_AZURE_TOKEN,    /* /metadata/identity/oauth2/token */
    CS_PATH_AZURE_PLATFORM, /* /metadata/identity/getplatformmetadata: MSI v2, first step */
    CS_PATH_AZURE_ISSUE,    /* /metadata/identity/issuecredential: MSI v2, a certificate */
};

/* target as in a request line. Needless slashes are ignored, except in CS_PATH_AGENT. */
enum cs_path_kind cs_path_classify(const char *target);

#endif
