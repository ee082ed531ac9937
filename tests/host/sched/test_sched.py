# SPDX-License-Identifier: Apache-2.0
"""The scheduler on simulated CPUs and time (sim.c): fairness, caps, affinity, latency, races."""

from __future__ import annotations

import os
import random
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

WRAP = (
    *("time_now", "time_to_ticks", "host_timer_program", "host_wait_while_equal"),
    *("arch_cpu_kick", "arch_cpu_idle", "arch_cpu_poll_irqs"),
    *("arch_vcpu_save", "arch_vcpu_load", "arch_vcpu_wakeup_pending", "arch_virq_flush"),
)
"""Functions that the simulation has in place of the third port's and of the clock's."""

HOG, ALL = 0, 0xFF


@dataclass(frozen=True)
class Vcpu:
    """A vCPU: its domain and what it does. Times in microseconds, run 0: never stops."""

    domain: int = 0
    weight: int = 256
    cap: int = 0
    affinity: int = ALL
    run: int = HOG
    sleep: int = 0
    does: str = ""
    """ "y": yields instead of sleeping; before it sleeps "p" pauses others, "m" moves domains."""

    def spec(self) -> str:
        """As sim.c reads it."""
        text = f"{self.domain}:{self.weight}:{self.cap}:{self.affinity}:{self.run}:{self.sleep}"
        return text + (f":{self.does}" if self.does else "")


@dataclass(frozen=True)
class Outcome:
    """Seconds that a vCPU ran and waited, how often it woke, its longest wait to run after that."""

    ran: float
    waited: float
    wakes: int
    worst: float


Simulate = Callable[..., list[Outcome]]


@pytest.fixture(scope="session")
def simulate(host_program: Callable[..., Path]) -> Simulate:
    """Runs vCPUs on a machine; fails with what sim.c says."""
    program = host_program("sched-sim", ("tests/host/sched/*.c",), "undefined", WRAP)

    def run(
        cpus: int,
        *vcpus: Vcpu,
        scheduler: str = "fair",
        seed: int = 1,
        seconds: float = 3,
        disturb: bool = False,
        pools: bool = False,
    ) -> list[Outcome]:
        command = [str(program), str(cpus), scheduler, str(seed), str(round(seconds * 1000))]
        command += [vcpu.spec() for vcpu in vcpus]
        names = [name for name, on in (("SIM_DISTURB", disturb), ("SIM_POOLS", pools)) if on]
        env = {**os.environ, **dict.fromkeys(names, "1")}
        done = subprocess.run(
            command, env=env, capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
        rows = [[int(word) for word in line.split()] for line in done.stdout.splitlines()]
        return [Outcome(row[0] / 1e9, row[1] / 1e9, row[2], row[3] / 1e9) for row in rows]

    return run


def shares(outcomes: list[Outcome]) -> list[float]:
    """Seconds run."""
    return [outcome.ran for outcome in outcomes]


@pytest.mark.parametrize(
    ("cpus", "weights", "expected"),
    [
        (1, [256, 256], [1.5, 1.5]),
        (1, [256, 512], [1, 2]),
        (1, [1, 256], [0.01, 2.99]),
        (1, [65535, 256], [2.99, 0.01]),
        (2, [256, 256, 256], [2, 2, 2]),
        (2, [512, 256, 256, 256], [2.4, 1.2, 1.2, 1.2]),
        (4, [256] * 6, [2] * 6),
        (4, [256, 512], [3, 3]),
    ],
)
def test_weights(simulate: Simulate, cpus: int, weights: list[int], expected: list[float]) -> None:
    outcomes = simulate(cpus, *(Vcpu(domain, weight) for domain, weight in enumerate(weights)))
    assert shares(outcomes) == pytest.approx(expected, abs=0.04)


def test_pinned_groups_do_not_disturb_each_other(simulate: Simulate) -> None:
    first = [Vcpu(0, 512, affinity=1), Vcpu(1, affinity=1)]
    second = [Vcpu(domain, affinity=2) for domain in (2, 3, 4)]
    assert shares(simulate(2, *first, *second)) == pytest.approx([2, 1, 1, 1, 1], abs=0.04)


@pytest.mark.parametrize(
    ("cpus", "vcpus", "expected"),
    [
        (1, [Vcpu(0, cap=30), Vcpu(1)], [0.9, 2.1]),
        (1, [Vcpu(0, cap=1)], [0.03]),
        (4, [Vcpu(0, cap=50)], [1.5]),
        (4, [Vcpu(0, cap=150), Vcpu(0, cap=150)], [2.25, 2.25]),
        (2, [Vcpu(0, cap=25), Vcpu(1, cap=100)], [0.75, 3]),
    ],
)
def test_caps(simulate: Simulate, cpus: int, vcpus: list[Vcpu], expected: list[float]) -> None:
    assert shares(simulate(cpus, *vcpus)) == pytest.approx(expected, rel=0.03)


def test_sleepers_are_not_kept_waiting(simulate: Simulate) -> None:
    """On one CPU with a hog, who sleeps most of the time runs within the rate limit (1 ms)."""
    hog, *sleepers = simulate(1, Vcpu(0), Vcpu(1, run=100), Vcpu(2, run=1000, sleep=3000))
    assert hog.ran > 2
    assert all(outcome.worst < 0.0025 for outcome in sleepers)


def test_many_sleepers_do_not_starve_a_hog(simulate: Simulate) -> None:
    """Who wakes all the time gets no more than its share."""
    hog, *sleepers = simulate(1, Vcpu(0), *(Vcpu(i % 7, run=400, sleep=100) for i in range(1, 10)))
    assert hog.ran > 0.25
    assert max(shares(sleepers)) < 2 * hog.ran


def test_who_ran_alone_is_not_behind_those_that_come(simulate: Simulate) -> None:
    """A hog had the CPU for a second: that is no debt to those that slept as long, then work."""
    hog, *others = simulate(1, Vcpu(0), *(Vcpu(i, run=100_000, sleep=1_000_000) for i in (1, 2, 3)))
    assert hog.ran > 2.2
    assert max(shares(others)) < 0.28


def test_an_idle_cpu_is_no_credit(simulate: Simulate) -> None:
    """Beside a hog two vCPUs wake on an idle CPU, now and then; one of them may take the hog's."""
    others = (Vcpu(i, affinity=mask, run=900_000, sleep=2_100_000) for i, mask in ((1, 3), (2, 2)))
    hog, *_ = simulate(2, Vcpu(0, affinity=1), *others, seconds=12)
    assert hog.ran > 10


def test_idle_cpus_are_used(simulate: Simulate) -> None:
    for outcome in simulate(4, *(Vcpu(i, run=300, sleep=200) for i in range(3))):
        assert outcome.worst < 0.00001
        assert outcome.ran == pytest.approx(1.8, rel=0.02)


def test_yield_lets_others_run(simulate: Simulate) -> None:
    yielding, other = simulate(1, Vcpu(0, run=5, does="y"), Vcpu(1))
    assert yielding.ran < 0.05
    assert other.ran > 2.9


def test_null_gives_each_its_cpu(simulate: Simulate) -> None:
    first, second = simulate(2, Vcpu(0), Vcpu(1, run=100), scheduler="null")
    assert first.ran == pytest.approx(3, abs=0.001)
    assert second.worst < 0.00001


def test_null_without_enough_cpus_is_fair(simulate: Simulate) -> None:
    outcomes = simulate(1, Vcpu(0), Vcpu(0), scheduler="null")
    assert shares(outcomes) == pytest.approx([1.5, 1.5], abs=0.02)


@pytest.mark.parametrize("seed", range(60))
def test_random_sequences(simulate: Simulate, seed: int) -> None:
    """Waking, blocking, pausing, pinning at random: sim.c checks that nobody is lost or twice."""
    choose = random.Random(seed)
    kinds = [
        Vcpu(0),
        Vcpu(1, 512, 30, run=300),
        Vcpu(1, 512, 30, run=20, sleep=40),
        Vcpu(2, run=50),
        Vcpu(3, run=100, sleep=10, does="y"),
        Vcpu(4, run=1000, sleep=100),
        Vcpu(5, run=200, sleep=100, does="p"),
    ]
    vcpus = choose.choices(kinds, k=choose.randint(1, 9))
    simulate(choose.randint(1, 5), *vcpus, seed=seed, seconds=0.5, disturb=True)


@pytest.mark.parametrize("seed", range(10))
def test_random_sequences_null(simulate: Simulate, seed: int) -> None:
    vcpus = (Vcpu(0), Vcpu(1, run=20, sleep=40), Vcpu(2, run=50))
    simulate(4, *vcpus, scheduler="null", seed=seed, seconds=0.5, disturb=True)


@pytest.mark.parametrize("scheduler", ["fair", "null"])
@pytest.mark.parametrize("seed", range(30))
def test_random_pools(simulate: Simulate, seed: int, scheduler: str) -> None:
    """CPUs and domains change pools of both classes, at any moment: nobody is lost or misplaced."""
    choose = random.Random(seed)
    kinds = [
        Vcpu(1),
        Vcpu(2, run=300),
        Vcpu(2, 512, 30, run=20, sleep=40),
        Vcpu(3, run=50),
        Vcpu(4, run=100, sleep=10, does="y"),
        Vcpu(5, run=200, sleep=100, does="p"),
    ]
    tool = Vcpu(0, run=200, sleep=100, does="m")
    vcpus = [tool, *choose.choices(kinds, k=choose.randint(1, 5))]
    cpus = choose.randint(2, 6)
    simulate(cpus, *vcpus, scheduler=scheduler, seed=seed, seconds=0.5, disturb=True, pools=True)
