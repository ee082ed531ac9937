/* SPDX-License-Identifier: Apache-2.0 */
/* Which build this is: the note that the linker put into the image. */
#include <xen/build_id.h>

/* From the linker script: the note with the image's identity. */
extern const uint8_t __note_build_id_start[], __note_build_id_end[];

struct elf_note { /* [gABI: note section] */
    uint32_t name_size;
    uint32_t size;
    uint32_t type;
    char name[4]; /* "GNU" */
    uint8_t id[];
};

size_t build_id(const uint8_t **id)
{
    const struct elf_note *note = (const struct elf_note *)(const void *)__note_build_id_start;
    size_t room = (size_t)(__note_build_id_end - __note_build_id_start);

    if (room < sizeof(*note) || note->name_size != sizeof(note->name) ||
        note->size > room - sizeof(*note)) {
        return 0;
    }
    *id = note->id;
    return note->size;
}
