"""Runs systems and watches them: consoles, QEMU, the states of a target."""
