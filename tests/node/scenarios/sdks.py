# SPDX-License-Identifier: Apache-2.0
"""The cloud SDKs themselves: see tests/sdks."""
from sdks.scenario import TABLE

__all__ = ["TABLE"]
