# SPDX-License-Identifier: Apache-2.0
"""What real xl can do on this hypervisor, beside real Xen: the rows of tests/xl, run and judged."""
