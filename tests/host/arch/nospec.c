/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the tests: a function of the core that is inline everywhere.
 */
#include "host.h"

#include <xen/nospec.h>

uint64_t host_index_nospec(uint64_t index, uint64_t size)
{
    return index_nospec(index, size);
}
