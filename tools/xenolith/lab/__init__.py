# SPDX-License-Identifier: Apache-2.0
"""Runs systems and watches them: consoles, QEMU, the states of a target."""
