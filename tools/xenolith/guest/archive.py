# SPDX-License-Identifier: Apache-2.0
"""Finds the image for an architecture in an OCI layout (a folder or its archive) or in what
`docker save` writes; formats: image-spec of OCI, image-layout.md, image-index.md, manifest.md.
"""

from __future__ import annotations

import itertools
import json
import tarfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from xenolith.errors import UserError
from xenolith.guest import blob
from xenolith.guest.blob import Table

JSON = 4 << 20
"""Bytes; no index, manifest or configuration is larger."""
MEMBERS = 100_000
DEPTH = 4
"""Indexes in indexes."""
LAYERS = 500
MANIFESTS = 1000
"""In all indexes; one index may be named many times."""
PATH = 200
"""Letters; `docker save` takes fewer for the name of a file."""
NAMES = ("org.opencontainers.image.ref.name", "io.containerd.image.name")
"""Annotations that say what an image is called."""


class Source:
    """Files of an image by name; both kinds read like this. Close it."""

    def __init__(self, path: Path, spool: Path, limit: int) -> None:
        """`spool`: a folder for what is unpacked. Raises UserError."""
        self.path, self.spool, self.limit = path, spool, limit
        self._numbers = itertools.count()
        self._tar: tarfile.TarFile | None = None
        self._file: blob.BoundedFile | None = None
        self._members: dict[str, tarfile.TarInfo] = {}
        self._manifests = 0
        if _is_folder(path):
            return
        with blob.reading(str(path)):
            plain = self.new()
            blob.unpack(path, plain, limit)
            self._file = blob.BoundedFile(plain, "rb")
            self._tar = tarfile.TarFile(fileobj=self._file)
            for entry in itertools.islice(blob.entries(self._tar), MEMBERS):
                self._members[str(PurePosixPath(entry.name))] = entry

    def close(self) -> None:
        """No more reading."""
        for file in (self._tar, self._file):
            if file:
                file.close()

    def count(self) -> None:
        """One more manifest is looked at. Raises UserError if there is no end of them."""
        self._manifests += 1
        if self._manifests > MANIFESTS:
            raise UserError(f"{self.path} names more than {MANIFESTS} manifests; fetch one image")

    def new(self) -> Path:
        """A file in the spool that is not there yet."""
        return self.spool / f"blob-{next(self._numbers):06}"

    def size(self, name: str) -> int | None:
        """Bytes of a file; None if there is none."""
        if self._tar:
            member = self._linked(name)
            return member.size if member else None
        path = self.path / name
        return path.stat().st_size if path.is_file() else None

    def _linked(self, name: str) -> tarfile.TarInfo | None:
        """A member that is a file; older versions of docker link equal layers to each other."""
        member = self._members.get(name)
        if member is not None and (member.issym() or member.islnk()):
            folder = PurePosixPath(name).parent if member.issym() else PurePosixPath()
            parts: list[str] = []
            for part in (folder / member.linkname).parts:
                parts = parts[:-1] if part == ".." else [*parts, part]
            member = self._members.get("/".join(parts))
        return member if member is not None and member.isreg() else None

    def copy(self, name: str, size: int | None, digest: str) -> Path:
        """A file, copied to the spool and verified. Raises UserError."""
        there = self.size(name)
        if there is None:
            raise UserError(f"{self.path} is cut off or no image: {name} is missing")
        target = self.new()
        with blob.reading(str(self.path)), closing(self._open(name)) as f:
            blob.copy(f, target, there if size is None else size, digest)
        return target

    def small(self, name: str) -> bytes:
        """The content of a file of JSON. Raises UserError."""
        size = self.size(name)
        if size is None:
            raise UserError(f"{self.path} is cut off or no image: {name} is missing")
        if size > JSON:
            raise UserError(f"{self.path}: {name} has {size} bytes, which is too much for JSON")
        with blob.reading(str(self.path)), closing(self._open(name)) as f:
            return f.read(JSON)

    def _open(self, name: str) -> BinaryIO:
        if not self._tar:
            return (self.path / name).open("rb")
        member = self._linked(name)
        assert member is not None
        return cast(BinaryIO, self._tar.extractfile(member))

    def blob(self, descriptor: Table) -> bytes:
        """A small blob, verified. Raises UserError."""
        name, size, digest = self._blob(descriptor)
        if size > JSON:
            raise UserError(f"{self.path}: blob {digest} is too large for JSON")
        return self.copy(name, size, digest).read_bytes()

    def layer(self, descriptor: Table) -> Path:
        """A blob of any size, verified, in the spool. Raises UserError."""
        return self.copy(*self._blob(descriptor))

    def checked_digest(self, digest: object) -> str:
        """`digest`, if it can be one. Raises UserError."""
        if not isinstance(digest, str) or not blob.DIGEST.fullmatch(digest):
            raise UserError(f"{self.path}: {str(digest)[:80]!r} is no SHA-256 digest of a blob")
        return digest

    def _blob(self, descriptor: Table) -> tuple[str, int, str]:
        digest, size = descriptor.get("digest"), descriptor.get("size")
        digest = self.checked_digest(digest)
        if not isinstance(size, int) or not 0 <= size <= self.limit:
            raise UserError(
                f"{self.path}: blob {digest} has {repr(size)[:80]} bytes, which cannot be"
            )
        return f"blobs/sha256/{digest.removeprefix('sha256:')}", size, digest


def _is_folder(path: Path) -> bool:
    """Whether the image is a folder or a file. Raises UserError for one that cannot be read."""
    try:
        if path.is_dir():
            next(path.iterdir(), None)
            return True
        if not path.is_file():
            raise UserError(f"{path} does not exist or is no file", 2)
        path.open("rb").close()
    except OSError as e:
        raise UserError(f"{path}: {e.strerror}; name an image that can be read", 2) from e
    return False


@dataclass(frozen=True)
class Image:
    """One image: its configuration, and its layers from the lowest: (descriptor, digest of its
    archive)."""

    source: Source
    config: Table
    layers: tuple[tuple[Table, str], ...]

    def unpacked(self, number: int, limit: int) -> Path:
        """A layer as a plain archive in the spool, verified. Raises UserError."""
        descriptor, digest = self.layers[number]
        with blob.reading(f"layer {number + 1} of {self.source.path}"):
            path = descriptor.get("path")
            if path is None:
                packed = self.source.layer(descriptor)
                plain = self.source.new()
                found = blob.unpack(packed, plain, limit)
                packed.unlink()
            else:
                plain, found = self.source.copy(str(path), None, digest), digest
        if found != digest:
            raise UserError(f"layer {number + 1} of {self.source.path} is not what its image says")
        return plain


def choose(source: Source, arch: str, name: str = "") -> Image:
    """The image for an architecture, by OCI's (and Debian's) name of it. Raises UserError.

    `name`: which one, if there are several.
    """
    if source.size("index.json") is not None:
        index = blob.table(source.small("index.json"), "index.json")
        found = list(_oci(source, index, ("linux", arch)))
    elif source.size("manifest.json") is not None:
        found = list(_docker(source))
    else:
        raise UserError(
            f"{source.path} is no image: neither an OCI layout nor written by `docker save`", 2
        )
    images = {json.dumps([image.config, image.layers]): (called, image) for called, image in found}
    fitting = [x for x in images.values() if _platform(x[1].config) == ("linux", arch)]
    if not fitting:
        raise _wrong_platform(source, arch, [image for _, image in images.values()])
    chosen = [x for x in fitting if name in ("", x[0])]
    if len(chosen) != 1:
        names = blob.shown(called or "one without a name" for called, _ in fitting)
        raise UserError(f"{source.path} holds: {names}; choose with --image NAME", 2)
    return chosen[0][1]


def _platform(config: Table) -> tuple[str, str]:
    return str(config.get("os", "linux")), str(config.get("architecture", ""))


def _wrong_platform(source: Source, arch: str, images: list[Image]) -> UserError:
    there = blob.shown("/".join(_platform(image.config)) for image in images)
    return UserError(
        f"{source.path} is for {there or 'nothing'}, the guest is linux/{arch}: "
        f"fetch that one, as in `skopeo copy --override-arch {arch} docker://NAME oci:FOLDER`",
        2,
    )


def _oci(
    source: Source, index: Table, wanted: tuple[str, str], called: str = "", depth: int = 0
) -> Iterator[tuple[str, Image]]:
    """Images of an index with their names; those said to be for another platform without layers,
    which may be missing."""
    if depth > DEPTH:
        raise UserError(f"{source.path}: more than {DEPTH} indexes in each other")
    for descriptor in blob.tables(index, "manifests"):
        source.count()
        notes = descriptor.get("annotations")
        notes = notes if isinstance(notes, dict) else {}
        own = next((str(notes[key]) for key in NAMES if key in notes), called)
        platform = descriptor.get("platform")
        if isinstance(platform, dict) and _platform(platform) != wanted:
            # An unknown one is what buildkit notes about how an image was made.
            if platform.get("os") != "unknown":
                yield own, Image(source, platform, ())
            continue
        content = blob.table(source.blob(descriptor), "a manifest")
        if "manifests" in content:
            yield from _oci(source, content, wanted, own, depth + 1)
        else:
            yield own, _image(source, content)


def _image(source: Source, manifest: Table) -> Image:
    reference = manifest.get("config")
    if not isinstance(reference, dict):
        raise UserError(f"{source.path}: a manifest without a configuration")
    config = blob.table(source.blob(reference), "an image's configuration")
    return _with_digests(source, config, blob.tables(manifest, "layers"))


def _with_digests(source: Source, config: Table, layers: list[Table]) -> Image:
    rootfs = config.get("rootfs")
    digests = rootfs.get("diff_ids") if isinstance(rootfs, dict) else None
    if not isinstance(digests, list) or len(digests) != len(layers) or len(layers) > LAYERS:
        raise UserError(f"{source.path}: {len(layers)} layers, for which there are no digests")
    verified = map(source.checked_digest, digests)
    return Image(source, config, tuple(zip(layers, verified, strict=True)))


def _docker(source: Source) -> Iterator[tuple[str, Image]]:
    """Images of `docker save` before it wrote OCI layouts."""
    try:
        manifest = json.loads(source.small("manifest.json"))
    except (ValueError, RecursionError) as e:
        raise UserError(f"{source.path}: manifest.json is no JSON") from e
    for entry in manifest if isinstance(manifest, list) else []:
        source.count()
        if not isinstance(entry, dict) or not isinstance(entry.get("Layers"), list):
            raise UserError(f"{source.path}: manifest.json is not one of `docker save`")
        config = blob.table(source.small(_inside(entry.get("Config"))), "an image's configuration")
        tags = entry.get("RepoTags")
        called = str(tags[0]) if isinstance(tags, list) and tags else ""
        layers: list[Table] = [{"path": _inside(path)} for path in entry["Layers"]]
        yield called, _with_digests(source, config, layers)


def _inside(name: object) -> str:
    """The name of a file in the archive. Raises UserError."""
    path = PurePosixPath(str(name))
    if path.is_absolute() or ".." in path.parts:
        raise UserError(f"manifest.json names {str(name)[:80]!r}, which is outside the image")
    if not str(path).isprintable() or len(str(path)) > PATH:
        raise UserError(f"manifest.json names {str(name)[:80]!r}, which no image has")
    return str(path)
