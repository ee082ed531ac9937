# SPDX-License-Identifier: Apache-2.0
"""Headers and libraries for a cross compiler: Debian packages unpacked into a folder."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from xenolith import progress
from xenolith.dom0 import cache, debian
from xenolith.errors import UserError

# The compiler's own idea of where a libc is comes from packages that not every machine has, of
# another version: headers and start files are named so that only the sysroot's are seen.
WRAPPER = """#!/bin/sh
exec {gcc} --sysroot={root} -B{lib} -L{lib} -nostdinc -isystem {own} -isystem {include}/{triple} \\
    -isystem {include} "$@"
"""


def make(folder: Path, debs: list[Path]) -> None:
    """Unpack `debs` into the new folder. Absolute links point into the folder afterwards."""
    folder.mkdir(parents=True)
    for name in ("bin", "lib", "sbin"):
        # Linker scripts of libc name /lib.
        (folder / "usr" / name).mkdir(parents=True)
        (folder / name).symlink_to(f"usr/{name}")
    with progress.quiet_step("unpacking headers and libraries"):
        for deb in debs:
            debian.unpack(deb, folder, _wanted)
    for path in folder.rglob("*"):
        target = path.readlink() if path.is_symlink() else None
        if target and target.is_absolute():
            inside = folder / str(target).lstrip("/")
            path.unlink()
            path.symlink_to(os.path.relpath(inside, path.parent))


def _wanted(path: str) -> bool:
    """Without documentation and translations."""
    return not path.startswith(("usr/share/doc", "usr/share/man", "usr/share/locale"))


def compiler(folder: Path, triple: str, bin_folder: Path) -> None:
    """Put a `<triple>-gcc` into `bin_folder` that compiles for what is in the sysroot `folder`."""
    name = f"{triple}-gcc"
    gcc = shutil.which(name)
    if gcc is None:
        raise UserError(f"{name} not found; apt install gcc-{triple}")
    command = [gcc, "-print-file-name=include"]
    own = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    usr = folder / "usr"
    script = WRAPPER.format(
        gcc=gcc,
        root=folder,
        lib=usr / "lib" / triple,
        own=own,
        include=usr / "include",
        triple=triple,
    )
    bin_folder.mkdir(exist_ok=True)
    cache.write_atomic(bin_folder / name, script.encode()).chmod(0o755)


def environment(folder: Path, triple: str) -> dict[str, str]:
    """What makes pkg-config look into the sysroot only."""
    places = [folder / "usr/lib" / triple / "pkgconfig", folder / "usr/share/pkgconfig"]
    return {
        "PKG_CONFIG_LIBDIR": ":".join(map(str, places)),
        "PKG_CONFIG_SYSROOT_DIR": str(folder),
    }
