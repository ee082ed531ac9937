/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random headers of arm64 kernels: what is accepted has sizes that can be added without overflow.
 */
#include "fuzz.h"
#include "host.h"

#include <arch/domain.h>
#include <xen/construct.h>
#include <xen/lib.h>
#include <xen/string.h>

void fuzz_arm64_image(const uint8_t *data, size_t size)
{
    uint8_t *image = host_alloc(size);
    struct kernel_info info;

    memcpy(image, data, size);
    if (arch_kernel_probe(image, size, &info) == 0) {
        /* A size of 0 says nothing: the file's counts then. */
        if (!is_power_of_2(info.align) || info.text_offset >= info.align ||
            info.image_size > GIB(1) || info.entry > info.image_size) {
            __builtin_trap();
        }
    }
    host_free(image);
}
