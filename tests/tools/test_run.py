"""The verb `run`: what it refuses before anything is booted, and how it explains a crash."""

from __future__ import annotations

import argparse
import io
from pathlib import Path

import pytest

from xenolith.cli import run
from xenolith.errors import UserError


def parse(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    run.add_arguments(parser)
    return parser.parse_args(words)


def test_exec_may_be_repeated() -> None:
    args = parse("--exec", "xl list", "--exec", "xl info")
    assert args.exec == ["xl list", "xl info"]


def test_a_shell_needs_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    with pytest.raises(UserError, match="use --exec") as caught:
        run.run(parse())
    assert caught.value.code == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--timeout", "0"), "positive number"),
        (("--board", "pi"), "no board"),
        (("--kernel", "/nonexistent"), "/nonexistent does not exist"),
        (("--initrd", "/"), "/ does not exist or is no file"),
        (("--hypervisor", "/nonexistent"), "--hypervisor /nonexistent does not exist"),
        (("--memory", "lots"), "no size"),
    ],
)
def test_wrong_use_is_refused_at_once(words: tuple[str, ...], message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        run.run(parse("--exec", "true", *words))
    assert caught.value.code == 2


def test_a_crash_without_symbols_is_shown_as_it_is(tmp_path: Path) -> None:
    text = "(XEN) [<0000a00000201234>]"
    assert run.explained(text, tmp_path / "xen") == text
