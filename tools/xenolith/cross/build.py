# SPDX-License-Identifier: Apache-2.0
"""Builds a project, or takes what an earlier build of the same inputs left in the cache.

cache/cross/<name>-<arch>/ is one project's: `<key>/` holds a finished result (files/ and
manifest.json, which is written last), `work-<key>/` the tree of one that is not finished. The key
is a digest of all inputs, so a changed patch never meets an old object file. A build that was
broken off goes on in its tree; if it then fails again the tree is made anew the next time.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from xenolith import progress
from xenolith.build import info
from xenolith.cross import patching, steps, sysroot
from xenolith.cross.manifest import intact, write
from xenolith.cross.origin import Source
from xenolith.cross.project import Project, Result
from xenolith.dom0 import cache, debian
from xenolith.errors import UserError

LAYOUT = "1"
"""Changes when this code makes something else of the same inputs."""

TRIPLES = {"riscv64": "riscv64-linux-gnu", "arm64": "aarch64-linux-gnu"}


@dataclass(frozen=True)
class _Inputs:
    """What a build is made of, all of it on this machine."""

    project: Project
    source: Source
    debs: list[Path]
    triple: str

    @property
    def key(self) -> str:
        """The name of the result."""
        project = self.project
        folders = [f for f in (project.patches, project.overlay) if f]
        files = [*sorted(p for f in folders for p in f.rglob("*") if p.is_file()), *project.inputs]
        parts: list[bytes | str] = [LAYOUT, self.source.key, project.arch, repr(project.steps)]
        parts += [repr(project.outputs), repr(project.exclude), repr([d.name for d in self.debs])]
        parts.append(info.compiler_version((f"{self.triple}-gcc",)))
        for path in files:
            parts += [path.name, path.read_bytes()]
        return cache.digest(*parts)


def build(project: Project) -> Result:
    """The project's outputs; downloads and builds what is missing. Raises UserError."""
    triple = TRIPLES.get(project.arch)
    if triple is None:
        raise UserError(f"{project.name} cannot be built for {project.arch}", 2)
    source = project.origin.fetch(project.arch)
    suite = project.origin.suite
    debs = debian.download(project.sysroot, suite, project.arch) if project.sysroot else []
    inputs = _Inputs(project, source, debs, triple)
    home = cache.cache_dir("cross", f"{project.name}-{project.arch}")
    result = Result(home / inputs.key, source.version)
    if intact(result.folder):
        return result
    waiting = f"waiting for another xenolith that builds {project.name}"
    with cache.locked(home, lambda: progress.note(waiting)) as lock:
        if not intact(result.folder):
            if result.folder.exists():
                progress.note(f"{result.folder} is damaged: building {project.name} again")
            _build(inputs, home, result.folder, lock)
    return result


def _build(inputs: _Inputs, home: Path, into: Path, lock: int) -> None:
    """Make the tree ready, run the steps that have not been run, keep the outputs."""
    project = inputs.project
    work = home / f"work-{inputs.key}"
    for old in home.glob("work-*"):
        if old != work:
            shutil.rmtree(old)
    begun = _prepare(inputs, work)
    place = steps.Place(project.name, work / "log", _words(inputs, work), _env(inputs, work), lock)
    try:
        for number, step in enumerate(project.steps):
            done = work / f"done-{number}"
            if not done.exists():
                steps.run(place, step)
                done.touch()
        _keep(inputs, work / "tree", into)
    except UserError:
        if begun:
            # What the first attempt left may be the reason.
            (work / "ready").unlink()
        raise
    shutil.rmtree(work)


def _prepare(inputs: _Inputs, work: Path) -> bool:
    """An unpacked, patched tree and a sysroot in `work`. True if a build has begun there before."""
    project = inputs.project
    ready, tree = work / "ready", work / "tree"
    if ready.exists():
        progress.note(f"{project.name}: going on with the build that was broken off")
        steps.prune(tree)
        return True
    if work.exists():
        shutil.rmtree(work)
    cache.require_space(work.parent, project.space)
    tree.mkdir(parents=True)
    inputs.source.unpack(tree, project.exclude)
    if project.patches:
        label = f"{project.name} {inputs.source.version}"
        patching.folder(tree, project.patches, label)
    if project.overlay:
        patching.lay_over(tree, project.overlay)
    (work / "inputs").mkdir()
    for path in project.inputs:
        shutil.copy(path, work / "inputs")
    (work / "bin").mkdir()
    if inputs.debs:
        sysroot.make(work / "sysroot", inputs.debs)
        sysroot.compiler(work / "sysroot", inputs.triple, work / "bin")
    ready.touch()
    return False


def _words(inputs: _Inputs, work: Path) -> dict[str, str]:
    folders = {name: str(work / name) for name in ("tree", "sysroot", "inputs")}
    return {**folders, "jobs": str(steps.jobs()), "cross": f"{inputs.triple}-"}


def _env(inputs: _Inputs, work: Path) -> dict[str, str]:
    return steps.base_environment(work) | sysroot.environment(work / "sysroot", inputs.triple)


def _keep(inputs: _Inputs, tree: Path, into: Path) -> None:
    """Copy the outputs; the manifest comes last and makes them valid."""
    shutil.rmtree(into, ignore_errors=True)
    files = into / "files"
    files.mkdir(parents=True)
    for output in inputs.project.outputs:
        source, target = tree / output.path, files / output.name
        if not source.exists():
            raise UserError(f"{inputs.project.name}: the build left no {output.path}")
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, symlinks=True)
        else:
            shutil.copy(source, target)
    write(into, {"version": inputs.source.version, "project": inputs.project.name})
