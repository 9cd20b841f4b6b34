# SPDX-License-Identifier: Apache-2.0
"""The cloud SDKs themselves against the simulated node, and what credscope made of it."""
