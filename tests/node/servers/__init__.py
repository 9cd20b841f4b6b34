# SPDX-License-Identifier: Apache-2.0
"""Servers of the simulated node and cloud; one process each, started by node.simulation."""
