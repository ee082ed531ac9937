# SPDX-License-Identifier: Apache-2.0
"""U-Boot: image formats and boot scripts."""
