# SPDX-License-Identifier: Apache-2.0
"""The test run: which layers on which boards, what they need, how it went."""
