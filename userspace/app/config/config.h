/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration of `credscope run`, from flags and environment, checked. */
#ifndef CS_APP_CONFIG_H
#define CS_APP_CONFIG_H

#include "app/config/options.h"
#include "base/log.h"
#include "core/attribute/subject.h"
#include "core/classify/watchlist.h"
#include "core/kube/kube_url.h"
#include "core/metrics/credential_life.h"
#include "core/metrics/record.h"

#include <limits.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#define CS_DEFAULT_LISTEN     ":9810"
#define CS_DEFAULT_STATE_DIR  "/var/lib/credscope"
#define CS_DEFAULT_API_SOCKET "/run/credscope/api.sock"

enum cs_exit { CS_EXIT_OK = 0, CS_EXIT_FAILED = 1, CS_EXIT_USAGE = 2 };

enum cs_kube_source { CS_KUBE_NONE, CS_KUBE_API, CS_KUBE_KUBELET, CS_KUBE_FILE };
enum cs_histogram_by {
    CS_HISTOGRAM_WORKLOAD,
    CS_HISTOGRAM_SERVICE_ACCOUNT,
    CS_HISTOGRAM_MECHANISM
};

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

struct cs_config {
    struct cs_listen listen;
    struct cs_listen api_listen;

    enum cs_kube_source kube;
    bool kube_given;                /* by flag or variable */
    char kube_file[PATH_MAX];       /* with CS_KUBE_FILE */
    char kube_api[CS_KUBE_URL_MAX]; /* "" from the pod's environment; with CS_KUBE_KUBELET the
                                     * kubelet's, "" that of $NODE_IP */
    char kube_token[PATH_MAX];      /* "" none, as the next three */
    char kube_ca[PATH_MAX];         /* "" the system's authorities */
    char kube_cert[PATH_MAX];
    char kube_key[PATH_MAX];
    char node_name[CS_NAME_MAX];
    bool node_name_guessed; /* it is the host name */

    char events[PATH_MAX]; /* "" none, "-" standard output */
    uint64_t events_max_bytes;
    char state_dir[PATH_MAX];    /* "" none */
    char cgroup[PATH_MAX];       /* "" the root of cgroup v2 */
    char expect[PATH_MAX];       /* "" none */
    char record_facts[PATH_MAX]; /* "" none: raw facts, for tools/replay */

    /* The built-in entries and those of --metadata-address, --proxy-address, --tls-port,
     * --sts-host, --entra-host and --token-path. */
    struct cs_watchlist watchlist;

    enum cs_histogram_by histogram_by;
    bool pod_labels;
    enum cs_identity_labels identity_labels;
    uint32_t max_series;
    struct cs_credential_life credential_life;
    bool bpf_stats;

    enum cs_log_level log_level;
    enum cs_log_format log_format;
};

/* The defaults on this machine: node name from $NODE_NAME or the host name; kube, its token and
 * authority from whether a service-account token is mounted. */
void cs_config_default(struct cs_config *config);

/*
 * Parse `run`'s arguments (argv[0] is "run") over the defaults and the environment.
 * 0: go on. 1: --help or --version was answered, exit with CS_EXIT_OK. -EINVAL: one line on stderr
 * said which flag or variable is wrong and why, exit with CS_EXIT_USAGE.
 */
int cs_config_parse(int argc, char **argv, struct cs_config *config);

/* `run --help` on stdout, for `credscope help run`. */
void cs_config_help(void);

/* The table of `run`'s options; their target is a struct cs_config. */
const struct cs_option *cs_config_options(size_t *n);

/* Parse ADDR:PORT, [ADDR]:PORT or :PORT (0 … 65535; 0: any free one), and unix:PATH if allowed.
 * 0, or -EINVAL with why in words; *listen is then unchanged. */
int cs_listen_parse(const char *text, bool allow_unix, struct cs_listen *listen,
                    char why[CS_OPTION_WHY_MAX]);

#endif
