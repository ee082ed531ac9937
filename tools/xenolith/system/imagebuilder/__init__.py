# SPDX-License-Identifier: Apache-2.0
"""Reads ImageBuilder's configuration files without executing them.

Such a file is a shell script of assignments; here it is text. Keys and defaults: the README of
ImageBuilder, what its `uboot-script-gen` does with a configuration, and the changes to it that were
posted to xen-devel until 2026.
"""

from xenolith.system.imagebuilder.machine import load, parse

__all__ = ["load", "parse"]
