/* SPDX-License-Identifier: Apache-2.0 */
#include "app/config/config.h"

#include "app/config/config_kube.h"
#include "app/config/config_set.h"
#include "base/util.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A row is one flag and one variable. */
static const struct cs_option options[] = {
    {NULL, NULL, "Serving:", NULL, false},
    {"listen", "ADDR:PORT", "serve /metrics, /healthz and /readyz here (default :9810)",
     cs_config_set_listen, false},
    {"api-listen", "unix:PATH|ADDR:PORT",
     "serve the API and the live page here (default unix:" CS_DEFAULT_API_SOCKET ")",
     cs_config_set_api_listen, false},

    {NULL, NULL, "Names:", NULL, false},
    {"kube", "api|kubelet|file:PATH|none",
     "where pods' names come from (default api with --kube-api or when a service-account token is "
     "mounted, else none)",
     cs_config_set_kube, false},
    {"kube-api", "URL",
     "the API server (default: the cluster's own); with --kube kubelet the kubelet (default "
     "https://$NODE_IP:10250)",
     cs_config_set_kube_api, false},
    {"kube-token", "FILE", "bearer token, read again when it changes (default: the mounted one)",
     cs_config_set_kube_token, false},
    {"kube-ca", "FILE",
     "the only authorities trusted, PEM (default: the mounted ones, else the system's)",
     cs_config_set_kube_ca, false},
    {"kube-cert", "FILE", "client certificate, PEM, with --kube-key", cs_config_set_kube_cert,
     false},
    {"kube-key", "FILE", "its private key, PEM", cs_config_set_kube_key, false},
    {"node-name", "NAME", "this node's name (default $NODE_NAME, else the host name)",
     cs_config_set_node_name, false},

    {NULL, NULL, "What is watched, in addition to what is built in:", NULL, false},
    {"sts-host", "SUFFIX", "TLS server names at or under this one are STS (repeatable)",
     cs_config_add_sts_host, true},
    {"entra-host", "SUFFIX", "TLS server names at or under this one are Entra ID (repeatable)",
     cs_config_add_entra_host, true},
    {"metadata-address", "ADDR[:PORT]", "a metadata service in clear (port 80; repeatable)",
     cs_config_add_metadata_address, true},
    {"proxy-address", "ADDR:PORT", "an HTTP proxy, for its CONNECT (repeatable)",
     cs_config_add_proxy_address, true},
    {"tls-port", "N", "a port for TLS beside 443 (repeatable)", cs_config_add_tls_port, true},
    {"token-path", "NAME=MECHANISM", "a web-identity token's file (repeatable)",
     cs_config_add_token_path, true},
    {"cgroup", "DIR", "watch this cgroup2 directory only (default: the root of cgroup v2)",
     cs_config_set_cgroup, false},

    {NULL, NULL, "What is written:", NULL, false},
    {"events", "PATH|-", "write an event log, a JSON object a line; - is standard output",
     cs_config_set_events, false},
    {"events-max-bytes", "N", "begin a new event log at this size (default 67108864)",
     cs_config_set_events_max_bytes, false},
    {"state-dir", "DIR|none",
     "keeps last-seen times over a restart (default " CS_DEFAULT_STATE_DIR ")",
     cs_config_set_state_dir, false},
    {"record-facts", "FILE", "write what the sensor sends, for replaying it",
     cs_config_set_record_facts, false},

    {NULL, NULL, "Metrics:", NULL, false},
    {"histogram-by", "workload|service-account|mechanism",
     "what latency histograms are kept by (default workload)", cs_config_set_histogram_by, false},
    {"pod-labels", NULL, "add the label pod (small clusters only)", cs_config_set_pod_labels,
     false},
    {"identity-labels", "full|hash|off", "how identities are shown (default full)",
     cs_config_set_identity_labels, false},
    {"max-series", "N", "series kept; what is beyond goes to ~other (default 10000)",
     cs_config_set_max_series, false},
    {"aws-credential-life", "HOURS",
     "a container uses a mechanism for so long after its last delivery (default 12)",
     cs_config_set_aws_credential_life, false},
    {"azure-credential-life", "HOURS", "the same for Azure's (default 28)",
     cs_config_set_azure_credential_life, false},
    {"expect", "FILE", "findings that are as intended (credscope(8), EXPECTED FINDINGS)",
     cs_config_set_expect, false},
    {"bpf-stats", NULL, "measure BPF programs; costs every BPF program of the node 79 ns a run",
     cs_config_set_bpf_stats, false},

    {NULL, NULL, "Log on standard error:", NULL, false},
    {"log-level", "LEVEL", "error, warning, info or debug (default info)", cs_config_set_log_level,
     false},
    {"log-format", "text|json", "(default text)", cs_config_set_log_format, false},
};
_Static_assert(CS_ARRAY_SIZE(options) <= CS_OPTIONS_MAX, "the table's bound");

static const struct cs_option_command command = {
    .name = "run",
    .intro = "Observe requests for cloud credentials on this node until SIGTERM.",
    .outro = "Each option is also an environment variable: --api-listen is CREDSCOPE_API_LISTEN. "
             "An option beats its variable; repeatable ones are comma-separated there. "
             "SIGHUP reopens the event log.\n\n"
             "Exit status: 0 stopped by a signal, 1 failed while running, 2 wrong usage or this "
             "node lacks something (`credscope check` says what).",
    .options = options,
    .count = CS_ARRAY_SIZE(options),
};

void cs_config_default(struct cs_config *config)
{
    char why[CS_OPTION_WHY_MAX];
    const char *node = getenv("NODE_NAME");

    memset(config, 0, sizeof(*config));
    cs_listen_parse(CS_DEFAULT_LISTEN, false, &config->listen, why);
    cs_listen_parse("unix:" CS_DEFAULT_API_SOCKET, true, &config->api_listen, why);
    cs_config_set_state_dir(config, CS_DEFAULT_STATE_DIR, why);
    if (!node || cs_config_set_node_name(config, node, why) < 0) {
        char name[HOST_NAME_MAX + 1] = "";

        gethostname(name, sizeof(name) - 1);
        if (cs_config_set_node_name(config, name, why) < 0)
            cs_config_set_node_name(config, "localhost", why);
        config->node_name_guessed = true;
    }
    cs_config_default_kube(config);
    config->events_max_bytes = 64 << 20;
    config->max_series = 10000;
    config->log_level = CS_LOG_INFO;
    cs_watchlist_init(&config->watchlist);
}

int cs_config_parse(int argc, char **argv, struct cs_config *config)
{
    char why[CS_OPTION_WHY_MAX];
    int r;

    cs_config_default(config);
    r = cs_options_parse(&command, argc, argv, config);
    if (r != 0)
        return r;
    r = cs_config_settle_kube(config, why);
    if (r < 0)
        fprintf(stderr, "credscope run: %s\n", why);
    return r;
}

const struct cs_option *cs_config_options(size_t *n)
{
    *n = CS_ARRAY_SIZE(options);
    return options;
}

void cs_config_help(void)
{
    cs_options_help(&command);
}
