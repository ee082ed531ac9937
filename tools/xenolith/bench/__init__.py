# SPDX-License-Identifier: Apache-2.0
"""Measures what operations cost a guest, in instructions, under this hypervisor and under Xen."""
