# SPDX-License-Identifier: Apache-2.0
"""A machine with the whole core on it: booted with a device tree, driven by hypercalls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

RAM_BASE = 0x40000000
MIB = 1 << 20
FDT, IMAGE, RAMDISK = 16 * MIB, 32 * MIB, 48 * MIB
"""Where they are loaded, from the start of RAM."""
BUFFER = 65536
"""Where lists go, relative to the scratch memory of dom0."""
GUEST, IDLE, HALTED, RESET, OFF, DEADLOCK, RUNAWAY = range(7)

KERNEL = b"XENHOST\0" + (2 * MIB).to_bytes(8, "little") + bytes(4080)
"""A kernel of the third port: magic, size in memory, code that nobody runs."""


def board_tree(base: int, ram: int, cpus: int, xen: str, kernel_size: int) -> dict[str, Any]:
    """A board with an interrupt controller, a device, and boot modules."""

    def range_of(at: int, size: int) -> list[int]:
        return [at >> 32, at & 0xFFFFFFFF, size >> 32, size & 0xFFFFFFFF]

    def module(kind: str, at: int, size: int) -> dict[str, Any]:
        return {"compatible": [kind, "multiboot,module"], "reg": range_of(at, size)}

    processors = {f"cpu@{i}": {"device_type": "cpu", "reg": i} for i in range(cpus)}
    return {
        "#address-cells": 2,
        "#size-cells": 2,
        "compatible": "test,board",
        "interrupt-parent": 1,
        "chosen": {
            "#address-cells": 2,
            "#size-cells": 2,
            "xen,xen-bootargs": xen,
            "xen,dom0-bootargs": "console=hvc0",
            "kernel": module("multiboot,kernel", base + IMAGE, kernel_size),
            "ramdisk": module("multiboot,ramdisk", base + RAMDISK, 8192),
        },
        "memory": {"device_type": "memory", "reg": range_of(base, ram)},
        "intc": {"phandle": 1, "#interrupt-cells": 1, "interrupt-controller": True},
        "device@9000000": {
            "compatible": "test,device",
            "reg": range_of(0x9000000, 0x1000),
            "interrupts": 40,
        },
        "spared": {"compatible": "test,device", "interrupts": 61, "xen,passthrough": True},
        "cpus": {"#address-cells": 1, "#size-cells": 0} | processors,
    }


class Machine:
    """A machine that has been switched on; `boot` starts it."""

    def __init__(
        self, core: Any, make_blob: Callable[..., bytes], ram: int = 512 * MIB, base: int = RAM_BASE
    ) -> None:
        self.core, self.ffi, self.lib, self.k = core, core.ffi, core.lib, core.constants
        self.make_blob, self.ram, self.base = make_blob, ram, base
        self.lib.host_machine_at(base, ram, base + 2 * MIB)
        self.scratch = 0

    def put(self, at: int, data: bytes) -> None:
        """Bytes into physical memory."""
        self.ffi.memmove(self.lib.host_ram(at), data, len(data))

    def get(self, at: int, size: int) -> bytes:
        """Bytes of physical memory."""
        return bytes(self.ffi.buffer(self.lib.host_ram(at), size))

    def boot(
        self,
        cpus: int = 1,
        xen: str = "dom0_mem=64M noreboot loglvl=all guest_loglvl=all",
        kernel: bytes = KERNEL,
        change: Callable[[dict[str, Any]], None] = lambda tree: None,
    ) -> int:
        """Load everything and start CPU 0; `change` edits the device tree before that."""
        tree = board_tree(self.base, self.ram, cpus, xen, len(kernel))
        change(tree)
        self.put(self.base + FDT, self.make_blob(tree))
        self.put(self.base + IMAGE, kernel)
        self.put(self.base + RAMDISK, b"ramdisk\0" * 1024)
        state = int(self.lib.host_boot(self.base + FDT))
        if state == GUEST:
            first = self.ffi.new("uint64_t *")
            entry = self.lib.host_entry(0, 0, first)
            self.scratch = (entry & ~0x1FFFFF) + 16 * MIB  # dom0 uses none of it
        return state

    def cpu_of(self, domain: int) -> int:
        """The CPU that runs a vCPU of this domain, which gets its turn if need be."""
        for _ in range(1000):
            for cpu in range(16):
                if self.lib.host_running(cpu) >> 16 == domain:
                    return cpu
            self.lib.host_advance(1_000_000)
        pytest.fail(f"domain {domain} does not get to run")

    def call(self, name: str, *args: int, domain: int = 0) -> int:
        """A hypercall by the name behind `__HYPERVISOR_`; the result."""
        state, result = self.try_call(name, *args, domain=domain)
        assert state in (GUEST, IDLE), (state, self.core.log()[-8:])
        return result

    def try_call(self, name: str, *args: int, domain: int = 0) -> tuple[int, int]:
        """State of the CPU after the call, and its result."""
        number = getattr(self.k, f"__HYPERVISOR_{name}")
        values = self.ffi.new("uint64_t[5]", [arg & (2**64 - 1) for arg in args])
        result = self.ffi.new("int64_t *")
        cpu = self.cpu_of(domain)
        return self.lib.host_hypercall(cpu, number, values, result), result[0]

    def write(self, data: bytes, domain: int = 0, at: int | None = None) -> int:
        """Bytes into a domain's memory; returns their address."""
        at = self.scratch if at is None else at
        assert self.lib.host_guest_write(domain, at, data, len(data))
        return at

    def read(self, at: int, size: int, domain: int = 0) -> bytes:
        """Bytes of a domain's memory."""
        buffer = self.ffi.new("uint8_t[]", size)
        assert self.lib.host_guest_read(domain, at, buffer, size)
        return bytes(self.ffi.buffer(buffer))

    def bitmap(self, value: int = 0, bits: int = 64, at: int = BUFFER) -> dict[str, int]:
        """A bitmap in dom0's memory, its bytes set up with `value`."""
        data = value.to_bytes(bits // 8, "little")
        return {"bitmap": self.write(data, at=self.scratch + at), "nr_bits": bits}

    def bits(self, at: int = BUFFER, bits: int = 64) -> int:
        """The number that a bitmap makes."""
        return int.from_bytes(self.read(self.scratch + at, bits // 8), "little")

    def ranges(self, name: str) -> list[tuple[int, int]]:
        """The ranges that memmap_free or memmap_direct makes."""
        storage = self.ffi.new("struct range[1024]")
        rs = self.ffi.new(
            "struct rangeset *", {"ranges": storage, "count": 0, "capacity": len(storage)}
        )
        assert not getattr(self.lib, name)(rs)
        return [(r.start, r.end) for r in storage[0 : rs.count]]

    def op(self, name: str, command: int, kind: str, /, **fields: Any) -> tuple[int, Any]:
        """A sub-operation on a structure: result, and the structure as it came back."""
        value = self.ffi.new(f"struct {kind} *", fields)
        result = self.on(value, lambda at: self.call(name, command, at))
        return result, value

    def on(self, value: Any, call: Callable[[int], int]) -> int:
        """Does a call on a structure, which is updated; it must be read once only."""
        raw = self.ffi.buffer(value)
        at = self.write(bytes(raw))
        self.lib.host_watch(at, len(raw))
        result = call(at)
        assert self.lib.host_watched() <= 1, "what the guest may change is read twice"
        raw[:] = self.read(at, len(raw))
        return result

    def sysctl(self, name: str, /, version: int = 0x15, **fields: Any) -> tuple[int, Any]:
        """A sysctl by name and the fields of its structure: result, and what it came back with."""
        value = self.ffi.new("struct xen_sysctl *")
        value.cmd = getattr(self.k, f"XEN_SYSCTL_{name}")
        value.interface_version = version
        for key, content in fields.items():
            setattr(value.u, key, content)
        return self.on(value, lambda at: self.call("sysctl", at)), value.u


@pytest.fixture(scope="session")
def new_machine(core: Any, make_blob: Any) -> Callable[..., Machine]:
    """Switches a machine on; the one before is gone then."""
    return lambda ram=512 * MIB, base=RAM_BASE: Machine(core, make_blob, ram, base)


@pytest.fixture
def machine(new_machine: Any) -> Any:
    """A machine with one CPU that runs dom0."""
    made = new_machine()
    assert made.boot() == GUEST, made.core.log()[-20:]
    return made


class Tools:
    """What xl does: domctl from dom0."""

    def __init__(self, machine: Machine) -> None:
        self.machine, self.k = machine, machine.k

    def domctl(self, name: str, domain: int = 0, /, **fields: Any) -> tuple[int, Any]:
        """A domctl by name and the fields of its structure: result, and the whole structure."""
        value = self.machine.ffi.new("struct xen_domctl *")
        value.cmd = getattr(self.k, f"XEN_DOMCTL_{name}")
        value.interface_version = self.k.XEN_DOMCTL_INTERFACE_VERSION
        value.domain = domain
        for key, content in fields.items():
            setattr(value.u, key, content)
        return self.machine.on(value, lambda at: self.machine.call("domctl", at)), value

    def config(self, vcpus: int = 1, **fields: int) -> dict[str, int]:
        """The configuration of a new domain."""
        return {
            "flags": self.k.XEN_DOMCTL_CDF_hvm | self.k.XEN_DOMCTL_CDF_hap,
            "max_vcpus": vcpus,
            "max_evtchn_port": 1023,
            "max_grant_frames": 4,
            "max_maptrack_frames": 4,
            "grant_opts": 1,
            **fields,
        }

    def create(self, vcpus: int = 1, pages: int = 64, **fields: int) -> int:
        """A domain with memory from frame 0x40000 and running vCPUs; its id."""
        domain = self.build(vcpus, pages, **fields)
        self.good("unpausedomain", domain)
        return domain

    def build(self, vcpus: int = 1, pages: int = 64, **fields: int) -> int:
        """The same before it runs."""
        rc, made = self.domctl("createdomain", createdomain=self.config(vcpus, **fields))
        assert rc == 0
        domain = int(made.domain)
        self.good("max_vcpus", domain, max_vcpus={"max": vcpus})
        self.good("max_mem", domain, max_mem={"max_memkb": pages * 4})
        self.good("set_paging_mempool_size", domain, paging_mempool={"size": 1 << 20})
        self.populate(domain, 0x40000, pages)
        for vcpu in range(vcpus):
            at = self.machine.scratch + 4096
            context = self.machine.ffi.new("struct vcpu_guest_context *")
            context.user_regs.pc64 = 0x40000000
            context.flags = 1
            self.machine.write(bytes(self.machine.ffi.buffer(context)), at=at)
            self.good("setvcpucontext", domain, vcpucontext={"vcpu": vcpu, "ctxt": at})
        return domain

    def good(self, name: str, domain: int, /, **fields: Any) -> None:
        """A domctl that must succeed."""
        rc, _ = self.domctl(name, domain, **fields)
        assert rc == 0, (name, rc)

    def populate(self, domain: int, first: int, pages: int) -> None:
        """Give a domain pages, as the domain builder does."""
        at = self.machine.scratch + 8192
        frames = b"".join((first + i).to_bytes(8, "little") for i in range(pages))
        self.machine.write(frames, at=at)
        fields = {"extent_start": at, "nr_extents": pages, "domid": domain}
        rc, _ = self.machine.op(
            "memory_op", self.k.XENMEM_populate_physmap, "xen_memory_reservation", **fields
        )
        assert rc == pages

    def populate_chunks(self, domain: int, chunks: int, first: int = 0) -> int:
        """Give a domain blocks of 2 MiB from frame 0x80000 on; how many it got."""
        for i in range(first, first + chunks):
            at = self.machine.write((0x80000 + (i << 9)).to_bytes(8, "little"))
            fields = {"extent_start": at, "nr_extents": 1, "extent_order": 9, "domid": domain}
            command = self.machine.k.XENMEM_populate_physmap
            value = self.machine.ffi.new("struct xen_memory_reservation *", fields)
            where = self.machine.write(
                bytes(self.machine.ffi.buffer(value)), at=self.machine.scratch + 4096
            )
            if self.machine.call("memory_op", command, where) != 1:
                return i - first
        return chunks

    def destroy(self, domain: int) -> None:
        """Destroy a domain completely."""
        self.good("destroydomain", domain)
        self.machine.lib.host_advance(1_000_000)
        assert self.domctl("getdomaininfo", domain)[0] == -3  # ESRCH


@pytest.fixture
def tools(machine: Machine) -> Tools:
    """domctl from dom0 of a machine with one CPU."""
    return Tools(machine)


@pytest.fixture(scope="session")
def tools_of() -> Callable[[Machine], Tools]:
    """domctl from dom0 of a machine that runs."""
    return Tools


@pytest.fixture
def tools_on(new_machine: Any) -> Callable[[int], Tools]:
    """The same with a number of CPUs."""

    def make(cpus: int) -> Tools:
        made = new_machine()
        assert made.boot(cpus=cpus) == GUEST, made.core.log()[-20:]
        return Tools(made)

    return make
