# SPDX-License-Identifier: Apache-2.0
"""Programs that run inside the simulated pods and write down what they did."""
