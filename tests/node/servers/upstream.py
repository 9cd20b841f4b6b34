# SPDX-License-Identifier: Apache-2.0
"""Calls that a node's services make themselves: agent to EKS Auth, NMI to IMDS, kube2iam to STS.

They are exchanges of the service, so each writes a client line of ground truth.
"""
from ..clients import catalog, record, wire


def prepare(server):
    """Open the truth file now: a server that drops its uid afterwards could not."""
    server.recorder = record.Recorder(server.spec["client_truth"], server.spec["identity"])


def call(server, name, **options):
    """Make one catalogued request as this server's own process; its (status, headers, body)."""
    return wire.run(catalog.request(name, options), server.recorder, options.get("timeout", 5))
