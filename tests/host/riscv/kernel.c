/* SPDX-License-Identifier: Apache-2.0 */
/* A program around arch/riscv/vcpu/kernel.c: the first bytes of an image on stdin; the result of
 * arch_kernel_probe, then text_offset, image_size, file_size on stdout. */
#include <arch/domain.h>
#include <inttypes.h>
#include <stdio.h>
#include <xen/construct.h>

int main(void)
{
    static char image[1 << 16];
    struct kernel_info info = {0};
    size_t size = fread(image, 1, sizeof(image), stdin);
    int rc = arch_kernel_probe(image, size, &info);

    printf("%d %" PRIx64 " %" PRIx64 " %" PRIx64 "\n", rc, info.text_offset, info.image_size,
           info.file_size);
    return 0;
}
