# SPDX-License-Identifier: Apache-2.0
"""The only module that knows SCons: turns the plan into a dependency graph."""

from __future__ import annotations

import fcntl
import os
import shlex
from pathlib import Path
from typing import Any

from SCons.Scanner.C import CScanner
from SCons.Script import Action, Alias, Builder, Default, Environment, SConsignFile, SetOption

from xenolith import ROOT
from xenolith.boards import find
from xenolith.build import image, info, plan, toolchain
from xenolith.errors import UserError

# A generated file depends on the code that generates it.
GENERATORS = ["#tools/xenolith/build/plan.py", "#tools/xenolith/build/image.py"]


def _write_text(target: list[Any], source: list[Any], env: Any) -> None:
    Path(str(target[0])).write_text(source[0].get_text_contents())


def _write_offsets(target: list[Any], source: list[Any], env: Any) -> None:
    Path(str(target[0])).write_text(plan.offsets_header(Path(str(source[0])).read_text()))


def _write_image(target: list[Any], source: list[Any], env: Any) -> None:
    Path(str(target[0])).write_bytes(image.flatten(Path(str(source[0]))))


def _builders() -> dict[str, Any]:
    """One builder per kind of step. CC_VERSION counts as input: another compiler, other objects."""

    def compiler(verb: str, command: str) -> Any:
        action = Action(
            f"$CC $FLAGS $SPEED $INCLUDES {command}", f"{verb} $SOURCE", varlist=["CC_VERSION"]
        )
        return Builder(action=action, source_scanner=CScanner(), single_source=True)

    link = "$LD $LDFLAGS -T $SCRIPT -Map=${TARGETS[1]} -o ${TARGETS[0]} $SOURCES"
    return {
        "Obj": compiler("CC", "-c -o $TARGET $SOURCE"),
        "Asm": compiler("CC", "-g0 -S -o $TARGET $SOURCE"),
        "Script": compiler("CPP", "-E -P -x assembler-with-cpp -o $TARGET $SOURCE"),
        "Link": Builder(action=Action(link, "LD $TARGET")),
        "Text": Builder(action=Action(_write_text, "GEN $TARGET")),
        "Offsets": Builder(action=Action(_write_offsets, "GEN $TARGET")),
        "Image": Builder(action=Action(_write_image, "IMAGE $TARGET")),
    }


def _lock(folder: Path) -> Any:
    """The folder for this process alone until it ends: builds of two terminals take turns."""
    folder.mkdir(parents=True, exist_ok=True)
    file = (folder / ".lock").open("w")
    fcntl.flock(file, fcntl.LOCK_EX)
    return file


def environment(variables: Any) -> Any:
    """The construction environment for the options given; UserError for a wrong one."""
    options = Environment(tools=[], variables=variables)
    unknown = variables.UnknownVariables()
    if unknown:
        raise UserError(f"no option {', '.join(unknown)}; see scons --help", 2)
    board = find(options["board"])
    tools = toolchain.require(options["toolchain"], board.arch)
    debug = bool(options["debug"])
    out = plan.output_dir(board.name, tools.kind, debug=debug)
    lock = _lock(ROOT / out)
    SConsignFile(str(ROOT / out / "sconsign"))
    SetOption("num_jobs", os.cpu_count() or 1)
    SetOption("implicit_cache", 1)
    env = options.Clone(
        BUILDERS=_builders(),
        ENV={"PATH": os.environ["PATH"], "LC_ALL": "C"},
        BOARD=board,
        OUT=out,
        LOCK=lock,
        SPEED_FLAGS="" if debug else toolchain.LEVELS[tools.kind].speed,
        CC=shlex.join(tools.cc),
        CC_VERSION=info.compiler_version(tools.cc),
        FLAGS=shlex.join(tools.compile_flags(board.arch, debug=debug, root=str(ROOT))),
        LD=shlex.join(tools.ld),
        LDFLAGS=shlex.join(tools.link_flags(board.arch)),
    )
    # Not content-timestamp: SCons counts whole seconds, and a program edits twice within one.
    env.Decider("content")
    return env


def _with_includes(env: Any, folders: list[str]) -> Any:
    """The environment with an include path, for the compiler and for SCons's search alike."""
    includes = " ".join(f"-I{folder}" for folder in folders)
    paths = [folder if folder.startswith("/") else f"#{folder}" for folder in folders]
    return env.Clone(CPPPATH=paths, INCLUDES=includes)


def _speed(env: Any, name: str) -> str:
    """What is added to the flags for one source."""
    return str(env["SPEED_FLAGS"]) if plan.HOT.match(name) else ""


def _objects(env: Any, names: list[str]) -> list[Any]:
    """An object node per source, at the same path below the output folder."""
    folder = f"{env['OUT']}/obj"
    return [env.Obj(f"{folder}/{name}.o", name, SPEED=_speed(env, name))[0] for name in names]


def _link(env: Any, target: str, script: str, objects: list[Any]) -> tuple[Any, Any]:
    """Nodes of <target>.elf and the flat image, named by the caller."""
    script_node = env.Script(f"{env['OUT']}/obj/{script.removesuffix('.S')}", script)[0]
    elf = env.Link([f"{target}.elf", f"{target}.map"], objects, SCRIPT=str(script_node))
    env.Depends(elf, script_node)
    return elf[0], script_node


def _generated(env: Any, out: str) -> None:
    """Headers that the build makes; SCons finds who includes them."""
    date, change = info.changeset(ROOT)
    text = info.header(env["CC_VERSION"], date, change)
    env.Text(f"{out}/gen/include/xen/build_info.h", env.Value(text))
    env.Text(f"{out}/gen/include/xen/board.h", env.Value(info.board_header(env["BOARD"])))
    assembly = env.Asm(f"{out}/obj/asm_offsets.s", f"arch/{env['BOARD'].arch}/asm_offsets.c")
    header = env.Offsets(f"{out}/gen/include/asm/offsets.h", assembly)
    env.Depends(header, GENERATORS)


def hypervisor(base: Any) -> None:
    """The default target: image, ELF, map and compile_commands.json."""
    board, out = base["BOARD"], base["OUT"]
    names = plan.sources(ROOT, board)
    if not any(name.startswith(f"arch/{board.arch}/") for name in names):
        raise UserError(f"arch/{board.arch} has no sources")
    env = _with_includes(base, plan.include_dirs(board, out))
    _generated(env, out)
    objects = _objects(env, names)
    elf, _ = _link(env, f"{out}/xenolith", "arch/xen.lds.S", objects)
    flat = env.Image(f"{out}/xenolith", elf)
    env.Depends(flat, GENERATORS)
    command = env.subst("$CC $FLAGS $INCLUDES")
    entries = [
        (name, str(node), f"{command} {_speed(env, name)} -c -o {node} {name}")
        for name, node in zip(names, objects, strict=True)
    ]
    database = plan.compile_commands(str(ROOT), entries)
    commands = env.Text(f"{out}/compile_commands.json", env.Value(database))
    Default(Alias("image", [flat, elf, commands]))


def guests(base: Any) -> None:
    """Target `guests`: an ELF file and a flat image for every tiny kernel."""
    found = plan.guests(ROOT, base["BOARD"])
    if not found.mains:
        return
    env = _with_includes(base, found.includes)
    library = _objects(env, found.library)
    nodes = []
    for name in found.mains:
        target = f"{base['OUT']}/guests/{Path(name).stem}"
        own = _objects(env, plan.guest_sources(ROOT, name, base["BOARD"].arch))
        elf, _ = _link(env, target, found.script, [*own, *library])
        nodes += [elf, *env.Image(f"{target}.bin", elf)]
    Alias("guests", nodes)
