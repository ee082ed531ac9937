# SPDX-License-Identifier: Apache-2.0
"""What a dom0 is made of: packages from Debian, an initramfs, a kernel."""
