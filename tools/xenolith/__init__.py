"""Builds, boots and tests the Xenolith hypervisor."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""The checkout this package belongs to (it is always installed editable)."""
