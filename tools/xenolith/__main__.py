# SPDX-License-Identifier: Apache-2.0
"""`python -m xenolith`: what the launcher runs."""

import signal
import sys
from types import FrameType
from typing import NoReturn

from xenolith.cli.main import main


def _ended(number: int, _frame: FrameType | None) -> NoReturn:
    """Leave in order when told to: temporary files go, QEMU ends."""
    raise SystemExit(128 + number)


signal.signal(signal.SIGTERM, _ended)
sys.exit(main(sys.argv[1:]))
