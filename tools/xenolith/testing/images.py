# SPDX-License-Identifier: Apache-2.0
"""OCI images for tests: layouts and archives of `docker save`, as files by name."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

Files = dict[str, bytes]
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def entry(name: str, data: bytes = b"", mode: int = 0o644, **fields: Any) -> tuple[Any, bytes]:
    """An entry of an archive. `fields`: of tarfile.TarInfo; a directory's name ends in a slash."""
    info = tarfile.TarInfo(name.rstrip("/") if name != "/" else name)
    info.type = tarfile.DIRTYPE if name.endswith("/") and name != "/" else tarfile.REGTYPE
    info.size, info.mode, info.mtime = len(data), mode, 1_700_000_000
    for key, value in fields.items():
        setattr(info, key, value)
    return info, data


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tuple[Any, bytes]:
    """A symbolic link, or with tarfile.LNKTYPE a hard one."""
    return entry(name, mode=0o777, type=kind, linkname=target)


def layer(*entries: tuple[Any, bytes]) -> bytes:
    """A layer as a plain archive."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for info, data in entries:
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


PASSWD = b"root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001:App:/home/app:/bin/sh\nbad:x:y:z:::\n"
BASE = layer(
    entry("bin/", mode=0o755),
    entry("bin/busybox", b"program", 0o4755),
    link("bin/sh", "bin/busybox", tarfile.LNKTYPE),
    entry("etc/passwd", PASSWD),
    entry("etc/group", b"root:x:0:\nwheel:x:10:app\n"),
    entry("opt/old/one", b"1"),
    entry("opt/old/two", b"2"),
    entry("opt/kept", b"3", uid=1000, gid=1001),
    link("lib", "usr/lib"),
    entry("usr/lib/", mode=0o755),
)
CONFIG: dict[str, Any] = {"Entrypoint": ["/bin/sh"], "Cmd": ["-c", "echo 'hi there'"]}


def put(files: Files, data: bytes) -> dict[str, Any]:
    """Store a blob; its descriptor."""
    digest = hashlib.sha256(data).hexdigest()
    files[f"blobs/sha256/{digest}"] = data
    return {"digest": f"sha256:{digest}", "size": len(data)}


def configuration(arch: str, layers: list[bytes], config: dict[str, Any]) -> bytes:
    """An image's configuration."""
    digests = [f"sha256:{hashlib.sha256(data).hexdigest()}" for data in layers]
    rootfs = {"type": "layers", "diff_ids": digests}
    table = {"architecture": arch, "os": "linux", "config": config, "rootfs": rootfs}
    return json.dumps(table).encode()


def manifest(files: Files, arch: str, layers: list[bytes], config: dict[str, Any]) -> Any:
    """Store an image; the descriptor of its manifest."""
    table = {
        "schemaVersion": 2,
        "config": put(files, configuration(arch, layers, config)),
        "layers": [put(files, gzip.compress(data, mtime=0)) for data in layers],
    }
    found = put(files, json.dumps(table).encode())
    return found | {"mediaType": MANIFEST, "platform": {"architecture": arch, "os": "linux"}}


def layout(arch: str, layers: list[bytes], config: dict[str, Any]) -> Files:
    """An OCI layout with one image."""
    files: Files = {"oci-layout": b'{"imageLayoutVersion": "1.0.0"}'}
    index = {"schemaVersion": 2, "manifests": [manifest(files, arch, layers, config)]}
    return files | {"index.json": json.dumps(index).encode()}


def saved(arch: str, layers: list[bytes], config: dict[str, Any]) -> Files:
    """What `docker save` wrote before it wrote layouts."""
    names = [f"{number}/layer.tar" for number in range(len(layers))]
    table = [{"Config": "config.json", "RepoTags": ["app:1"], "Layers": names}]
    files = {"manifest.json": json.dumps(table).encode()}
    files["config.json"] = configuration(arch, layers, config)
    return files | dict(zip(names, layers, strict=True))


def pack(files: Files, path: Path) -> Path:
    """Write an archive of such files."""
    path.write_bytes(layer(*(entry(name, data) for name, data in files.items())))
    return path


def spread(files: Files, folder: Path) -> Path:
    """Write such files into a folder."""
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder
