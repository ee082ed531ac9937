# SPDX-License-Identifier: Apache-2.0
"""system.toml: what is read, what is refused by the name of the key."""

from __future__ import annotations

from pathlib import Path

import pytest

from xenolith import ROOT
from xenolith.errors import UserError
from xenolith.system import toml

HEAD = 'hypervisor = "x"\narguments = ""\n'
DOM0 = "[dom0]\nkernel = 'k'\n"
GUEST = f"{HEAD}[[guests]]\nkernel = 'k'\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('hypervisor = 1\narguments = ""', "hypervisor: 1 is not what belongs"),
        ('hypervisor = "x"\narguments = ""\ncolour = 1', "colour is no key"),
        ('hypervisor = "x"\narguments = ""\n[dom0]\n', "dom0.kernel is missing"),
        ('hypervisor = "x"\narguments = ""\n[[guests]]\nkernel = "k"\nvcpus = "2"', "vcpus"),
        ('hypervisor = "x"\narguments = ""\n[[guests]]\nkernel = "../k/$(id)"', "shell"),
        (f"{HEAD}notes = ['n']\n", "notes is no key"),
        (f"{HEAD}static_heap = [{{base = -1, size = 1}}]\n{DOM0}", "static heap -0x1 of 0x1 bytes"),
        (f"{HEAD}memory = {{base = 0, size = 0}}\n{DOM0}", "memory 0x0 of 0x0 bytes"),
        (f"{HEAD}hidden_devices = ['/a;reset']\n{DOM0}", "'/a;reset' is no path"),
        (f"{GUEST}numbers = {{ domid = -1 }}\n", "domid -1 does not fit"),
        (f"{GUEST}numbers = {{ 'a;reset' = 1 }}\n", "'a;reset' is no name of a property"),
        (f"{GUEST}memory = {1 << 60}\n", "more than there can be"),
        (f"{GUEST}vcpus = {1 << 32}\n", "vcpus 4294967296 does not fit"),
        (f"{GUEST}devices = ['../x']\n", "'../x' is no path"),
        (
            f"{GUEST}shared_memory = [{{name = 's', host = {-1}, guest = 0, size = 4096}}]\n",
            "domU0 shared memory -0x1",
        ),
    ],
)
def test_bad_toml(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "system.toml"
    path.write_text(text)
    with pytest.raises(UserError, match=message):
        toml.load(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """One line in words, without the number of the error or a second name."""
    with pytest.raises(UserError) as error:
        toml.load(tmp_path / "nope.toml")
    said = f"{tmp_path / 'nope.toml'}: No such file or directory; --config names a file"
    assert (error.value.message, error.value.code) == (said, 2)


def test_the_example_of_the_guide(tmp_path: Path) -> None:
    guide = (ROOT / "docs/UBOOT.md").read_text()
    (tmp_path / "system.toml").write_text(guide.split("```toml\n")[1].split("```")[0])
    spec = toml.load(tmp_path / "system.toml")
    (guest,) = spec.guests
    assert guest.affinity == {0: "2", 1: "3"}
    assert spec.pools[guest.pool or 0].scheduler == "null"
