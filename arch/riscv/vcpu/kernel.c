/* SPDX-License-Identifier: Apache-2.0 */
/* Recognising a kernel: the RISC-V Image header [RVBOOT boot-image-header.rst], in its plain and
 * its EFI form. */
#include <arch/domain.h>
#include <xen/construct.h>
#include <xen/errno.h>
#include <xen/lib.h>
#include <xen/pe.h>
#include <xen/string.h>

#define IMAGE_MAGIC2          0x05435352u /* "RSC\x05" */
#define IMAGE_ALIGN           MIB(2)
#define IMAGE_FLAG_BIG_ENDIAN 1u
#define IMAGE_MAJOR_MAX       0u /* of the header; a minor number only adds fields */

struct image_header {
    uint32_t code[2];
    uint64_t text_offset;
    uint64_t image_size;
    uint64_t flags;
    uint32_t version;
    uint32_t reserved1;
    uint64_t reserved2;
    uint64_t magic; /* deprecated: kernels leave it out one day */
    uint32_t magic2;
    uint32_t pe; /* offset of the PE header that UEFI wants, 0: none */
};

int arch_kernel_probe(const void *image, uint64_t size, struct kernel_info *info)
{
    struct image_header h;

    if (size < sizeof(h)) {
        return -ENOEXEC;
    }
    memcpy(&h, image, sizeof(h));
    if (h.magic2 != IMAGE_MAGIC2) {
        return -ENOEXEC;
    }
    if ((h.flags & IMAGE_FLAG_BIG_ENDIAN) != 0 || h.version >> 16 > IMAGE_MAJOR_MAX ||
        !is_aligned(h.text_offset, 4096) || h.text_offset > GIB(1) || h.image_size == 0 ||
        h.image_size > GIB(1)) {
        return -EINVAL;
    }
    *info = (struct kernel_info){.text_offset = h.text_offset,
                                 .align = IMAGE_ALIGN,
                                 .image_size = h.image_size,
                                 .file_size = pe_file_size(image, size, h.pe)};
    return 0;
}
