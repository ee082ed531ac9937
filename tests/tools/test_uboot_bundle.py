# SPDX-License-Identifier: Apache-2.0
"""From a described machine to /chosen, a placement and a folder of files."""

from __future__ import annotations

import errno
import gzip
import itertools
import json
import re
import struct
from pathlib import Path
from typing import Any

import fdt
import pytest

from xenolith.boards import find
from xenolith.cli import main
from xenolith.dt import blob, edit
from xenolith.errors import UserError
from xenolith.system.placement import MIB
from xenolith.system.spec import Channel, Dom0, Guest, Pool, Range, SharedMemory, Spec
from xenolith.uboot import bundle, chosen, legacy, script

PACKED = gzip.compress(b"070701" + bytes(3 * MIB))
BOARD = find("qemu-virt-arm64")
ARGUMENTS = "console=dtuart"


def image(size: int) -> bytes:
    """A kernel image of that many bytes."""
    head = struct.pack("<IIQQQ", 0, 0, 0, size, 0xA) + bytes(24) + b"ARM\x64" + bytes(4)
    return head + bytes(size - len(head))


def tree() -> Any:
    """A device tree with /chosen and two CPUs, one with a phandle."""
    made = fdt.FDT()
    made.header.version = 17
    for path in ("/chosen", "/cpus/cpu@0", "/cpus/cpu@1"):
        made.get_node(path, create=True)
    blob.set_cells(made.get_node("/cpus/cpu@1"), "phandle", 7)
    return blob.parse(made.to_dtb(version=17))


def described(spec: Spec, cpus: dict[str, int] | None = None) -> Any:
    """A tree with the spec's edits."""
    made = tree()
    edit.apply(made, chosen.describe(spec, cpus or {}).edits)
    return blob.parse(blob.serialize(made))


def get(made: Any, path: str, name: str) -> bytes | None:
    return blob.get_bytes(made.get_node(path), name)


def test_dom0_is_found_by_old_and_new_words() -> None:
    made = described(Spec("xen", ARGUMENTS, Dom0("Image", "initrd", "console=hvc0")))
    assert blob.get_string(made.get_node("/chosen"), "xen,xen-bootargs") == ARGUMENTS
    assert blob.get_string(made.get_node("/chosen"), "xen,dom0-bootargs") == "console=hvc0"
    kernel = get(made, "/chosen/dom0", "compatible")
    assert kernel == b"xen,linux-zimage\0xen,multiboot-module\0multiboot,module\0"
    assert made.exist_node("/chosen/dom0-ramdisk")


def test_a_guest_with_everything() -> None:
    guest = Guest(
        kernel="k",
        name="domU0",
        ramdisk="r",
        passthrough="p",
        memory=(256 << 20) >> 10,
        vcpus=2,
        static_memory=(Range(0x5000_0000, 256 << 20),),
        direct_map=True,
        enhanced="enabled",
        shared_memory=(SharedMemory("SHM", 0x7000_0000, 0x8000_0000, 4096),),
        channels=(Channel(1, 0, 2), Channel(2, 0, 1)),
        pool=0,
        affinity={1: "0-1"},
        numbers={"nr_spis": 64},
    )
    spec = Spec("xen", "", guests=(guest,), pools=(Pool(("cpu@1",), "null"),))
    made = described(spec, {"cpu@1": 7})
    node = "/chosen/domU0"
    assert get(made, node, "memory") == struct.pack(">Q", 256 << 10)
    assert get(made, node, "xen,static-mem") == struct.pack(">QQ", 0x5000_0000, 256 << 20)
    assert get(made, node, "direct-map") == b""
    assert get(made, node, "nr_spis") == struct.pack(">I", 64)
    assert get(made, "/chosen/cpupool_0", "cpupool-cpus") == struct.pack(">I", 7)
    assert get(made, node, "domain-cpupool") == get(made, "/chosen/cpupool_0", "phandle")
    first = get(made, f"{node}/evtchn@1", "xen,evtchn")
    assert first == struct.pack(">I", 1) + (get(made, f"{node}/evtchn@2", "phandle") or b"")
    assert get(made, f"{node}/vcpu1", "hard-affinity") == b"0-1\0"
    for name in ("kernel", "ramdisk", "device-tree"):
        assert b"multiboot,module\0" in (get(made, f"{node}/{name}", "compatible") or b"")


def test_links_that_lead_nowhere() -> None:
    guest = Guest("k", "domU0", channels=(Channel(1, 0, 9),))
    with pytest.raises(UserError, match="does not list it"):
        chosen.describe(Spec("xen", "", guests=(guest,)), {})
    spec = Spec("xen", "", Dom0("k"), pools=(Pool(("cpu@0",), ""),))
    with pytest.raises(UserError, match="no CPU cpu@0"):
        chosen.describe(spec, {"cpu@1": 7})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A system.toml and its files."""
    (tmp_path / "system.toml").write_text(
        'hypervisor = "xen"\narguments = "console=dtuart"\n'
        '[dom0]\nkernel = "Image"\nramdisk = "initrd"\n'
        '[[guests]]\nkernel = "sub/Image"\nmemory = 65536\naffinity = { 0 = "1" }\n'
    )
    (tmp_path / "sub").mkdir()
    (tmp_path / "xen").write_bytes(image(MIB))
    (tmp_path / "Image").write_bytes(image(5 * MIB))
    (tmp_path / "sub/Image").write_bytes(image(3 * MIB))
    (tmp_path / "initrd").write_bytes(b"070701" + bytes(100))
    return tmp_path


def command(folder: Path, *more: str) -> list[str]:
    return ["uboot", "--config", str(folder / "system.toml"), *more]


def test_bundle_from_toml(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = folder / "out"
    assert (
        main.main(
            command(folder, "--out", str(out), "--tftp", "192.168.1.2", "--ip", "192.168.1.3")
        )
        == 0
    )
    names = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    scripts = {"boot.scr", "boot.source", "boot2.scr", "boot2.source"}
    assert names == scripts | {"xen", "Image", "initrd", "sub/Image"}
    assert capsys.readouterr().out.count("\n") == len(names)
    first = legacy.unpack((out / "boot.scr").read_bytes())
    assert "setenv serverip 192.168.1.2\nsetenv ipaddr 192.168.1.3\n" in first.text
    second = legacy.unpack((out / "boot2.scr").read_bytes())
    assert second.text == (out / "boot2.source").read_text()
    assert "sub/Image" in second.text
    assert second.text.count("tftpb ") == 4


def test_everything_has_a_place_of_its_own(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(command(folder, "--explain", "--json")) == 0
    rows = json.loads(capsys.readouterr().out)
    rows = [row for row in rows if not row["taken"]]
    assert [row["what"] for row in rows] == [
        "hypervisor", "dom0 kernel", "dom0 ramdisk", "domU0 kernel", "device tree"
    ]  # fmt: skip
    for low, high in itertools.pairwise(rows):
        assert low["start"] + low["size"] <= high["start"]
    assert BOARD.uboot is not None
    assert rows[0]["start"] >= BOARD.uboot.start
    assert main.main(command(folder, "--explain")) == 0
    assert "dom0 ramdisk" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: (d / "Image").unlink(), "dom0 kernel: .*No such file"),
        (lambda d: (d / "Image").write_bytes(b""), "empty"),
        (lambda d: (d / "Image").write_bytes(b"x" * 100), "no arm64 Image"),
        (lambda d: (d / "xen").write_bytes(image(MIB)[:50]), "truncated"),
        (lambda d: (d / "initrd").write_bytes(b"x" * 9), "no initramfs"),
        (lambda d: (d / "initrd").write_bytes(PACKED[:-9]), "truncated gzip file; copy it again"),
        (lambda d: (d / "initrd").write_bytes(PACKED[:10] + b"\xff" * 9), "damaged gzip"),
        (lambda d: (d / "system.toml").write_text("x ="), "system.toml"),
        (lambda d: (d / "system.toml").write_text('hypervisor = "x"'), "arguments is missing"),
    ],
)
def test_bad_files(
    folder: Path, change: Any, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    change(folder)
    out = folder / "out"
    assert main.main(command(folder, "--out", str(out))) != 0
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert re.search(message, said)
    assert not out.exists()


def test_files_stay_in_the_folder(folder: Path) -> None:
    spec = Spec("../xen", "", Dom0("Image"))
    files = {"../xen": folder / "xen", "Image": folder / "Image"}
    request = bundle.Request(BOARD, spec, files, script.CARD)
    with pytest.raises(UserError, match=r"`\.\.`"):
        bundle.write(bundle.make(request), folder / "out")


def test_what_does_not_fit_is_named(folder: Path) -> None:
    spec = Spec("xen", "", Dom0("Image"), memory=Range(BOARD.ram_base, 8 * MIB))
    files = {"xen": folder / "xen", "Image": folder / "Image"}
    with pytest.raises(UserError, match=r"dom0 kernel .* does not fit"):
        bundle.make(bundle.Request(BOARD, spec, files, script.CARD))
    elsewhere = Spec("xen", "", Dom0("Image"), memory=Range(0, MIB))
    with pytest.raises(UserError, match="leaves free"):
        bundle.make(bundle.Request(BOARD, elsewhere, files, script.CARD))


def test_folders_and_configs_that_are_none(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(command(folder, "--out", str(folder / "xen"))) == 1
    assert "choose another --out" in capsys.readouterr().err
    assert main.main(["uboot", "--config", str(folder / "none")]) == 2
    assert "No such file or directory; --config" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--tftp host", "--tftp host is no IPv4 address"),
        ("--tftp 1.2.3.4 --ip me", "--ip me is no IPv4 address"),
        ("--tftp 1.2.3.4 --usb", "choose one"),
        ("--ip 1.2.3.4", "name the server"),
        ("--json", "--explain"),
    ],
)
def test_wrong_use(
    folder: Path, arguments: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(command(folder, *arguments.split())) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1
    assert main.main(["uboot", "--files", str(folder)]) == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--usb", "first partition of the USB stick"),
        ("", "first partition of the card"),
        ("--tftp dhcp", "boot.scr belongs on the card"),
    ],
)
def test_what_to_do_with_the_files(
    folder: Path, options: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(command(folder, "--out", str(folder / "out"), *options.split())) == 0
    assert message in capsys.readouterr().err


def test_a_full_disk_leaves_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(_self: Path, _data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    out = folder / "out"
    assert main.main(command(folder, "--out", str(out))) == 1
    assert re.search(r"cannot write .*boot\.\w+: No space left", capsys.readouterr().err)
    assert [path for path in out.rglob("*") if path.is_file()] == []
