/* SPDX-License-Identifier: Apache-2.0 */
#include "app/config/config_kube.h"

#include "app/config/config_set.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Write why and fail, in one statement. */
#define REFUSE(...) (snprintf(why, CS_OPTION_WHY_MAX, __VA_ARGS__), -EINVAL)

void cs_config_default_kube(struct cs_config *config)
{
    char why[CS_OPTION_WHY_MAX];

    if (access(CS_KUBE_TOKEN_FILE, F_OK) < 0)
        return;
    config->kube = CS_KUBE_API;
    cs_config_set_kube_token(config, CS_KUBE_TOKEN_FILE, why);
    if (access(CS_KUBE_CA_FILE, F_OK) == 0)
        cs_config_set_kube_ca(config, CS_KUBE_CA_FILE, why);
}

static int find_api(struct cs_config *config, char why[CS_OPTION_WHY_MAX])
{
    int error = cs_kube_client_cluster_url(config->kube_api);

    if (error == -ENOENT)
        return REFUSE("--kube api: not in a cluster (no KUBERNETES_SERVICE_HOST); give --kube-api "
                      "URL, or --kube none");
    if (error < 0)
        return REFUSE("--kube api: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are no "
                      "address; give --kube-api URL");
    return 0;
}

static int find_kubelet(struct cs_config *config, char why[CS_OPTION_WHY_MAX])
{
    const char *address = getenv("NODE_IP");

    if (!address || address[0] == '\0')
        return REFUSE("--kube kubelet: at which address? set NODE_IP (from status.hostIP), or give "
                      "--kube-api https://ADDRESS:10250");
    if (cs_kube_url_make(address, CS_KUBE_KUBELET_PORT, config->kube_api) < 0)
        return REFUSE("--kube kubelet: NODE_IP is no address; give --kube-api "
                      "https://ADDRESS:10250");
    return 0;
}

int cs_config_settle_kube(struct cs_config *config, char why[CS_OPTION_WHY_MAX])
{
    if (!config->kube_given && config->kube_api[0] != '\0')
        config->kube = CS_KUBE_API;
    if (!config->kube_cert[0] != !config->kube_key[0])
        return REFUSE("--kube-cert and --kube-key go together: give both, or neither");
    if (config->kube_api[0] != '\0')
        return 0;
    if (config->kube == CS_KUBE_API)
        return find_api(config, why);
    if (config->kube == CS_KUBE_KUBELET)
        return find_kubelet(config, why);
    return 0;
}

static enum cs_kube_client_source source_of(enum cs_kube_source kube)
{
    switch (kube) {
    case CS_KUBE_KUBELET:
        return CS_KUBE_CLIENT_KUBELET;
    case CS_KUBE_FILE:
        return CS_KUBE_CLIENT_FILE;
    default:
        return CS_KUBE_CLIENT_API;
    }
}

void cs_config_kube_options(const struct cs_config *config, struct cs_kube_client_options *options)
{
    *options = (struct cs_kube_client_options){
        .source = source_of(config->kube),
        .url = config->kube_api,
        .node_name = config->node_name,
        .token_file = config->kube_token,
        .ca_file = config->kube_ca,
        .cert_file = config->kube_cert,
        .key_file = config->kube_key,
        .file = config->kube_file,
    };
}
