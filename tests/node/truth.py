# SPDX-License-Identifier: Apache-2.0
"""Ground truth: one JSON object a line, appended whole, so that writers can share a file.

Clients write what they did (clients.jsonl), servers what they saw (servers.jsonl). Outcomes and
mechanisms use the names of credscope's documentation; nothing here is shared with its code.
"""
import datetime
import json
import os
import time
import urllib.parse

# query parameters that name an identity rather than prove one
PUBLIC_QUERY = ("resource", "client_id", "object_id", "principal_id", "msi_res_id", "mi_res_id",
                "api-version")

STATUS_OUTCOMES = {401: "denied", 403: "denied", 404: "not_found", 429: "throttled"}


def outcome_of_status(status):
    if status in STATUS_OUTCOMES:
        return STATUS_OUTCOMES[status]
    return {2: "ok", 3: "redirected", 4: "client_error", 5: "server_error"}[status // 100]


def public_path(path):
    """A request target without the query values that may be secret."""
    base, mark, query = path.partition("?")
    if not mark:
        return base
    kept = [p for p in query.split("&") if urllib.parse.unquote(p.partition("=")[0])
            in PUBLIC_QUERY]
    return base + ("?" + "&".join(kept) if kept else "")


def endpoint(address):
    """(host, port, ...) as credscope writes it: brackets for IPv6, IPv4-mapped as IPv4."""
    if not address:
        return None
    host, port = address[0], address[1]
    if host.startswith("::ffff:") and "." in host:
        host = host[7:]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class Writer:
    """Appends lines to one file; common fields are part of each line."""

    def __init__(self, path, **common):
        self.fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self.common = common

    def write(self, **fields):
        row = {**self.common, **fields}
        row = {k: v for k, v in row.items() if v is not None}
        os.write(self.fd, (json.dumps(row) + "\n").encode())


def now():
    """(CLOCK_MONOTONIC in ns, wall time in RFC 3339)."""
    wall = datetime.datetime.now(datetime.timezone.utc)
    return time.monotonic_ns(), wall.isoformat().replace("+00:00", "Z")


def read(path):
    """All whole lines of a truth file or event log."""
    rows = []
    try:
        with open(path, encoding="utf-8") as f:
            for line in f:
                if line.endswith("\n") and line.strip():
                    rows.append(json.loads(line))
    except FileNotFoundError:
        pass
    return rows
