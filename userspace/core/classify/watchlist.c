// SPDX-License-Identifier: Apache-2.0
#include "core/classify/watchlist.h"

#include "base/util.h"

#include <string.h>

#define V4(a, b, c, d)                                       \
    {                                                        \
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d \
    }
#define V6_EC2(last_high, last_low)                                               \
    {                                                                             \
        0xfd, 0x00, 0x0e, 0xc2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last_high, last_low \
    }

/* Agent: aws/eks-pod-identity-agent configuration/config.go. IMDS: EC2 user guide,
 * "instance metadata"; Azure and its interceptors share the IPv4 address. */
static const struct cs_watch_address builtin_addresses[] = {
    {{V4(169, 254, 170, 23), 80, 0}, CS_WATCH_PLAIN, CS_ENDPOINT_POD_IDENTITY_AGENT},
    {{V6_EC2(0x00, 0x23), 80, 0}, CS_WATCH_PLAIN, CS_ENDPOINT_POD_IDENTITY_AGENT},
    {{V4(169, 254, 169, 254), 80, 0}, CS_WATCH_PLAIN, CS_ENDPOINT_IMDS},
    {{V6_EC2(0x02, 0x54), 80, 0}, CS_WATCH_PLAIN, CS_ENDPOINT_IMDS},
};

/* AWS: the dnsSuffix and dualStackDnsSuffix of every partition (botocore partitions.json,
 * endpoint rule sets of sts and eks-auth); regions aren't listed, new ones come yearly.
 * Entra: the authority hosts of MSAL and azidentity (AuthorityMetadata, known_metadata.go). */
static const struct cs_watch_suffix builtin_suffixes[] = {
    {"amazonaws.com", CS_SUFFIX_AWS, CS_ENDPOINT_STS},
    {"api.aws", CS_SUFFIX_AWS, CS_ENDPOINT_STS},
    {"amazonaws.com.cn", CS_SUFFIX_AWS, CS_ENDPOINT_STS},
    {"api.amazonwebservices.com.cn", CS_SUFFIX_AWS, CS_ENDPOINT_STS},
    {"amazonaws.eu", CS_SUFFIX_AWS, CS_ENDPOINT_STS},
    {"api.amazonwebservices.eu", CS_SUFFIX_AWS, CS_ENDPOINT_STS},
    {"c2s.ic.gov", CS_SUFFIX_AWS, CS_ENDPOINT_STS},
    {"api.aws.ic.gov", CS_SUFFIX_AWS, CS_ENDPOINT_STS},
    {"sc2s.sgov.gov", CS_SUFFIX_AWS, CS_ENDPOINT_STS},
    {"api.aws.scloud", CS_SUFFIX_AWS, CS_ENDPOINT_STS},
    {"cloud.adc-e.uk", CS_SUFFIX_AWS, CS_ENDPOINT_STS},
    {"api.cloud-aws.adc-e.uk", CS_SUFFIX_AWS, CS_ENDPOINT_STS},
    {"csp.hci.ic.gov", CS_SUFFIX_AWS, CS_ENDPOINT_STS},
    {"api.aws.hci.ic.gov", CS_SUFFIX_AWS, CS_ENDPOINT_STS},
    {"login.microsoftonline.com", CS_SUFFIX_ANY, CS_ENDPOINT_ENTRA},
    {"login.windows.net", CS_SUFFIX_ANY, CS_ENDPOINT_ENTRA},
    {"login.microsoft.com", CS_SUFFIX_ANY, CS_ENDPOINT_ENTRA},
    {"sts.windows.net", CS_SUFFIX_ANY, CS_ENDPOINT_ENTRA},
    {"login-us.microsoftonline.com", CS_SUFFIX_ANY, CS_ENDPOINT_ENTRA},
    {"login.microsoftonline.us", CS_SUFFIX_ANY, CS_ENDPOINT_ENTRA},
    {"login.usgovcloudapi.net", CS_SUFFIX_ANY, CS_ENDPOINT_ENTRA},
    {"login.partner.microsoftonline.cn", CS_SUFFIX_ANY, CS_ENDPOINT_ENTRA},
    {"login.chinacloudapi.cn", CS_SUFFIX_ANY, CS_ENDPOINT_ENTRA},
    {"login.microsoftonline.de", CS_SUFFIX_ANY, CS_ENDPOINT_ENTRA},
    {"login.sovcloud-identity.fr", CS_SUFFIX_ANY, CS_ENDPOINT_ENTRA},
    {"login.sovcloud-identity.de", CS_SUFFIX_ANY, CS_ENDPOINT_ENTRA},
    {"login.sovcloud-identity.sg", CS_SUFFIX_ANY, CS_ENDPOINT_ENTRA},
};

/* aws/amazon-eks-pod-identity-webhook pkg/constants.go; Azure/azure-workload-identity
 * pkg/webhook/consts.go, whose directory changed in v1.6.0, so only the file's name counts. */
static const struct cs_watch_token builtin_tokens[] = {
    {"/eks.amazonaws.com/serviceaccount/token", CS_MECHANISM_IRSA},
    {"/pods.eks.amazonaws.com/serviceaccount/eks-pod-identity-token",
     CS_MECHANISM_EKS_POD_IDENTITY},
    {"/azure-identity-token", CS_MECHANISM_AZURE_WORKLOAD_IDENTITY},
};

_Static_assert(CS_ARRAY_SIZE(builtin_addresses) <= CS_WATCHED_ADDRESSES_MAX, "addresses");
_Static_assert(CS_ARRAY_SIZE(builtin_suffixes) <= CS_SNI_SUFFIXES_MAX, "suffixes");
_Static_assert(CS_ARRAY_SIZE(builtin_tokens) <= CS_TOKEN_PATHS_MAX, "tokens");

void cs_watchlist_init(struct cs_watchlist *list)
{
    memset(list, 0, sizeof(*list));
    memcpy(list->addresses, builtin_addresses, sizeof(builtin_addresses));
    list->address_count = CS_ARRAY_SIZE(builtin_addresses);
    memcpy(list->suffixes, builtin_suffixes, sizeof(builtin_suffixes));
    list->suffix_count = CS_ARRAY_SIZE(builtin_suffixes);
    memcpy(list->tokens, builtin_tokens, sizeof(builtin_tokens));
    list->token_count = CS_ARRAY_SIZE(builtin_tokens);
    list->tls_ports[0] = 443;
    list->tls_port_count = 1;
}

const struct cs_watch_address *cs_watchlist_address(const struct cs_watchlist *list,
                                                    const uint8_t addr[16], uint16_t port)
{
    for (size_t i = 0; i < list->address_count; i++) {
        const struct cs_address_key *key = &list->addresses[i].key;

        if (key->port == port && memcmp(key->addr, addr, sizeof(key->addr)) == 0)
            return &list->addresses[i];
    }
    return NULL;
}

const struct cs_watch_suffix *cs_watchlist_suffix(const struct cs_watchlist *list, const char *name,
                                                  size_t *left)
{
    const struct cs_watch_suffix *found = NULL;
    size_t name_len = strlen(name), found_len = 0;

    for (size_t i = 0; i < list->suffix_count; i++) {
        const struct cs_watch_suffix *suffix = &list->suffixes[i];
        size_t len = strlen(suffix->name);

        if (len > name_len || len <= found_len || memcmp(name + name_len - len, suffix->name, len))
            continue;
        if (len < name_len && name[name_len - len - 1] != '.')
            continue;
        found = suffix;
        found_len = len;
    }
    if (found)
        *left = name_len > found_len ? name_len - found_len - 1 : 0;
    return found;
}

size_t cs_watchlist_plain_ports(const struct cs_watchlist *list, uint16_t ports[CS_PLAIN_PORTS_MAX])
{
    size_t count = 0;

    for (size_t i = 0; i < list->address_count; i++) {
        uint16_t port = list->addresses[i].key.port;
        size_t at = 0;

        while (at < count && ports[at] != port)
            at++;
        if (at == count && count < CS_PLAIN_PORTS_MAX)
            ports[count++] = port;
    }
    return count;
}

void cs_watch_suffix_key(const struct cs_watch_suffix *suffix, struct cs_suffix_key *key)
{
    size_t len = strlen(suffix->name);

    memset(key, 0, sizeof(*key));
    for (size_t i = 0; i < len; i++)
        key->reversed[i] = (uint8_t)suffix->name[len - 1 - i];
    key->reversed[len] = '.';
    key->prefixlen = (uint32_t)(len + 1) * 8;
}

void cs_watch_token_path(const struct cs_watch_token *token, struct cs_token_path *path)
{
    size_t len = strnlen(token->path, sizeof(token->path) - 1);

    memset(path, 0, sizeof(*path));
    memcpy(path->text, token->path, len);
    path->len = (uint16_t)len;
}

void cs_watchlist_token_filter(const struct cs_watchlist *list, struct cs_token_filter *filter)
{
    memset(filter, 0, sizeof(*filter));
    for (size_t i = 0; i < list->token_count; i++) {
        const char *name = strrchr(list->tokens[i].path, '/') + 1;
        size_t len = strlen(name);

        filter->by_length[len] |= UINT32_C(1) << i;
        memcpy(&filter->heads[i], name, len < sizeof(uint64_t) ? len : sizeof(uint64_t));
    }
}
