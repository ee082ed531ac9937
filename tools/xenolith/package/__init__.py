# SPDX-License-Identifier: Apache-2.0
"""The hypervisor as a Debian package, for a Debian that runs already."""
