# SPDX-License-Identifier: Apache-2.0
"""Rules that text alone decides."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from xenolith.lint import comments, documents, guest_words, layers, options, places, sizes

Expect = Callable[[list[str]], None]
Sources = dict[str, str]


def test_includes_follow_the_layers(sources: Sources, expect_none: Expect) -> None:
    expect_none([f for item in sources.items() for f in layers.check_includes(*item)])


def test_core_is_portable(sources: Sources, expect_none: Expect) -> None:
    expect_none([f for item in sources.items() for f in layers.check_core(*item)])


def test_policy_stands_in_one_file(sources: Sources, expect_none: Expect) -> None:
    expect_none([f for item in sources.items() for f in layers.check_policy(*item)])


def test_headers_are_included_once(sources: Sources, expect_none: Expect) -> None:
    expect_none([f for item in sources.items() for f in layers.check_header(*item)])


def test_sizes(root: Path, names: list[str], expect_none: Expect) -> None:
    allowed = sizes.parse_allowed((root / "tests/lint/allow.toml").read_text())
    findings = []
    for name in names:
        if name.endswith((".c", ".h", ".S", ".py")):
            findings += sizes.check(name, (root / name).read_text(), allowed)
    findings += [f"tests/lint/allow.toml: {key} needs no exception" for key in allowed.unneeded()]
    expect_none(findings)


def test_nothing_is_marked_unfinished(root: Path, names: list[str], expect_none: Expect) -> None:
    texts = _texts(root, names)
    expect_none([f for item in texts.items() for f in comments.check_unfinished(*item)])


def test_specifications_are_listed(root: Path, sources: Sources, expect_none: Expect) -> None:
    listed = root / "docs/SPECS.md"
    known = comments.known_tags(listed.read_text() if listed.exists() else "")
    expect_none([f for item in sources.items() for f in comments.check_tags(*item, known)])


def test_barriers_have_reasons(sources: Sources, expect_none: Expect) -> None:
    expect_none([f for item in sources.items() for f in comments.check_barriers(*item)])


def test_walks_leave_out_what_is_off(sources: Sources, expect_none: Expect) -> None:
    expect_none([f for item in sources.items() for f in comments.check_walks(*item)])


def test_every_option_is_read(sources: Sources, expect_none: Expect) -> None:
    code = {path: text for path, text in sources.items() if path.startswith(("xen/", "arch/"))}
    expect_none(options.check(sources["xen/include/xen/opt.h"], code))


def test_guests_words_are_changed_in_bounded_time(sources: Sources, expect_none: Expect) -> None:
    expect_none([f for item in sources.items() for f in guest_words.check_fields(*item)])


def test_no_mirror_hosts_or_private_paths(
    root: Path, names: list[str], expect_none: Expect
) -> None:
    texts = _texts(root, names)
    expect_none([f for item in texts.items() for f in places.check(*item)])


def test_no_binaries(root: Path, names: list[str], expect_none: Expect) -> None:
    expect_none([name for name in names if b"\0" in (root / name).read_bytes()[:8192]])


def test_documents_name_what_exists(root: Path, names: list[str], expect_none: Expect) -> None:
    texts = _texts(root, names)
    file = "tests/lint/elsewhere.toml"
    known = documents.tree(texts | {file: ""})
    elsewhere = documents.parse_elsewhere(texts[file])
    pages = [item for item in texts.items() if item[0].endswith(".md")]
    findings = [f for item in pages for f in documents.check(*item, known, elsewhere)]
    findings += [f"{file}: {name} needs no exception" for name in elsewhere.unneeded()]
    expect_none(findings)


def _texts(root: Path, names: list[str]) -> dict[str, str]:
    return {name: (root / name).read_text(errors="replace") for name in names}
