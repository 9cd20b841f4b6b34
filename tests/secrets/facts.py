# SPDX-License-Identifier: Apache-2.0
"""Reads a recorded fact stream (userspace/core/facts/fact_stream.h, include/credscope/abi.h)."""
import collections
import struct

NAMES = (None, "connect", "established", "connect_failed", "request", "response", "tunnel",
         "client_hello", "server_hello", "tls_record", "intercepted", "gap", "close", "token_open",
         "cgroup_created", "cgroup_removed")


def by_port(data):
    """{client port: Counter of fact names} of every connection that was established."""
    if data[:8] != b"csfacts\n":
        raise ValueError("not a fact stream")
    offset = struct.unpack_from("=I", data, 12)[0]
    port_of, seen = {}, collections.defaultdict(collections.Counter)
    while offset + 32 <= len(data):
        kind, size = struct.unpack_from("=HH", data, offset)
        cookie = struct.unpack_from("=Q", data, offset + 16)[0]
        if size < 32 or offset + size > len(data):
            break
        if NAMES[kind] == "established":
            port_of[cookie] = struct.unpack_from("=H", data, offset + 64)[0]
        seen[cookie][NAMES[kind]] += 1
        offset += (size + 7) // 8 * 8
    return {port_of[cookie]: counts for cookie, counts in seen.items() if cookie in port_of}
