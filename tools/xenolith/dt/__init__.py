# SPDX-License-Identifier: Apache-2.0
"""Device trees: read, edit and write blobs."""
