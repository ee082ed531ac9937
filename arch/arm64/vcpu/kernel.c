/* Recognising a kernel: the arm64 Image header [Linux booting.rst, "Call the kernel image"]. */
#include <arch/domain.h>
#include <xen/construct.h>
#include <xen/errno.h>
#include <xen/lib.h>
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

#define PE_MAGIC 0x00004550u /* "PE\0\0" */

/* [PE 3.3, 4]: only what tells where the sections end in the file. */
struct pe_header {
    uint32_t magic;
    uint16_t machine, sections;
    uint32_t unused[3];
    uint16_t optional_size, flags;
};

struct pe_section {
    char name[8];
    uint32_t memory_size, address, file_size, file_offset;
    uint32_t unused[4];
};

/* Bytes that the file has by its own PE header; 0: it does not say. */
static uint64_t kernel_file_size(const uint8_t *image, uint64_t size, uint32_t pe)
{
    struct pe_header h;
    uint64_t at, end = 0;

    if (pe == 0 || (uint64_t)pe + sizeof(h) > size) {
        return 0;
    }
    memcpy(&h, image + pe, sizeof(h));
    at = (uint64_t)pe + sizeof(h) + h.optional_size;
    if (h.magic != PE_MAGIC || at + h.sections * sizeof(struct pe_section) > size) {
        return 0;
    }
    for (unsigned int i = 0; i < h.sections; i++, at += sizeof(struct pe_section)) {
        struct pe_section section;

        memcpy(&section, image + at, sizeof(section));
        end = max_u64(end, (uint64_t)section.file_offset + section.file_size);
    }
    return end;
}

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
                                 .file_size = kernel_file_size(image, size, h.pe)};
    return 0;
}
