"""Measures what operations cost a guest, in instructions, under this hypervisor and under Xen."""
