# SPDX-License-Identifier: Apache-2.0
"""The verbs of the command line, one module each.

A verb has `add_arguments(parser)` and `run(args) -> int`.
"""
