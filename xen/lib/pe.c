/* SPDX-License-Identifier: Apache-2.0 */
/* The length of a PE file from its section headers. Files are hostile input: nothing in them is
 * followed beyond the bytes that are there. */
#include <xen/lib.h>
#include <xen/pe.h>
#include <xen/string.h>

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

uint64_t pe_file_size(const void *file, uint64_t size, uint32_t pe)
{
    const uint8_t *bytes = file;
    struct pe_header h;
    uint64_t at, end = 0;

    if (pe == 0 || (uint64_t)pe + sizeof(h) > size) {
        return 0;
    }
    memcpy(&h, bytes + pe, sizeof(h));
    at = (uint64_t)pe + sizeof(h) + h.optional_size;
    if (h.magic != PE_MAGIC || at + h.sections * sizeof(struct pe_section) > size) {
        return 0;
    }
    for (unsigned int i = 0; i < h.sections; i++, at += sizeof(struct pe_section)) {
        struct pe_section section;

        memcpy(&section, bytes + at, sizeof(section));
        end = max_u64(end, (uint64_t)section.file_offset + section.file_size);
    }
    return end;
}
