# SPDX-License-Identifier: Apache-2.0
"""Those of the tests with real interceptors, one a program."""
from interceptors.scenario import programs

TABLE = {f"interceptors-{name}": one.scenario() for name, one in programs().items()}
