/* SPDX-License-Identifier: Apache-2.0 */
/* The part of the configuration that says where pods' names come from. */
#ifndef CS_APP_CONFIG_KUBE_H
#define CS_APP_CONFIG_KUBE_H

#include "app/config/config.h"
#include "io/kube_client.h"

/* As a pod: the mounted token and authority, and --kube api. */
void cs_config_default_kube(struct cs_config *config);

/* Once all is parsed, fill what the environment knows. 0, or -EINVAL with why in words. */
int cs_config_settle_kube(struct cs_config *config, char why[CS_OPTION_WHY_MAX]);

/* The client's options but for its callbacks; texts are config's. Not for CS_KUBE_NONE. */
void cs_config_kube_options(const struct cs_config *config, struct cs_kube_client_options *options);

#endif
