/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration of `credscope run`, from flags and environment, checked. */
#ifndef CS_APP_CONFIG_H
#define CS_APP_CONFIG_H

#include "base/log.h"
#include "core/mechanism.h"
#include "core/subject.h"

#include <credscope/abi.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#define CS_CONFIG_HOSTS_MAX 16
#define CS_CONFIG_ADDRESSES_MAX 16
#define CS_CONFIG_TOKENS_MAX 16
#define CS_DEFAULT_PORT 9810
#define CS_DEFAULT_STATE_DIR "/var/lib/credscope"
#define CS_DEFAULT_API_SOCKET "/run/credscope/api.sock"
#define CS_SERVICE_ACCOUNT_TOKEN "/var/run/secrets/kubernetes.io/serviceaccount/token"

enum cs_exit { CS_EXIT_OK = 0, CS_EXIT_FAILED = 1, CS_EXIT_USAGE = 2 };

enum cs_kube_source { CS_KUBE_NONE, CS_KUBE_API, CS_KUBE_KUBELET, CS_KUBE_FILE };
enum cs_histogram_by { CS_HISTOGRAM_WORKLOAD, CS_HISTOGRAM_SERVICE_ACCOUNT, CS_HISTOGRAM_MECHANISM };
enum cs_identity_labels { CS_IDENTITY_FULL, CS_IDENTITY_HASH, CS_IDENTITY_OFF };

/* Where a server listens. */
struct cs_listen {
    bool any; /* no address given: [::] for both families, 0.0.0.0 where there is no IPv6 */
    socklen_t len;
    union {
        struct sockaddr sa;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
        struct sockaddr_un un;
    } address;
    char text[sizeof(struct sockaddr_un) + 8]; /* as given */
};

/* A watched destination; addr as in struct cs_address_key, port in host order. */
struct cs_config_address {
    uint8_t addr[16];
    uint16_t port;
};

struct cs_config_token {
    char path[CS_TOKEN_SUFFIX_MAX + 1]; /* starts with '/': matched as the end of a path */
    enum cs_mechanism mechanism;
};

struct cs_config {
    struct cs_listen listen;
    struct cs_listen api_listen;

    enum cs_kube_source kube;
    char kube_file[PATH_MAX]; /* with CS_KUBE_FILE */
    char kube_api[256];       /* "" from the pod's environment */
    char node_name[CS_NAME_MAX];

    char events[PATH_MAX]; /* "" none, "-" standard output */
    uint64_t events_max_bytes;
    char state_dir[PATH_MAX]; /* "" none */
    char cgroup[PATH_MAX];    /* "" the root of cgroup v2 */
    char expect[PATH_MAX];    /* "" none */

    /* lower case, no leading or trailing dot */
    char sts_hosts[CS_CONFIG_HOSTS_MAX][CS_HOST_NAME_MAX + 1];
    size_t sts_host_count;
    char entra_hosts[CS_CONFIG_HOSTS_MAX][CS_HOST_NAME_MAX + 1];
    size_t entra_host_count;
    struct cs_config_address metadata_addresses[CS_CONFIG_ADDRESSES_MAX];
    size_t metadata_address_count;
    struct cs_config_address proxy_addresses[CS_CONFIG_ADDRESSES_MAX];
    size_t proxy_address_count;
    uint16_t tls_ports[CS_TLS_PORTS_MAX]; /* host order; [0] is 443 */
    size_t tls_port_count;
    struct cs_config_token tokens[CS_CONFIG_TOKENS_MAX];
    size_t token_count;

    enum cs_histogram_by histogram_by;
    bool pod_labels;
    enum cs_identity_labels identity_labels;
    uint32_t max_series;
    bool bpf_stats;

    enum cs_log_level log_level;
    enum cs_log_format log_format;
};

/* The defaults on this machine: node name from $NODE_NAME or the host name, kube from whether a
 * service-account token is mounted. */
void cs_config_default(struct cs_config *config);

/*
 * Parse `run`'s arguments (argv[0] is "run") over the defaults and the environment.
 * 0: go on. 1: --help or --version was answered, exit with CS_EXIT_OK. -EINVAL: one line on stderr
 * said which flag or variable is wrong and why, exit with CS_EXIT_USAGE.
 */
int cs_config_parse(int argc, char **argv, struct cs_config *config);

/* `run --help` on stdout, for `credscope help run`. */
void cs_config_help(void);

/* Parse ADDR:PORT, [ADDR]:PORT, :PORT, unix:PATH. 0, or -EINVAL with why. */
int cs_listen_parse(const char *text, bool allow_unix, struct cs_listen *address, char *why,
                    size_t why_size);

#endif
