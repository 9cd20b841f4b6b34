// SPDX-License-Identifier: Apache-2.0
#include "core/report/event_json.h"

#include "core/event_json_writer.h"
#include "core/findings/finding_json.h"
#include "core/mechanism.h"

#include <string.h>

static uint64_t wall_time(const struct cs_event_context *context, uint64_t monotonic_ns)
{
    return monotonic_ns + (uint64_t)context->wall_offset_ns;
}

static void put_head(struct cs_json *json, const struct cs_event_context *context, const char *kind,
                     uint64_t time_ns)
{
    cs_json_uint(json, "schema", CS_EVENT_SCHEMA);
    cs_json_text(json, "kind", kind);
    cs_json_time(json, "time", wall_time(context, time_ns));
    cs_json_text(json, "node", context->node);
    cs_json_text(json, "run_id", context->run_id);
    cs_json_uint(json, "seq", context->seq);
}

static void put_verdict(struct cs_json *json, const struct cs_exchange *exchange,
                        const struct cs_verdict *verdict)
{
    cs_json_text(json, "mechanism", cs_mechanism_info(verdict->mechanism)->name);
    cs_json_text(json, "outcome", cs_outcome_name(verdict->outcome));
    cs_json_bool(json, "delivered", verdict->delivered);
    if (verdict->outcome != CS_OUTCOME_UNOBSERVED)
        cs_json_seconds(json, "duration_seconds", cs_exchange_duration(exchange));
}

/* How long the connection took belongs to its first exchange only. */
static void put_handshakes(struct cs_json *json, const struct cs_exchange *exchange)
{
    const struct cs_connection *connection = exchange->connection;

    if (exchange->index > 0)
        return;
    if (connection->established_ns >= connection->connect_ns && connection->established_ns)
        cs_json_seconds(json, "connect_seconds",
                        connection->established_ns - connection->connect_ns);
    if (connection->tls_ready_ns >= connection->client_hello_ns && connection->client_hello_ns)
        cs_json_seconds(json, "tls_seconds",
                        connection->tls_ready_ns - connection->client_hello_ns);
}

/* A label says "~unknown" since none may be empty; here what is not known is absent. */
static void label(struct cs_json *json, const char *name, const char *value)
{
    if (strcmp(value, CS_LABEL_UNKNOWN) != 0)
        cs_json_text(json, name, value);
}

static void put_subject(struct cs_json *json, const struct cs_subject *subject)
{
    label(json, "namespace", subject->workload.namespace);
    cs_json_text(json, "pod", subject->pod);
    cs_json_text(json, "pod_uid", subject->pod_uid);
    label(json, "service_account", subject->workload.service_account);
    label(json, "workload_kind", subject->workload.workload_kind);
    label(json, "workload", subject->workload.workload);
    cs_json_text(json, "container", subject->container);
    cs_json_text(json, "container_id", subject->container_id);
    cs_json_text(json, "image", subject->image);
    if (subject->attribution == CS_ATTRIBUTION_POD)
        cs_json_bool(json, "host_network", subject->host_network);
    cs_json_text(json, "cgroup", subject->cgroup);
}

static void put_connection(struct cs_json *json, const struct cs_connection *connection)
{
    char address[CS_ADDRESS_TEXT_MAX];

    if (!connection->kernel_thread && connection->tgid)
        cs_json_uint(json, "pid", connection->tgid);
    cs_json_text(json, "comm", connection->comm);
    if (connection->sport) {
        cs_address_format(address, connection->saddr, connection->sport);
        cs_json_text(json, "source", address);
    }
    cs_address_format(address, connection->daddr, connection->dport);
    cs_json_text(json, "destination", address);
    cs_json_text(json, "family", cs_family_name(connection->family));
}

static void put_records(struct cs_json *json, const char *name, const struct cs_burst *burst)
{
    if (burst->count == 0)
        return;
    cs_json_array_begin(json, name);
    for (unsigned int i = 0; i < burst->count && i < CS_BURST_RECORDS_MAX; i++)
        cs_json_array_uint(json, burst->lengths[i]);
    cs_json_array_end(json);
}

static void put_request(struct cs_json *json, const struct cs_exchange *exchange)
{
    char identity[CS_REQUEST_LINE_MAX + 1];

    cs_json_uint(json, "exchange", exchange->index);
    cs_json_text(json, "method", exchange->method);
    cs_json_text(json, "path", exchange->path);
    if (cs_exchange_identity(exchange, identity, sizeof(identity)))
        cs_json_text(json, "identity", identity);
    cs_json_text(json, "user_agent", exchange->user_agent);
    if (exchange->status)
        cs_json_uint(json, "status", exchange->status);
    cs_json_text(json, "server", exchange->server);
    cs_json_text(json, "sni", exchange->connection->server_name);
    put_records(json, "request_records", &exchange->request_records);
    put_records(json, "response_records", &exchange->response_records);
}

static void put_path(struct cs_json *json, const struct cs_connection *connection)
{
    char address[CS_ADDRESS_TEXT_MAX];

    if (connection->intercept_place) {
        cs_address_format(address, connection->intercept_addr, connection->intercept_port);
        cs_json_text(json, "intercepted_by", address);
    }
    if (cs_connection_is_tunnel(connection)) {
        cs_address_format(address, connection->daddr, connection->dport);
        cs_json_text(json, "via", address);
    } else if (connection->relay_port) {
        cs_address_format(address, connection->relay_addr, connection->relay_port);
        cs_json_text(json, "via", address);
    }
}

static void put_reasons(struct cs_json *json, const struct cs_verdict *verdict)
{
    cs_json_text(json, "confidence", cs_confidence_name(verdict->confidence));
    cs_json_array_begin(json, "reasons");
    for (unsigned int i = 0; i < CS_REASON_END; i++) {
        if (verdict->reasons & (UINT32_C(1) << i))
            cs_json_array_text(json, cs_reason_name(i));
    }
    cs_json_array_end(json);
}

int cs_event_json_exchange(char *buffer, size_t size, const struct cs_event_context *context,
                           const struct cs_exchange *exchange, const struct cs_verdict *verdict,
                           const struct cs_subject *subject, const struct cs_event_extra *extra)
{
    struct cs_json json;

    cs_json_begin(&json, buffer, size);
    put_head(&json, context, "exchange", exchange->start_ns);
    put_verdict(&json, exchange, verdict);
    put_handshakes(&json, exchange);
    put_subject(&json, subject);
    put_connection(&json, exchange->connection);
    put_request(&json, exchange);
    put_path(&json, exchange->connection);
    if (extra) {
        cs_json_text(&json, "on_behalf_of", extra->on_behalf_of);
        cs_json_text(&json, "declared", extra->declared);
    }
    put_reasons(&json, verdict);
    return cs_json_end(&json);
}

int cs_event_json_loss(char *buffer, size_t size, const struct cs_event_context *context,
                       uint64_t time_ns, const char *hop, const char *reason, uint64_t count)
{
    struct cs_json json;

    cs_json_begin(&json, buffer, size);
    put_head(&json, context, "loss", time_ns);
    cs_json_text(&json, "hop", hop);
    cs_json_text(&json, "reason", reason);
    cs_json_uint(&json, "count", count);
    return cs_json_end(&json);
}

int cs_event_json_finding(char *buffer, size_t size, const struct cs_event_context *context,
                          uint64_t time_ns, const struct cs_finding_view *view, bool open)
{
    struct cs_json json;

    cs_json_begin(&json, buffer, size);
    put_head(&json, context, "finding", time_ns);
    cs_json_bool(&json, "open", open);
    cs_finding_json_members(&json, view, context->wall_offset_ns);
    return cs_json_end(&json);
}
