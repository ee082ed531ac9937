# SPDX-License-Identifier: Apache-2.0
"""The whole boot on the third port: dom0 comes up, or a message says what is wrong."""

from __future__ import annotations

import gzip
import re
from typing import Any

import fdt
import pytest

MIB = 1 << 20
GUEST, IDLE, HALTED, RESET = range(4)


def test_dom0_starts(machine: Any) -> None:
    lines = machine.core.log()
    assert any("Xen version 4.20" in line for line in lines)
    first = machine.ffi.new("uint64_t *")
    entry = machine.lib.host_entry(0, 0, first)
    assert machine.get(entry - 16, 8) == b"XENHOST\0"
    tree = fdt.parse_dtb(machine.get(first[0], 65536))
    assert tree.exist_node("/hypervisor")
    assert tree.get_property("bootargs", "/chosen").value == "console=hvc0"
    assert tree.exist_node("/device@9000000")
    assert not [node for node in tree.get_node("/chosen").nodes if node.name.startswith("kernel")]
    start = int.from_bytes(bytes(prop_bytes(tree, "/chosen", "linux,initrd-start")), "big")
    assert machine.get(start, 16) == b"ramdisk\0ramdisk\0"


def prop_bytes(tree: Any, path: str, name: str) -> bytes:
    """A property as bytes, whatever the package took it for."""
    prop = tree.get_property(name, path)
    return b"".join(word.to_bytes(4, "big") for word in prop.data)


def test_gzip_kernel(new_machine: Any) -> None:
    machine = new_machine()
    kernel = b"XENHOST\0" + (2 * MIB).to_bytes(8, "little") + b"code" * 30000
    assert machine.boot(kernel=gzip.compress(kernel)) == GUEST
    entry = machine.lib.host_entry(0, 0, machine.ffi.new("uint64_t *"))
    assert machine.get(entry - 16, len(kernel)) == kernel


@pytest.mark.parametrize("cpus", [1, 2, 4])
def test_cpus_come_up(new_machine: Any, cpus: int) -> None:
    machine = new_machine()
    assert machine.boot(cpus=cpus) == GUEST
    assert [machine.lib.host_running(i) for i in range(cpus)] == [0] + [-1] * (cpus - 1)
    assert [machine.lib.host_cpu_state(i) for i in range(1, cpus)] == [IDLE] * (cpus - 1)


def dom0_tree(machine: Any) -> Any:
    """The tree that dom0 was given."""
    first = machine.ffi.new("uint64_t *")
    machine.lib.host_entry(0, 0, first)
    return fdt.parse_dtb(machine.get(first[0], MIB))


@pytest.mark.parametrize("compatible", [None, "big,core"])
def test_dom0s_cpus(new_machine: Any, compatible: str | None) -> None:
    """One for each vCPU, instead of the host's: of its kind, with what the port adds."""

    def change(tree: dict[str, Any]) -> None:
        tree["cpus"]["cpu@0"] |= {"compatible": compatible} if compatible else {}
        tree["cpus"]["host,only"] = 1

    machine = new_machine()
    assert machine.boot(cpus=2, change=change) == GUEST
    root = dom0_tree(machine).root
    assert [node.name for node in root.nodes].count("cpus") == 1
    cpus = root.get_subnode("cpus")
    assert [prop.name for prop in cpus.props] == ["#address-cells", "#size-cells", "test,cpus"]
    assert [node.name for node in cpus.nodes] == ["cpu@0", "cpu@1"]
    for i, node in enumerate(cpus.nodes):
        found = {prop.name: prop.value for prop in node.props}
        kind = {"device_type": "cpu", "reg": i, "compatible": compatible or "test,cpu"}
        assert found == kind | {"test,vcpu": i, "test,host": "cpu@0"}


def test_a_tree_with_symbols(new_machine: Any) -> None:
    """A tree for overlays has a property for each label, on large boards thousands."""
    machine = new_machine()
    symbols = {f"label_of_node_{i}": f"/soc/node@{i:x}" for i in range(2500)}
    assert machine.boot(change=lambda tree: tree.update({"__symbols__": symbols})) == GUEST
    assert dom0_tree(machine).exist_property("label_of_node_2499", "/__symbols__")


def test_a_tree_with_too_many_names(new_machine: Any) -> None:
    machine = new_machine()
    names = {f"p{i}": i for i in range(4200)}
    assert machine.boot(change=lambda tree: tree.update({"many": names})) == HALTED
    assert "more than 4095 property names" in "\n".join(machine.core.log())


@pytest.mark.parametrize("name", ["a/b", ""])
def test_names_that_no_node_can_have(new_machine: Any, name: str) -> None:
    """Left out of dom0's tree, which could not be read otherwise."""
    machine = new_machine()
    make = machine.make_blob
    machine.make_blob = lambda tree: make(tree).replace(b"odd\0", name.ljust(4, "\0").encode())
    assert machine.boot(change=lambda tree: tree.update({"odd": {"below": {}}})) == GUEST
    assert f"/{name}: a name that no node can have" in "\n".join(machine.core.log())
    assert not [node for node in dom0_tree(machine).root.nodes if node.name in ("below", name)]


@pytest.mark.parametrize("cells", [2, 3, 4])
def test_wide_cells_of_the_root(new_machine: Any, cells: int) -> None:
    """dom0's /memory and /hypervisor are written in as many as the host's root has."""

    def change(tree: dict[str, Any]) -> None:
        tree["#address-cells"] = cells
        for node in [tree[name] for name in ("memory", "device@9000000")]:
            node["reg"] = [*[0] * (cells - 2), *node["reg"]]

    machine = new_machine()
    assert machine.boot(change=change) == GUEST
    nodes = dom0_tree(machine).root.nodes
    (memory,) = [node for node in nodes if node.name.startswith("memory@")]
    start = int(memory.name.split("@")[1], 16)
    assert memory.get_property("reg").data == [*[0] * (cells - 2), 0, start, 0, 64 * MIB]


def drop(*path: str) -> Any:
    """A change that removes a node or property."""

    def change(tree: dict[str, Any]) -> None:
        for part in path[:-1]:
            tree = tree[part]
        del tree[path[-1]]

    return change


def put(value: Any, *path: str) -> Any:
    """A change that sets a property."""

    def change(tree: dict[str, Any]) -> None:
        for part in path[:-1]:
            tree = tree[part]
        tree[path[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (drop("chosen"), "/chosen"),
        (drop("memory"), "RAM"),
        (drop("chosen", "kernel"), "kernel"),
        (put([0, 0x42000000, 0, 0], "chosen", "kernel", "reg"), "its size is 0"),
        (put([0, 0x70000000, 0, 0x1000], "chosen", "kernel", "reg"), "not all in RAM"),
        (put([0, 0x40200000, 0, 0x1000], "chosen", "kernel", "reg"), "hypervisor"),
        (put([0, 0x43000000, 0, 0x1000], "chosen", "kernel", "reg"), "lies over"),
        (put([0, 0x42000000], "chosen", "kernel", "reg"), "no usable reg"),
    ],
)
def test_bad_boot_stops_with_a_reason(new_machine: Any, change: Any, words: str) -> None:
    machine = new_machine()
    assert machine.boot(change=change) in (HALTED, RESET)
    assert words in "\n".join(machine.core.log())


@pytest.mark.parametrize(
    ("kernel", "words"),
    [
        (b"not a kernel" * 100, "no kernel image"),
        (b"XENHOST\0" + bytes(100), "header is damaged"),
        (b"XENHOST\0" + (1 << 29).to_bytes(8, "little"), "raise dom0_mem"),
        (gzip.compress(b"XENHOST\0" + (1 << 21).to_bytes(8, "little") + bytes(9999))[:-9], "gzip"),
        (gzip.compress(b"something else" * 50), "no kernel image"),
    ],
)
def test_bad_kernel_stops_with_a_reason(new_machine: Any, kernel: bytes, words: str) -> None:
    machine = new_machine()
    assert machine.boot(kernel=kernel) == HALTED
    assert words in "\n".join(machine.core.log())


@pytest.mark.parametrize("xen", ["dom0_mem=4G noreboot", "dom0_mem=1M noreboot"])
def test_bad_dom0_mem(new_machine: Any, xen: str) -> None:
    machine = new_machine()
    assert machine.boot(xen=xen) == HALTED
    assert "dom0_mem" in "\n".join(machine.core.log())


@pytest.mark.parametrize(("options", "ends"), [("", RESET), ("noreboot", HALTED)])
def test_a_fault_in_a_panic_ends_it(new_machine: Any, options: str, ends: int) -> None:
    """What was said must do; the machine restarts all the same, unless told not to."""
    machine = new_machine()
    machine.lib.host_fault_in_dump()
    assert machine.boot(xen=f"dom0_mem=1M {options}") == ends
    said = "\n".join(machine.core.log())
    assert "this machine has" in said
    assert ("Reboot in" in said) is (ends == RESET)


@pytest.mark.parametrize("mib", [(1 << 44) - 1, 1 << 44, 4096])
def test_too_much_dom0_mem_is_named(new_machine: Any, mib: int) -> None:
    """Above 2^64 bytes the value is not understood; below, it is told as given."""
    machine = new_machine()
    state = machine.boot(xen=f"dom0_mem={mib}M noreboot")
    said = "\n".join(machine.core.log())
    if mib >> 44:
        assert state == GUEST
        assert "has a value that is not understood" in said
    else:
        assert state == HALTED
        assert f"dom0_mem={mib}M: this machine has " in said


@pytest.mark.parametrize(
    "options",
    ["", "gnttab_max_frames=65536 gnttab_max_maptrack_frames=262144", "conring_size=4M"],
)
def test_following_the_messages_ends_in_a_boot(new_machine: Any, options: str) -> None:
    """Who does what they say about dom0_mem= comes to a dom0 of nearly all memory."""
    mib, state = 4096, HALTED
    for _ in range(3):
        machine = new_machine()
        state = machine.boot(xen=f"dom0_mem={mib}M noreboot {options}")
        said = "\n".join(machine.core.log())
        assert "no memory" not in said
        if state == GUEST:
            break
        mib = int(re.findall(r"(?:lower dom0_mem= to |machine has )(\d+) ?M", said)[-1])
    assert state == GUEST
    assert mib > 480


@pytest.mark.parametrize(
    ("limits", "mib", "most"),
    [
        ("64M", 64, 64),
        ("64M,max:128M", 64, 128),
        ("64M,min:96M", 96, 96),
        ("min:300M", 300, 300),
        ("max:100M", 100, 100),
        ("128M,max:64M", 64, 64),
        ("min:32M,max:400M", 254, 400),
    ],
)
def test_dom0_mem_limits(new_machine: Any, tools_of: Any, limits: str, mib: int, most: int) -> None:
    """A size within min: and max:; without one half of what is free."""
    machine = new_machine()
    assert machine.boot(xen=f"dom0_mem={limits} noreboot") == GUEST
    info = tools_of(machine).domctl("getdomaininfo", 0)[1].u.getdomaininfo
    assert (info.tot_pages >> 8, info.max_pages >> 8) == (mib, most)


def test_no_device_tree(new_machine: Any) -> None:
    machine = new_machine()
    assert machine.lib.host_boot(0x41000000) in (HALTED, RESET)
    assert "device tree" in "\n".join(machine.core.log())


def test_unknown_options_are_told(new_machine: Any) -> None:
    machine = new_machine()
    assert machine.boot(xen="dom0_mem=64M foo=1 noreboot sched=nonsense") == GUEST
    text = "\n".join(machine.core.log())
    assert '"foo=1" is not known' in text
    assert "nonsense" in text
