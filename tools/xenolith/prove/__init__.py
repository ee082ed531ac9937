# SPDX-License-Identifier: Apache-2.0
"""Bounded proofs of the core with CBMC: `./xenolith prove`, harnesses in tests/proofs."""
