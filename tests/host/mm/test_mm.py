# SPDX-License-Identifier: Apache-2.0
"""Memory management against models: the allocator and the second-stage tables, with sanitizers."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Model = Callable[[str, int, int], str]


@pytest.fixture(scope="session")
def model(host_program: Callable[..., Path]) -> Model:
    """Runs a model by name with a seed and a number of steps; fails with what did not hold."""

    def run(name: str, seed: int, steps: int) -> str:
        sources = ("tests/host/mm/model.c", f"tests/host/mm/{name}.c")
        program = host_program(f"mm-{name}", sources, wrap=("spin_rank_acquire", "xen_memcpy"))
        done = subprocess.run(
            [program, str(seed), str(steps)], capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            pytest.fail(f"{name} {seed} {steps}: {done.stderr}", pytrace=False)
        return done.stdout

    return run


@pytest.mark.parametrize("seed", range(1, 4))
def test_scrubbing(model: Model, seed: int) -> None:
    """Nobody takes away what another domain's extent has been scrubbed."""
    assert model("scrub_model", seed, 6).startswith("ok")


@pytest.mark.parametrize("seed", range(1, 4))
def test_allocator(model: Model, seed: int) -> None:
    """What is handed out is free and zero, references keep pages, and all comes back."""
    assert model("alloc_model", seed, 30000).startswith("ok")


@pytest.mark.parametrize("seed", range(1, 4))
def test_second_stage(model: Model, seed: int) -> None:
    """Lookups and copies agree with an array; entries are broken before they are made."""
    assert model("p2m_model", seed, 15000).startswith("ok")


def test_tables(model: Model) -> None:
    """Tables that become empty are freed, and a sparse domain ends in slices."""
    assert model("tables_model", 1, 0).startswith("ok")


@pytest.mark.parametrize("seed", range(1, 4))
def test_races(model: Model, seed: int) -> None:
    """No CPU writes to a page through an address that it translated before the page was taken."""
    assert model("race", seed, 2000).startswith("ok")


@pytest.mark.parametrize("seed", range(1, 4))
def test_reservation_races(model: Model, seed: int) -> None:
    """Whatever vCPUs populate and give back at once, no guest can use a frame that is not its."""
    assert model("reservation_race", seed, 300).startswith("ok")
