/* SPDX-License-Identifier: Apache-2.0 */
/* The setters of `run`'s options: each checks one value and puts it into a struct cs_config. */
#ifndef CS_APP_CONFIG_SET_H
#define CS_APP_CONFIG_SET_H

#include "app/config/options.h"

int cs_config_set_listen(void *target, const char *value, char why[CS_OPTION_WHY_MAX]);
int cs_config_set_api_listen(void *target, const char *value, char why[CS_OPTION_WHY_MAX]);
int cs_config_set_kube(void *target, const char *value, char why[CS_OPTION_WHY_MAX]);
int cs_config_set_kube_api(void *target, const char *value, char why[CS_OPTION_WHY_MAX]);
int cs_config_set_kube_token(void *target, const char *value, char why[CS_OPTION_WHY_MAX]);
int cs_config_set_kube_ca(void *target, const char *value, char why[CS_OPTION_WHY_MAX]);
int cs_config_set_kube_cert(void *target, const char *value, char why[CS_OPTION_WHY_MAX]);
int cs_config_set_kube_key(void *target, const char *value, char why[CS_OPTION_WHY_MAX]);
int cs_config_set_node_name(void *target, const char *value, char why[CS_OPTION_WHY_MAX]);
int cs_config_set_events(void *target, const char *value, char why[CS_OPTION_WHY_MAX]);
int cs_config_set_events_max_bytes(void *target, const char *value, char why[CS_OPTION_WHY_MAX]);
int cs_config_set_state_dir(void *target, const char *value, char why[CS_OPTION_WHY_MAX]);
int cs_config_set_cgroup(void *target, const char *value, char why[CS_OPTION_WHY_MAX]);
int cs_config_set_record_facts(void *target, const char *value, char why[CS_OPTION_WHY_MAX]);
int cs_config_set_expect(void *target, const char *value, char why[CS_OPTION_WHY_MAX]);
int cs_config_add_sts_host(void *target, const char *value, char why[CS_OPTION_WHY_MAX]);
int cs_config_add_entra_host(void *target, const char *value, char why[CS_OPTION_WHY_MAX]);
int cs_config_add_metadata_address(void *target, const char *value, char why[CS_OPTION_WHY_MAX]);
int cs_config_add_proxy_address(void *target, const char *value, char why[CS_OPTION_WHY_MAX]);
int cs_config_add_tls_port(void *target, const char *value, char why[CS_OPTION_WHY_MAX]);
int cs_config_add_token_path(void *target, const char *value, char why[CS_OPTION_WHY_MAX]);
int cs_config_set_histogram_by(void *target, const char *value, char why[CS_OPTION_WHY_MAX]);
int cs_config_set_identity_labels(void *target, const char *value, char why[CS_OPTION_WHY_MAX]);
int cs_config_set_max_series(void *target, const char *value, char why[CS_OPTION_WHY_MAX]);
int cs_config_set_aws_credential_life(void *target, const char *value, char why[CS_OPTION_WHY_MAX]);
int cs_config_set_azure_credential_life(void *target, const char *value,
                                        char why[CS_OPTION_WHY_MAX]);
int cs_config_set_pod_labels(void *target, const char *value, char why[CS_OPTION_WHY_MAX]);
int cs_config_set_bpf_stats(void *target, const char *value, char why[CS_OPTION_WHY_MAX]);
int cs_config_set_log_level(void *target, const char *value, char why[CS_OPTION_WHY_MAX]);
int cs_config_set_log_format(void *target, const char *value, char why[CS_OPTION_WHY_MAX]);

#endif
