# SPDX-License-Identifier: Apache-2.0
"""The scripts of a guest from an OCI image, on this machine: when its end is asked for.

Their paths are moved into a folder, which has all the programs that they find.
"""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from xenolith.guest.kernel import FOLDER

PATHS = re.compile(r"(?<![\w/.}])/(?=(bin|dev|disk|etc|guest|proc|run|sys)\b)")
OTHERS = "#!/bin/sh\n"
SAY = f'{OTHERS}echo "${{0##*/}} $*" >>PLACE/ended\n'
RUN = f'{OTHERS}exec "$@"\n'
PROGRAMS = {
    "poweroff": SAY,
    "reboot": SAY,
    "busybox": RUN,
    "setsid": RUN,
    "cttyhack": RUN,
    "chroot": f"{OTHERS}echo begun >PLACE/begun\nexit 3\n",
    "udhcpc": OTHERS,
    "killall": f"{OTHERS}read -r udhcpc <PLACE/udhcpc && kill $udhcpc\n",
} | dict.fromkeys(("chown", "hostname", "ip", "mount", "sync", "umount"), OTHERS)
WAITING = f"{OTHERS}echo $$ >PLACE/udhcpc\nexec sleep 60\n"
"""A udhcpc that nobody answers."""
SECONDS = 20
HARMLESS = "kill() { :; }\n"
"""The guest ends all its processes, which here are this machine's."""


class Place:
    """A folder that is a guest's root, and the processes in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.processes: list[subprocess.Popen[str]] = []
        for name in ("bin", "disk/dev", "disk/etc", "dev", "etc", "guest", "run"):
            (path / name).mkdir(parents=True)
        for name in ("proc/sys/net/ipv4", "sys/class/net/eth0", "sys/class/tty/console"):
            (path / name).mkdir(parents=True)
        for name in ("cp", "ln", "mkdir", "mv", "sh", "sleep"):
            (path / "bin" / name).symlink_to(str(shutil.which(name)))
        for name, text in PROGRAMS.items():
            self.program(name, text)
        (path / "guest/app").write_text("name=app\nuid=0\nsignal=TERM\n")
        (path / "guest/command").touch()
        (path / "dev/hvc0").touch()
        (path / "sys/class/tty/console/active").write_text("tty0 hvc0\n")

    def program(self, name: str, text: str) -> None:
        """Put a program where the scripts find it."""
        path = self.path / "bin" / name
        path.write_text(text.replace("PLACE", str(self.path)))
        path.chmod(0o755)

    def start(self, script: str, name: str, before: str = "") -> subprocess.Popen[str]:
        """Run a script of the guest as `name`."""
        text = PATHS.sub(f"{self.path}/", (FOLDER / script).read_text())
        path = self.path / name
        path.write_text(before + text)
        env = {"PATH": str(self.path / "bin")}
        pipe = subprocess.PIPE
        process = subprocess.Popen(["/bin/sh", str(path)], env=env, stdout=pipe, text=True)
        self.processes.append(process)
        return process

    def until(self, name: str) -> None:
        """Wait for a file."""
        end = time.monotonic() + SECONDS
        while not (self.path / name).exists():
            assert time.monotonic() < end, f"{name} does not come"
            time.sleep(0.01)

    def app(self) -> str:
        """What app.sh says until it ends."""
        return self.start("app.sh", "app", HARMLESS).communicate(timeout=SECONDS)[0]

    @property
    def ended(self) -> str:
        """How the guest has ended."""
        return (self.path / "ended").read_text()

    @property
    def has_begun(self) -> bool:
        """The image's program ran."""
        return (self.path / "begun").exists()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    found = Place(tmp_path)
    yield found
    for process in found.processes:
        process.kill()
        process.communicate()


def test_the_exit_status_is_the_reason(place: Place) -> None:
    assert "guest: app has ended, exit status 3" in place.app()
    assert place.ended == "reboot -f\n" and place.has_begun


def test_asked_to_end_while_it_waits_for_an_address(place: Place) -> None:
    place.program("udhcpc", WAITING)
    app = place.start("app.sh", "app", HARMLESS)
    place.until("udhcpc")
    place.start("stop.sh", "poweroff")
    said = app.communicate(timeout=SECONDS)[0]
    assert "no DHCP server" not in said and "exit status" not in said
    assert place.ended == "poweroff -f\n" and not place.has_begun


def test_asked_to_end_before_anything_is_mounted(place: Place) -> None:
    place.program("udhcpc", f"{OTHERS}echo no >>PLACE/ended\n")
    place.start("stop.sh", "reboot")
    place.until("guest/goal")
    # What init.sh mounts hides what was there.
    shutil.rmtree(place.path / "run")
    (place.path / "run").mkdir()
    assert "guest: app was asked to end before it has begun" in place.app()
    assert place.ended == "reboot -f\n" and not place.has_begun


def test_asked_to_end_just_before_it_begins(place: Place) -> None:
    stop = place.start("stop.sh", "poweroff")
    place.until("guest/goal")
    program = subprocess.Popen(["sleep", "60"], text=True)
    place.processes.append(program)
    (place.path / "run/app").write_text(f"{program.pid}\n")
    assert program.wait(SECONDS) == -signal.SIGTERM
    stop.wait(SECONDS)


def test_one_that_does_not_end_is_ended(place: Place) -> None:
    deaf = ["sh", "-c", "trap '' TERM; echo; while :; do sleep 1; done"]
    program = subprocess.Popen(deaf, stdout=subprocess.PIPE, text=True)
    place.processes.append(program)
    assert program.stdout is not None and program.stdout.readline()
    (place.path / "run/app").write_text(f"{program.pid}\n")
    place.start("stop.sh", "poweroff")
    assert program.wait(SECONDS) == -signal.SIGKILL
