# SPDX-License-Identifier: Apache-2.0
"""Reads pieces of an image archive that may be hostile: verified, unpacked, never too much.

Nothing is written but to files that the caller names.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import shutil
import subprocess
import tarfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from xenolith.errors import UserError, printable

Table = dict[str, Any]

CHUNK = 1 << 20
HEADER = 1 << 20
"""Bytes; tarfile reads an extended header at once, whatever size it names."""
GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._/:@+-]{0,79}")
SHOWN = 20
DAMAGED = (
    tarfile.TarError,
    gzip.BadGzipFile,
    zlib.error,
    EOFError,
    ValueError,
    IndexError,
    OverflowError,
)
"""What Python's readers raise for bytes that make no sense."""


class BoundedFile(io.FileIO):
    """A file for tarfile, of which nobody may read more than CHUNK bytes at once."""

    def read(self, size: int | None = -1, /) -> bytes:
        """As usual. Raises tarfile.ReadError for a larger piece."""
        if size is None or not 0 <= size <= CHUNK:
            raise tarfile.ReadError(f"a header of {size} bytes")
        return super().read(size)


def shown(words: Iterable[str]) -> str:
    """Words that an image has, for people: some of them, odd ones as Python writes them."""
    found = sorted(set(words))
    some = [word if PLAIN.fullmatch(word) else repr(word[:80]) for word in found[:SHOWN]]
    return ", ".join([*some, "..."] if len(found) > SHOWN else some)


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Turn complaints of Python's readers into a UserError about `what`."""
    try:
        yield
    except DAMAGED as e:
        said = printable(str(e), 100)
        raise UserError(f"{what} is damaged or cut off{f' ({said})' if said else ''}") from e


def entries(tar: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """The entries of an archive; tarfile's own list of them does not grow."""
    while (entry := tar.next()) is not None:
        yield entry
        tar.members = []  # type: ignore[attr-defined]


def copy(source: BinaryIO, target: Path, size: int, digest: str) -> None:
    """Copy a blob to a file. Raises UserError if size or SHA-256 are not as announced."""
    h = hashlib.sha256()
    rest = size
    with target.open("wb") as out:
        while rest and (data := source.read(min(rest, CHUNK))):
            out.write(data)
            h.update(data)
            rest -= len(data)
        longer = not rest and source.read(1)
    if rest or longer or f"sha256:{h.hexdigest()}" != digest:
        what = "is cut off" if rest else "is not what its digest says"
        raise UserError(f"blob {digest} {what}; fetch the image again")


def unpack(packed: Path, target: Path, limit: int) -> str:
    """Take gzip or zstd away, if there is any; the digest of what is in it.

    Raises UserError at more than `limit` bytes.
    """
    # Without a buffer: zstd goes on where the descriptor is.
    with packed.open("rb", buffering=0) as f:
        magic = f.read(4)
        f.seek(0)
        if magic.startswith(GZIP):
            with gzip.GzipFile(fileobj=f) as plain:
                return _pour(plain.read, target, limit)
        if magic != ZSTD:
            return _pour(f.read, target, limit)
        return _zstd(f, target, limit)


def _zstd(packed: io.FileIO, target: Path, limit: int) -> str:
    program = shutil.which("zstd")
    if program is None:
        raise UserError("zstd not found, and the image is packed with it; apt install zstd")
    with subprocess.Popen(
        [program, "-dcq"], stdin=packed, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        try:
            digest = _pour(process.stdout.read, target, limit)
        finally:
            # It may have more to say than anybody wants to hear.
            process.stdout.close()
            status = process.wait()
    if status != 0:
        raise EOFError("zstd cannot read it")
    return digest


def _pour(read: Callable[[int], bytes], target: Path, limit: int) -> str:
    h = hashlib.sha256()
    done = 0
    with target.open("wb") as out:
        while data := read(CHUNK):
            done += len(data)
            if done > limit:
                raise UserError(
                    f"the image unpacks to more than {limit >> 20} MiB; a larger --size allows more"
                )
            out.write(data)
            h.update(data)
    return f"sha256:{h.hexdigest()}"


def table(data: bytes, what: str) -> Table:
    """A JSON object. Raises UserError."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as e:
        raise UserError(f"{what} of the image is no JSON") from e
    if not isinstance(found, dict):
        raise UserError(f"{what} of the image is no JSON object")
    return found


def tables(parent: Table, key: str) -> list[Table]:
    """A list of JSON objects. Raises UserError."""
    found = parent.get(key)
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise UserError(f"the image's {key} are no list of objects")
    return found
