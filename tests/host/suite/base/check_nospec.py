# SPDX-License-Identifier: Apache-2.0
"""Indices that guests give: the mask holds even where the comparison before it did not."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

BELOW = st.integers(1, 2**63 - 1)


@given(st.integers(0, 2**63 - 1), BELOW)
def test_an_index_is_below_the_size(core: Any, index: int, size: int) -> None:
    """Itself if it was, else another one: a CPU that guesses wrong reads nothing beyond."""
    masked = core.lib.host_index_nospec(index, size)
    assert masked == (index if index < size else 0)


@given(BELOW)
def test_at_the_border(core: Any, size: int) -> None:
    assert core.lib.host_index_nospec(size - 1, size) == size - 1
    assert core.lib.host_index_nospec(size, size) < size
