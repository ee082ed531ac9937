/* SPDX-License-Identifier: Apache-2.0 */
/* Recognising a kernel: the arm64 Image header [Linux booting.rst, "Call the kernel image"]. */
#include <arch/domain.h>
#include <xen/construct.h>
#include <xen/errno.h>
#include <xen/lib.h>
#include <xen/pe.h>
#include <xen/string.h>

#define IMAGE_MAGIC           0x644d5241u /* "ARM\x64" */
#define IMAGE_ALIGN           MIB(2)
#define IMAGE_FLAG_BIG_ENDIAN 1u
#define TEXT_OFFSET_OLD       0x80000ull /* of kernels from before 3.17, whose image_size is 0 */

struct image_header {
    uint32_t code[2];
    uint64_t text_offset;
    uint64_t image_size;
    uint64_t flags;
    uint64_t reserved[3];
    uint32_t magic;
    uint32_t pe; /* offset of the PE header that UEFI wants, 0: none */
};

int arch_kernel_probe(const void *image, uint64_t size, struct kernel_info *info)
{
    struct image_header h;

    if (size < sizeof(h)) {
        return -ENOEXEC;
    }
    memcpy(&h, image, sizeof(h));
    if (h.magic != IMAGE_MAGIC) {
        return -ENOEXEC;
    }
    if (h.image_size == 0) {
        h.text_offset = TEXT_OFFSET_OLD;
    }
    if ((h.flags & IMAGE_FLAG_BIG_ENDIAN) != 0 || h.text_offset >= IMAGE_ALIGN ||
        !is_aligned(h.text_offset, 4096) || h.image_size > GIB(1)) {
        return -EINVAL;
    }
    *info = (struct kernel_info){.text_offset = h.text_offset,
                                 .align = IMAGE_ALIGN,
                                 .image_size = h.image_size,
                                 .file_size = pe_file_size(image, size, h.pe)};
    return 0;
}
