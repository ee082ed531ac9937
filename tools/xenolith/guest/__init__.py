# SPDX-License-Identifier: Apache-2.0
"""Guests as files: a disk image, a kernel and the xl.cfg that starts them."""
