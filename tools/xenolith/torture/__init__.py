# SPDX-License-Identifier: Apache-2.0
"""The torture suite from the command line's side: runs of the hostile kernel and what they said."""
