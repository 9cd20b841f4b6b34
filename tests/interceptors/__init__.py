# SPDX-License-Identifier: Apache-2.0
"""The real interceptors and the real agent on a simulated node. See README.md."""
