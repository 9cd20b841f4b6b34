/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every metric there is, one row each: adding a row is the whole registration. docs/metrics.md
 * is the reference for people; a unit test compares it with this table.
 *
 * X(id, family, kind, unit, scope, help, labels...)
 *   family  the OpenMetrics family name. The exported name adds "_total" to a COUNTER, "_info" to
 *           an INFO (both formats), and the unit stands in the name as Prometheus wants it.
 *   kind    COUNTER, GAUGE, INFO, or a histogram by its bounds (core/metrics/histogram.h)
 *   unit    NONE: the value is a number. SECONDS: it is held in nanoseconds. BYTES.
 *   scope   NODE: about this node, only the labels listed. WORKLOAD: the labels W first (and
 *           "pod" with --pod-labels), kept until the workload expires. STATE: like WORKLOAD, and
 *           goes at once when the workload's last pod does.
 *   labels  at most CS_METRIC_LABELS_MAX, W not among them
 * A metric without series is not exported at all, not even its HELP.
 */
#ifndef CREDSCOPE_METRICS_H
#define CREDSCOPE_METRICS_H

#define CS_METRIC_LABELS_MAX 4

/* clang-format off */
#define CS_METRICS(X) \
    X(REQUESTS, "credscope_requests", COUNTER, NONE, WORKLOAD, \
      "Requests for credentials or metadata, by who asked, mechanism and outcome.", \
      "mechanism", "outcome") \
    X(CREDENTIALS, "credscope_credentials", COUNTER, NONE, WORKLOAD, \
      "Answers that carried credentials.", \
      "mechanism") \
    X(REQUEST_DURATION, "credscope_request_duration_seconds", HISTOGRAM_WORKLOAD, SECONDS, WORKLOAD, \
      "First request byte to response head; the waiting time where no answer came.", \
      "mechanism") \
    X(LAST_SUCCESS, "credscope_last_success_timestamp_seconds", GAUGE, SECONDS, WORKLOAD, \
      "When a request last succeeded, seconds since 1970.", \
      "mechanism") \
    X(LAST_FAILURE, "credscope_last_failure_timestamp_seconds", GAUGE, SECONDS, WORKLOAD, \
      "When a request last failed, seconds since 1970.", \
      "mechanism") \
    X(FIRST_REQUESTS, "credscope_first_requests", COUNTER, NONE, WORKLOAD, \
      "Containers' first attempts to get credentials, by what came of them.", \
      "mechanism", "result") \
    X(PODS_USING, "credscope_pods_using", GAUGE, NONE, STATE, \
      "Pods with a running container that has obtained credentials which may be valid still.", \
      "mechanism") \
    X(PODS_DECLARING, "credscope_pods_declaring", GAUGE, NONE, STATE, \
      "Running pods by what their spec declares.", \
      "declared") \
    X(IDENTITY, "credscope_identity", INFO, NONE, STATE, \
      "Role, client id or resource that was asked for or is declared (--identity-labels).", \
      "mechanism", "identity", "source") \
    X(FINDING, "credscope_finding", GAUGE, NONE, WORKLOAD, \
      "1 while a container of the workload shows it.", \
      "finding", "expected") \
    X(SDK, "credscope_sdk", INFO, NONE, STATE, \
      "SDKs that the workload's requests name, where they name one.", \
      "sdk", "version") \
    X(NODE_REQUESTS, "credscope_node_requests", COUNTER, NONE, NODE, \
      "All requests on this node, from 0 at start for every mechanism and outcome it can have.", \
      "mechanism", "outcome") \
    X(IN_FLIGHT, "credscope_requests_in_flight", GAUGE, NONE, NODE, \
      "Requests that wait for their answer now.", \
      "mechanism") \
    X(OLDEST_IN_FLIGHT, "credscope_oldest_in_flight_seconds", GAUGE, SECONDS, NODE, \
      "How long the oldest request in flight has waited; 0 when there is none.", \
      "mechanism") \
    X(ENDPOINT_REQUEST_DURATION, "credscope_endpoint_request_duration_seconds", HISTOGRAM_ENDPOINT, SECONDS, NODE, \
      "First request byte to response head by endpoint; the waiting time where no answer came.", \
      "endpoint", "address_family", "mechanism") \
    X(ENDPOINT_CONNECT_DURATION, "credscope_endpoint_connect_duration_seconds", HISTOGRAM_ENDPOINT, SECONDS, NODE, \
      "connect(2) to an established connection, or to its failure.", \
      "endpoint", "address_family", "mechanism") \
    X(ENDPOINT_TLS_DURATION, "credscope_endpoint_tls_handshake_duration_seconds", HISTOGRAM_ENDPOINT, SECONDS, NODE, \
      "ClientHello to a complete TLS handshake, or to its failure.", \
      "endpoint", "address_family", "mechanism") \
    X(ENDPOINT_LAST_SUCCESS, "credscope_endpoint_last_success_timestamp_seconds", GAUGE, SECONDS, NODE, \
      "When the endpoint last gave this node any answer but 429 or 5xx, seconds since 1970.", \
      "endpoint", "address_family") \
    X(ENDPOINT_LAST_FAILURE, "credscope_endpoint_last_failure_timestamp_seconds", GAUGE, SECONDS, NODE, \
      "When the endpoint last gave this node no answer, 429 or 5xx, seconds since 1970.", \
      "endpoint", "address_family") \
    X(FIRST_SUCCESS_DELAY, "credscope_first_success_delay_seconds", HISTOGRAM_FIRST, SECONDS, NODE, \
      "A container's first attempt to get credentials to its first success.", \
      "mechanism") \
    X(MECHANISM, "credscope_mechanism", INFO, NONE, NODE, \
      "What each mechanism is: its cloud, what a migration does with it, what replaces it.", \
      "mechanism", "cloud", "class", "successor") \
    X(FINDING_INFO, "credscope_finding_info", GAUGE, NONE, NODE, \
      "Always 1: how severe each finding is.", \
      "finding", "severity") \
    X(NODE, "credscope_node", INFO, NONE, NODE, \
      "This node.", \
      "node", "cloud", "kernel") \
    X(BUILD, "credscope_build", INFO, NONE, NODE, \
      "This build of credscope.", \
      "version", "abi", "libbpf") \
    X(OBSERVED, "credscope_observed_seconds", COUNTER, SECONDS, NODE, \
      "Time watched since start: every program attached.") \
    X(UNOBSERVED, "credscope_unobserved_seconds", COUNTER, SECONDS, NODE, \
      "Time between the end of the last run on this node and the start of this one.") \
    X(CONTAINERS_UNOBSERVED, "credscope_containers_unobserved", GAUGE, NONE, NODE, \
      "Pods' containers that run and can't be seen wholly.", \
      "reason") \
    X(PREEXISTING_SOCKETS, "credscope_preexisting_sockets", GAUGE, NONE, NODE, \
      "Connections of credscope's own network namespace to watched addresses that are older than it: unseen.") \
    X(FACTS, "credscope_facts", COUNTER, NONE, NODE, \
      "Facts received from the kernel half.", \
      "type") \
    X(LOST, "credscope_lost", COUNTER, NONE, NODE, \
      "What was lost, by the hop where it happened.", \
      "hop", "reason") \
    X(CONNECTIONS, "credscope_connections", COUNTER, NONE, NODE, \
      "Watched connections heard of; equals observed + lost + open at any time.") \
    X(CONNECTIONS_OBSERVED, "credscope_connections_observed", COUNTER, NONE, NODE, \
      "Watched connections that ended with all of it seen.") \
    X(CONNECTIONS_LOST, "credscope_connections_lost", COUNTER, NONE, NODE, \
      "Watched connections that were not wholly seen, by the first reason.", \
      "reason") \
    X(CONNECTIONS_OPEN, "credscope_connections_open", GAUGE, NONE, NODE, \
      "Watched connections that are open now.") \
    X(WAITED, "credscope_waited_requests", COUNTER, NONE, NODE, \
      "Requests that waited for their pod to become known, by how the waiting ended.", \
      "end") \
    X(KUBE_CONNECTED, "credscope_kube_connected", GAUGE, NONE, NODE, \
      "1 while the source of pods answers.", \
      "source") \
    X(KUBE_SYNCED, "credscope_kube_synced", GAUGE, NONE, NODE, \
      "1 once a whole list of this node's pods was read.", \
      "source") \
    X(KUBE_LAG, "credscope_kube_lag_seconds", GAUGE, SECONDS, NODE, \
      "For how long the source of pods has not been heard while it was not connected.", \
      "source") \
    X(KUBE_REQUESTS, "credscope_kube_requests", COUNTER, NONE, NODE, \
      "Requests to the source of pods that were answered, by HTTP status.", \
      "code") \
    X(KUBE_FAILURES, "credscope_kube_failures", COUNTER, NONE, NODE, \
      "Requests to the source of pods that failed, by why.", \
      "reason") \
    X(KUBE_LISTS, "credscope_kube_lists", COUNTER, NONE, NODE, \
      "Lists of pods begun, the first and the polls of a kubelet or file included.") \
    X(KUBE_RELISTS, "credscope_kube_relists", COUNTER, NONE, NODE, \
      "Lists begun because the watch could not go on.") \
    X(KUBE_WATCHES, "credscope_kube_watches", COUNTER, NONE, NODE, \
      "Watches begun.") \
    X(KUBE_EVENTS, "credscope_kube_events", COUNTER, NONE, NODE, \
      "Pods listed and watch events, by type.", \
      "type") \
    X(KUBE_RECEIVED, "credscope_kube_received_bytes", COUNTER, BYTES, NODE, \
      "Bytes of lists and watches read.") \
    X(ATTRIBUTIONS, "credscope_attributions", COUNTER, NONE, NODE, \
      "Requests by how far they could be attributed.", \
      "result") \
    X(RELAYED, "credscope_relayed", COUNTER, NONE, NODE, \
      "Requests seen again on the connection of a mesh's proxy, which counts them no second time.") \
    X(TRACKED, "credscope_tracked", GAUGE, NONE, NODE, \
      "Entries of each bounded set in user space.", \
      "set") \
    X(TRACKED_LIMIT, "credscope_tracked_limit", GAUGE, NONE, NODE, \
      "The most entries each bounded set may hold.", \
      "set") \
    X(TRACKED_REFUSED, "credscope_tracked_refused", COUNTER, NONE, NODE, \
      "Entries that a full set did not take, or dropped for another.", \
      "set") \
    X(SERIES, "credscope_series", GAUGE, NONE, NODE, \
      "Samples on this page.") \
    X(SERIES_LIMIT, "credscope_series_limit", GAUGE, NONE, NODE, \
      "The most samples this page may have (--max-series).") \
    X(SERIES_OVERFLOW, "credscope_series_overflow", COUNTER, NONE, NODE, \
      "Updates that --max-series sent to less precise labels, or (dropped) to none.", \
      "kept") \
    X(SERIES_EXPIRED, "credscope_series_expired", COUNTER, NONE, NODE, \
      "Samples removed because their workload is gone.") \
    X(PROGRAM_ATTACHED, "credscope_program_attached", GAUGE, NONE, NODE, \
      "1 while the BPF program is attached.", \
      "program", "hook") \
    X(PROGRAM_RUNS, "credscope_program_runs", COUNTER, NONE, NODE, \
      "Runs of the BPF program, only with --bpf-stats.", \
      "program") \
    X(PROGRAM_RUN_TIME, "credscope_program_run_seconds", COUNTER, SECONDS, NODE, \
      "Time spent in the BPF program, only with --bpf-stats.", \
      "program") \
    X(MAP_ENTRIES, "credscope_map_entries", GAUGE, NONE, NODE, \
      "Entries in the BPF map.", \
      "map") \
    X(MAP_CAPACITY, "credscope_map_capacity", GAUGE, NONE, NODE, \
      "The most entries the BPF map can hold; bytes for the ring.", \
      "map") \
    X(SCRAPES, "credscope_scrapes", COUNTER, NONE, NODE, \
      "Pages of metrics served.", \
      "format") \
    X(SCRAPE_DURATION, "credscope_scrape_duration_seconds", GAUGE, SECONDS, NODE, \
      "How long it took to write the previous page.") \
    X(SCRAPE_SIZE, "credscope_scrape_size_bytes", GAUGE, BYTES, NODE, \
      "Size of the previous page before compression.") \
    X(PROCESS_CPU, "process_cpu_seconds", COUNTER, SECONDS, NODE, \
      "User and system CPU time of this process.") \
    X(PROCESS_START, "process_start_time_seconds", GAUGE, SECONDS, NODE, \
      "When this process started, seconds since 1970.") \
    X(PROCESS_RESIDENT, "process_resident_memory_bytes", GAUGE, BYTES, NODE, \
      "Resident memory.") \
    X(PROCESS_ANONYMOUS, "process_resident_anonymous_memory_bytes", GAUGE, BYTES, NODE, \
      "Resident memory that is private to this process (RssAnon).") \
    X(PROCESS_VIRTUAL, "process_virtual_memory_bytes", GAUGE, BYTES, NODE, \
      "Virtual memory.") \
    X(PROCESS_FDS, "process_open_fds", GAUGE, NONE, NODE, \
      "Open file descriptors.") \
    X(PROCESS_MAX_FDS, "process_max_fds", GAUGE, NONE, NODE, \
      "The most file descriptors this process may open.")
/* clang-format on */

enum cs_metric {
#define CS_METRIC_ID(id, ...) CS_METRIC_##id,
    CS_METRICS(CS_METRIC_ID)
#undef CS_METRIC_ID
        CS_METRIC_END,
};

enum cs_metric_kind {
    CS_KIND_COUNTER,
    CS_KIND_GAUGE,
    CS_KIND_INFO,
    CS_KIND_HISTOGRAM_WORKLOAD,
    CS_KIND_HISTOGRAM_ENDPOINT,
    CS_KIND_HISTOGRAM_FIRST,
};

enum cs_metric_unit { CS_UNIT_NONE, CS_UNIT_SECONDS, CS_UNIT_BYTES };

enum cs_metric_scope { CS_SCOPE_NODE, CS_SCOPE_WORKLOAD, CS_SCOPE_STATE };

#endif
