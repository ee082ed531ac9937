# SPDX-License-Identifier: Apache-2.0
"""The bounded proofs hold, and find the mistakes that they are said to find."""

from __future__ import annotations

import pytest

from xenolith.prove import cbmc, check, harness
from xenolith.prove.check import Job

LIMIT = 900.0
"""Seconds for one proof, on a machine that has much else to do."""


def jobs(*, mutants: bool, long: bool) -> list[Job]:
    found = check.jobs(harness.find(()), mutants=mutants, long=True)
    return [job for job in found if (job.proof in job.harness.long) == long]


def names(chosen: list[Job]) -> list[str]:
    return [job.name for job in chosen]


def prove(job: Job) -> None:
    (result,) = check.run(cbmc.command(), [job], LIMIT, 1, lambda _: None)
    assert not result.wrong, "\n".join(result.wrong)


SHORT, LONG = jobs(mutants=False, long=False), jobs(mutants=False, long=True)
MISTAKES, LONG_MISTAKES = jobs(mutants=True, long=False), jobs(mutants=True, long=True)


@pytest.mark.slow
@pytest.mark.parametrize("job", SHORT, ids=names(SHORT))
def test_proof(job: Job) -> None:
    prove(job)


@pytest.mark.long
@pytest.mark.parametrize("job", LONG, ids=names(LONG))
def test_long_proof(job: Job) -> None:
    prove(job)


@pytest.mark.slow
@pytest.mark.parametrize("job", MISTAKES, ids=names(MISTAKES))
def test_mistake_is_found(job: Job) -> None:
    prove(job)


@pytest.mark.long
@pytest.mark.parametrize("job", LONG_MISTAKES, ids=names(LONG_MISTAKES))
def test_long_mistake_is_found(job: Job) -> None:
    prove(job)
