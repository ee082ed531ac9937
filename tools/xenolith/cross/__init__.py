# SPDX-License-Identifier: Apache-2.0
"""Programs for the target made from source: a Debian source tree, our patches, a cross compiler."""
