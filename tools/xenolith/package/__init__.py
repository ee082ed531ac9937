"""The hypervisor as a Debian package, for a Debian that runs already."""
