# SPDX-License-Identifier: Apache-2.0
"""Reads system.toml: the same machine as an ImageBuilder configuration, in words of its own.

hypervisor = "xenolith"
arguments = "console=dtuart dom0_mem=1G"
[dom0]
kernel = "Image"
ramdisk = "initrd.gz"
[[guests]]
kernel = "Image"
memory = 262144            # KiB
"""

from __future__ import annotations

import dataclasses
import tomllib
import types
import typing
from pathlib import Path
from typing import Any

from xenolith.errors import UserError
from xenolith.system.spec import Spec


def load(path: Path) -> Spec:
    """The machine that a file describes. Raises UserError that names the key."""
    try:
        raw = tomllib.loads(path.read_text())
    except OSError as e:
        raise UserError(f"{path}: {e.strerror}; --config names a file", 2) from e
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as e:
        raise UserError(f"{path}: {e}", 2) from e
    for number, guest in enumerate(raw.get("guests", [])):
        if isinstance(guest, dict):
            guest.setdefault("name", f"domU{number}")
    try:
        spec = _value(Spec, raw, "")
    except ValueError as e:
        raise UserError(f"{path}: {e}", 2) from e
    assert isinstance(spec, Spec)
    return spec


def _value(kind: Any, raw: Any, where: str) -> Any:
    """`raw` as a value of type `kind`; ValueError names the place."""
    origin, inside = typing.get_origin(kind), typing.get_args(kind)
    if dataclasses.is_dataclass(kind):
        return _record(typing.cast(type, kind), raw, where)
    if origin is types.UnionType:
        return _value(inside[0], raw, where)
    if origin is tuple and isinstance(raw, list):
        return tuple(_value(inside[0], item, f"{where}[{n}]") for n, item in enumerate(raw))
    if origin is dict and isinstance(raw, dict):
        return {
            _key(inside[0], key, where): _value(inside[1], item, f"{where}.{key}")
            for key, item in raw.items()
        }
    if origin is None and type(raw) is kind:
        return raw
    raise ValueError(f"{where}: {raw!r} is not what belongs here")


def _key(kind: Any, key: str, where: str) -> Any:
    if kind is not int:
        return key
    if not key.isdecimal():
        raise ValueError(f"{where}: {key!r} is no number")
    return int(key)


def _record(kind: type, raw: Any, where: str) -> Any:
    if not isinstance(raw, dict):
        raise ValueError(f"{where or 'the file'}: a table belongs here")
    hints = typing.get_type_hints(kind)
    fields = {f.name: f for f in dataclasses.fields(kind) if "derived" not in f.metadata}
    unknown = sorted(set(raw) - set(fields))
    if unknown:
        known = ", ".join(fields)
        raise ValueError(f"{_at(where, unknown[0])} is no key; there are: {known}")
    for name, field in fields.items():
        missing = field.default is dataclasses.MISSING
        if missing and field.default_factory is dataclasses.MISSING and name not in raw:
            raise ValueError(f"{_at(where, name)} is missing")
    return kind(**{key: _value(hints[key], item, _at(where, key)) for key, item in raw.items()})


def _at(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key
