# SPDX-License-Identifier: Apache-2.0
"""`xenolith prove`: what it makes of harnesses, of CBMC's words, and of mistakes in both."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from xenolith import ROOT
from xenolith.cli import main, prove
from xenolith.errors import UserError
from xenolith.prove import cbmc, check, harness
from xenolith.prove.cbmc import Outcome, Property
from xenolith.prove.check import Job, Result
from xenolith.prove.harness import Edit, Mutant

HARNESSES = harness.find(())
GOOD = Property("CHECK: good", "a.c:1", True)
BAD = Property("CHECK: good", "a.c:1", False)
REACHED = Property("REACHED: the end", "a.c:2", False)
MISSED = replace(REACHED, holds=True)


def outcome(*properties: Property, error: str = "") -> Outcome:
    return Outcome(properties, 1.25, 5_000_000, error)


@pytest.mark.parametrize("one", HARNESSES, ids=[one.name for one in HARNESSES])
def test_each_harness_has_mistakes_to_find(one: harness.Harness, tmp_path: Path) -> None:
    """All edits fit the sources as they are, and each harness has a mutant."""
    assert one.mutants
    for number, mutant in enumerate(one.mutants):
        tree = tmp_path / str(number)
        check.copy(Job(one, mutant.proof, mutant), tree)
        changed = (tree / mutant.edit.file).read_text()
        assert changed != (ROOT / mutant.edit.file).read_text()


def test_an_edit_that_does_not_fit_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.c").write_text("x x")
    for old in ("x", "y"):
        with pytest.raises(UserError, match=r"a\.c has . times, not once"):
            Edit("a.c", old, "z").apply(tmp_path)
    with pytest.raises(UserError, match=r"b\.c has 0 times"):
        Edit("b.c", "x", "z").apply(tmp_path)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "proves"),
        ("x = [", "toml"),
        ("extra = 1", "unknown: extra"),
        ('long = ["prove_b"]\nmutants = []', "no such proof: prove_b"),
    ],
)
def test_a_description_that_is_wrong(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "a.c").write_text("void prove_a(void)\n{\n}\n")
    if reason != "toml" and "long" in text:
        text = f'proves = ""\nbound = ""\nsources = []\nunwind = 1\n{text}'
    (tmp_path / "a.toml").write_text(text)
    with pytest.raises(UserError, match=r"a\.toml: ") as error:
        harness.load(tmp_path / "a.toml")
    assert reason in error.value.message or reason in ("toml", "proves")


@pytest.mark.parametrize(
    ("found", "mutant", "wrong"),
    [
        (outcome(GOOD, REACHED), False, ()),
        (outcome(GOOD), False, ("it says nowhere that it is REACHED",)),
        (outcome(BAD, REACHED), False, ("a.c:1: CHECK: good",)),
        (outcome(GOOD, REACHED, MISSED), False, ("a.c:2: never reached: the end",)),
        (outcome(error="no answer in 5 s"), False, ("no answer in 5 s",)),
        (outcome(BAD), True, ()),
        (outcome(GOOD), True, ("the mistake was not found",)),
        (outcome(replace(BAD, text="unwinding assertion loop 0")), True, None),
        (outcome(error="CBMC: no"), True, ("CBMC: no",)),
    ],
)
def test_verdicts(found: Outcome, mutant: bool, wrong: tuple[str, ...] | None) -> None:
    expected = ("the mistake was not found",) if wrong is None else wrong
    assert check.judge(found, mutant=mutant) == expected


STUB = """#!/bin/sh
for word; do case $word in --json-ui) json=1 ;; esac; done
[ "$json" ] || exit 3
cat <<'EOF'
{text}
EOF
exit 10
"""


def stub(folder: Path, text: str) -> list[str]:
    path = folder / "cbmc"
    path.write_text(STUB.format(text=text))
    path.chmod(0o755)
    return [str(path)]


def test_what_cbmc_says(tmp_path: Path) -> None:
    place = {"file": "a.c", "line": "7"}
    entry = {"description": "CHECK: x", "status": "FAILURE", "sourceLocation": place}
    end = {"cProverStatus": "failure"}
    said = cbmc.run(stub(tmp_path, json.dumps([{"result": [entry]}, end])), tmp_path, 30)
    assert said.properties == (Property("CHECK: x", "a.c:7", False),)
    assert said.memory > 0 and said.error == ""
    step = {"stepType": "failure", "reason": "CHECK: x", "sourceLocation": place}
    trace = [{"trace": [{"stepType": "assignment"}, step]}, end]
    assert cbmc.run(stub(tmp_path, json.dumps(trace)), tmp_path, 30).properties == said.properties
    error = [{"messageType": "ERROR", "messageText": "a.c:1:\nsyntax error"}]
    said = cbmc.run(stub(tmp_path, json.dumps(error)), tmp_path, 30)
    assert said.error == "CBMC: a.c:1: syntax error"
    assert cbmc.run(stub(tmp_path, "[]"), tmp_path, 30).error == "CBMC came to no end"
    assert cbmc.run(stub(tmp_path, "oh\nno"), tmp_path, 30).error == "CBMC failed: no"


@pytest.mark.parametrize(
    "said",
    ['{"result": []}', "[5]", '[{"result": [{"status": "SUCCESS"}]}]', '[{"trace": [{}]}]', "5"],
)
def test_json_of_another_form(tmp_path: Path, said: str) -> None:
    """Of another release of CBMC: one line, and no traceback."""
    with pytest.raises(UserError, match="CBMC's JSON has another form"):
        cbmc.run(stub(tmp_path, said), tmp_path, 30)


def test_a_proof_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    (tmp_path / "cbmc").write_text("#!/bin/sh\nexec sleep 1000\n")
    (tmp_path / "cbmc").chmod(0o755)
    assert cbmc.run([str(tmp_path / "cbmc")], tmp_path, 0.2).error == "no answer in 0 s"


def test_a_machine_without_cbmc_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "s390x")
    with pytest.raises(UserError, match="no CBMC for s390x"):
        cbmc.command()


def test_the_verb(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(cbmc, "command", lambda: [])
    job = Job(HARNESSES[0], HARNESSES[0].proofs[0])
    good = Result(job, outcome(GOOD, REACHED), ())
    bad = Result(job, outcome(BAD, REACHED), ("a.c:1: CHECK: good",))
    for results, code in (([good], 0), ([good, bad], 1)):
        monkeypatch.setattr(check, "run", lambda *_, results=results: results)
        assert main.main(["prove"]) == code
        said = capsys.readouterr()
        assert "proved" in said.out and HARNESSES[0].bound in said.out
        assert ("NOT PROVED" in said.out) == (code == 1) == ("a.c:1" in said.err)
        assert main.main(["prove", "--json", HARNESSES[0].name]) == code
        assert [one["good"] for one in json.loads(capsys.readouterr().out)] == [
            not result.wrong for result in results
        ]
    assert main.main(["prove", "nothing"]) == 2
    assert "no harness 'nothing'" in capsys.readouterr().err


def test_a_harness_that_takes_long_is_not_left_out_in_silence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    only = replace(HARNESSES[0], long=frozenset(HARNESSES[0].proofs))
    monkeypatch.setattr(harness, "find", lambda _: [only])
    assert main.main(["prove", only.name]) == 2
    said = capsys.readouterr()
    assert "nothing was proved: say --long" in said.err and said.out == ""


def test_a_mutant_in_the_table() -> None:
    edit = Edit("xen/a.c", "    old;", "")
    mutant = Mutant(HARNESSES[0].proofs[0], edit)
    job = Job(HARNESSES[0], mutant.proof, mutant)
    table = prove.table([Result(job, outcome(BAD), ())])
    assert "xen/a.c: old; -> (nothing)" in table and "found: a.c:1: CHECK: good" in table
    assert "NOT FOUND" in prove.table([Result(job, outcome(GOOD), ("the mistake",))])
