# SPDX-License-Identifier: Apache-2.0
"""The build: what is compiled, with which compiler, and what came out."""
