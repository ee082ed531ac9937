# SPDX-License-Identifier: Apache-2.0
"""Builds, boots and tests the Xenolith hypervisor."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""The checkout this package belongs to (it is always installed editable)."""

OUTPUT = Path(os.environ.get("XENOLITH_BUILD") or ROOT / "build").absolute()
"""Where what is built goes: a folder for each board, the logs of its runs in it."""
