// SPDX-License-Identifier: Apache-2.0
#include "core/classify/classify_party.h"

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
enum stands { ON_NODE, IN_POD, NODE_PROXY };

static const struct {
    const char *name;
    enum cs_interceptor interceptor;
    enum stands stands;
} known[] = {
    {"nmi", CS_INTERCEPTOR_NMI, ON_NODE},
    {"kube2iam", CS_INTERCEPTOR_KUBE2IAM, ON_NODE},
    {"kiam", CS_INTERCEPTOR_KIAM, ON_NODE},
    {"azwi-proxy", CS_INTERCEPTOR_AZWI_PROXY, IN_POD},
    {"ztunnel", CS_INTERCEPTOR_MESH, NODE_PROXY},
    {"cilium-envoy", CS_INTERCEPTOR_MESH, NODE_PROXY},
    {"istio-proxy", CS_INTERCEPTOR_MESH, IN_POD},
    {"proxyv2", CS_INTERCEPTOR_MESH, IN_POD},
    {"linkerd-proxy", CS_INTERCEPTOR_MESH, IN_POD},
    {"consul-dataplane", CS_INTERCEPTOR_MESH, IN_POD},
    {"envoy", CS_INTERCEPTOR_MESH, IN_POD},
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
        if (known[i].stands == NODE_PROXY && is_named(party, known[i].name))
            return true;
    }
    return false;
}

bool cs_party_asks_for_others(const struct cs_party *party)
{
    for (size_t i = 0; party->known && i < CS_ARRAY_SIZE(known); i++) {
        if (is_named(party, known[i].name) && known[i].interceptor != CS_INTERCEPTOR_MESH &&
            (known[i].stands != ON_NODE || party->host_network))
            return true;
    }
    return false;
}

bool cs_party_is_gateway(const struct cs_party *party)
{
    return party->alone && cs_party_interceptor(party) == CS_INTERCEPTOR_MESH &&
           !cs_party_is_node_proxy(party);
}
