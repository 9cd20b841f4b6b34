// SPDX-License-Identifier: Apache-2.0
#include "core/classify_party.h"

#include "base/util.h"

#include <assert.h>
#include <string.h>

static const char *const names[] = {
    [CS_INTERCEPTOR_NONE] = "none", [CS_INTERCEPTOR_UNKNOWN] = "unknown",
    [CS_INTERCEPTOR_NMI] = "nmi",   [CS_INTERCEPTOR_KUBE2IAM] = "kube2iam",
    [CS_INTERCEPTOR_KIAM] = "kiam", [CS_INTERCEPTOR_AZWI_PROXY] = "azwi-proxy",
    [CS_INTERCEPTOR_MESH] = "mesh",
};
static_assert(CS_ARRAY_SIZE(names) == CS_INTERCEPTOR_END, "a name for every interceptor");

const char *cs_interceptor_name(enum cs_interceptor interceptor)
{
    return names[interceptor];
}

/* A name is one or more whole words, between '-', of the workload's or container's name or of the
 * last part of the image's. Sources: the projects' own manifests and charts (aad-pod-identity
 * charts/, kube2iam and kiam deploy/, azure-workload-identity pkg/webhook, Istio, Linkerd, Consul,
 * Cilium). */
static const struct {
    const char *name;
    enum cs_interceptor interceptor;
    bool node_proxy;
} known[] = {
    {"nmi", CS_INTERCEPTOR_NMI, false},
    {"kube2iam", CS_INTERCEPTOR_KUBE2IAM, false},
    {"kiam", CS_INTERCEPTOR_KIAM, false},
    {"azwi-proxy", CS_INTERCEPTOR_AZWI_PROXY, false},
    {"ztunnel", CS_INTERCEPTOR_MESH, true},
    {"cilium-envoy", CS_INTERCEPTOR_MESH, true},
    {"istio-proxy", CS_INTERCEPTOR_MESH, false},
    {"proxyv2", CS_INTERCEPTOR_MESH, false},
    {"linkerd-proxy", CS_INTERCEPTOR_MESH, false},
    {"consul-dataplane", CS_INTERCEPTOR_MESH, false},
    {"envoy", CS_INTERCEPTOR_MESH, false},
};

static bool is_end(char c)
{
    return c == '\0' || c == '-' || c == ':' || c == '@';
}

static bool has_words(const char *text, const char *words)
{
    size_t len = strlen(words);

    for (const char *at = text; (at = strstr(at, words)); at++) {
        if ((at == text || at[-1] == '-') && is_end(at[len]))
            return true;
    }
    return false;
}

static bool is_named(const struct cs_party *party, const char *words)
{
    const char *image = party->image ? strrchr(party->image, '/') : NULL;

    image = image ? image + 1 : party->image;
    return (party->workload && has_words(party->workload, words)) ||
           (party->container && has_words(party->container, words)) ||
           (image && has_words(image, words));
}

enum cs_interceptor cs_party_interceptor(const struct cs_party *party)
{
    for (size_t i = 0; party->known && i < CS_ARRAY_SIZE(known); i++) {
        if (is_named(party, known[i].name))
            return known[i].interceptor;
    }
    return CS_INTERCEPTOR_UNKNOWN;
}

bool cs_party_is_node_proxy(const struct cs_party *party)
{
    for (size_t i = 0; party->known && i < CS_ARRAY_SIZE(known); i++) {
        if (known[i].node_proxy && is_named(party, known[i].name))
            return true;
    }
    return false;
}
