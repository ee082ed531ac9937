# SPDX-License-Identifier: Apache-2.0
"""Card images: partition table, boot and root file systems, and what belongs into them."""
