"""What shall run: hypervisor, dom0, where each lies in memory."""
