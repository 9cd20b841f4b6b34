# SPDX-License-Identifier: Apache-2.0
"""A simulated Kubernetes node: real sockets, real cgroups, nothing that leaves the machine.

Everything runs in anonymous network namespaces without a route out, below one cgroup directory.
`python3 -m node --help` (from tests/) is the command; README.md beside this file explains it.
"""
