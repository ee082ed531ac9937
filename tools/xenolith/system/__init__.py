# SPDX-License-Identifier: Apache-2.0
"""What shall run: hypervisor, dom0, where each lies in memory."""
