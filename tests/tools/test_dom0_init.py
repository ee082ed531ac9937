# SPDX-License-Identifier: Apache-2.0
"""Functions of dom0's init in the shell of this machine, on a /sys and /dev of files."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from xenolith import ROOT

FOLDER = ROOT / "tools" / "dom0"
CONFIG = 'disk = [ "/dev/xenolith/web-0,raw,xvda,w", "/dev/xenolith/web-1,raw,xvdb,r" ]\n'
WORLD = """\
run=$PWD
announce() { echo "$*"; }
xl() { ls dev/xenolith >disks; }
# Disks show up while somebody waits for them.
sleep() {
    echo >>sleeps
    case $(wc -l <sleeps) in
    2) found vdb web-1 ;;
    4) found vda web-0 ;;
    esac
}
found() {
    mkdir -p "sys/block/$1/device"
    echo "$2" >"sys/block/$1/serial"
    : >"dev/$1"
}
"""


def function(file: str, name: str) -> str:
    """The text of a function of a script."""
    text = (FOLDER / file).read_text()
    found = re.search(rf"^{name}\(\) {{\n.*?^}}\n", text, re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[0]


def test_a_guest_waits_for_its_late_disks_only(tmp_path: Path) -> None:
    for folder in ("sys/block", "dev/xenolith", "etc/xen", "xenolith"):
        (tmp_path / folder).mkdir(parents=True)
    text = function("init.sh", "disks") + function("guests.sh", "create_guests")
    text = re.sub(r"(?<![\w$}*])/(sys|dev/|etc)", rf"{tmp_path}/\1", text)
    config = CONFIG.replace("/dev", f"{tmp_path}/dev")
    (tmp_path / "etc/xen/web.cfg").write_text(config)
    (tmp_path / "xenolith/guests").write_text("web\n")
    # Nobody but root makes devices; the links to them can be seen by all.
    script = WORLD + text.replace("-b", "-h") + f"create_guests {tmp_path}/xenolith/guests\n"
    done = subprocess.run(
        ["sh", "-c", script],
        check=False,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout == "guest up web\n", done.stderr
    assert (tmp_path / "disks").read_text().split() == ["web-0", "web-1"]
    assert len((tmp_path / "sleeps").read_text()) == 4


DISK = """\
mode=ro
say() { echo "$*"; }
mount() { echo "mount $*" >>mounts; }
"""


def test_a_root_on_a_disk_gets_files_of_a_run(tmp_path: Path) -> None:
    """They replace what is there, links too; what dom0 is told is in /run, or where it looks."""
    for folder in (
        "newroot/etc/xen",
        "newroot/run",
        "xenolith/root/etc/xen",
        "xenolith/root/guests",
    ):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "newroot/etc/xen/web.cfg").symlink_to("/nonexistent")
    (tmp_path / "xenolith/root/etc/xen/web.cfg").write_text(CONFIG)
    (tmp_path / "xenolith/guests").write_text("web\n")
    text = re.sub(
        r"(?<!\w)/(newroot|xenolith)", rf"{tmp_path}/\1", function("card/init.sh", "extras")
    )
    text = text.replace(f"{tmp_path}/newroot{tmp_path}", f"{tmp_path}/newroot")

    def run() -> str:
        done = subprocess.run(
            ["sh", "-c", f"{DISK}{text}extras"],
            check=True,
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        return done.stdout

    assert run() == ""
    assert (tmp_path / "newroot/etc/xen/web.cfg").read_text() == CONFIG
    assert (tmp_path / "newroot/guests").is_dir()
    assert (tmp_path / "newroot/run/xenolith/guests").read_text() == "web\n"
    assert not (tmp_path / "newroot/run/xenolith/root").exists()
    first, second, _ = (tmp_path / "mounts").read_text().splitlines()
    assert (first.split()[2], second.split()[2]) == ("remount,rw", "remount,ro")
    # A dom0 of busybox looks elsewhere. A full disk is told, and the machine goes on.
    (tmp_path / "newroot/xenolith").mkdir()
    (tmp_path / "xenolith/root").mkdir()
    text = f"tar() {{ echo 'tar: no space left' >&2; return 1; }}\n{text}"
    assert run() == "files of this run are missing in the root: tar: no space left\n"
    assert (tmp_path / "newroot/xenolith/guests").read_text() == "web\n"
