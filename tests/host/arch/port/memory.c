/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Third port: the process's memory behind the machine. RAM is one anonymous mapping. The core's
 * variables are copied when the library is loaded and put back for each new machine, so that tests
 * do not see each other.
 */
#define _GNU_SOURCE

#include "../host.h"
#include "state.h"

#include <arch/mm.h>
#include <asm/types.h>

#include <link.h>
#include <stdlib.h>
#include <sys/mman.h>

#define SEGMENTS 4
#define HOST_GIB (1ul << 30)

struct host_segment {
    uint64_t *at;
    uint64_t *copy;
    size_t words;
};

/* Outside of the copies: they are made after these are final. */
static struct host_segment host_segments[SEGMENTS];
static unsigned int host_segment_count;

void *host_alloc(size_t size)
{
    return malloc(size);
}

void host_free(void *memory)
{
    free(memory);
}

/*
 * Also copies the guard zones between variables, which the sanitizer does not like to see touched.
 */
__attribute__((no_sanitize_address)) static void host_copy(uint64_t *to, const uint64_t *from,
                                                           size_t words)
{
    for (size_t i = 0; i < words; i++) {
        ((volatile uint64_t *)to)[i] = from[i];
    }
}

/* The writable part of this library, without what the dynamic linker has made read-only. */
static int host_find_segments(struct dl_phdr_info *info, size_t size __unused, void *data __unused)
{
    uintptr_t self = (uintptr_t)&host_segment_count, read_only_end = 0;
    bool ours = false;

    for (unsigned int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        uintptr_t start = info->dlpi_addr + p->p_vaddr;

        ours |= p->p_type == PT_LOAD && self >= start && self < start + p->p_memsz;
        if (p->p_type == PT_GNU_RELRO) {
            read_only_end = (start + p->p_memsz + 4095) & ~(uintptr_t)4095;
        }
    }
    for (unsigned int i = 0; ours && i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        uintptr_t start = (info->dlpi_addr + p->p_vaddr + 7) & ~(uintptr_t)7;
        uintptr_t end = (info->dlpi_addr + p->p_vaddr + p->p_memsz) & ~(uintptr_t)7;

        if (p->p_type != PT_LOAD || (p->p_flags & PF_W) == 0) {
            continue;
        }
        start = start < read_only_end && read_only_end < end ? read_only_end : start;
        if (host_segment_count < SEGMENTS && start < end) {
            host_segments[host_segment_count].at = (uint64_t *)start;
            host_segments[host_segment_count].words = (end - start) / 8;
            host_segments[host_segment_count].copy = malloc(end - start);
            host_segment_count++;
        }
    }
    return ours;
}

__attribute__((constructor)) static void host_keep_variables(void)
{
    dl_iterate_phdr(host_find_segments, NULL);
    for (unsigned int i = 0; i < host_segment_count; i++) {
        host_copy(host_segments[i].copy, host_segments[i].at, host_segments[i].words);
    }
}

/* Where lines are counted: adds the counters, which are variables, too, to those on the disk. */
extern void __gcov_dump(void) __attribute__((weak));

void host_restore_variables(void)
{
    if (__gcov_dump != NULL) {
        __gcov_dump();
    }
    for (unsigned int i = 0; i < host_segment_count; i++) {
        host_copy(host_segments[i].at, host_segments[i].copy, host_segments[i].words);
    }
}

/* RAM, where leaves of 1 GiB can map it: process and machine have it at the same place in its
 * GiB. */
static uint8_t *host_new_ram(uint64_t start, uint64_t size)
{
    uint64_t before = start % HOST_GIB, length = before + size;
    uint8_t *room = mmap(NULL, length + HOST_GIB, PROT_NONE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    uint8_t *base, *ram;

    if (room == MAP_FAILED) {
        abort();
    }
    base = (uint8_t *)(((uintptr_t)room + HOST_GIB - 1) & ~(HOST_GIB - 1));
    ram = mmap(base + before, size, PROT_READ | PROT_WRITE,
               MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
    if (ram == MAP_FAILED) {
        abort();
    }
    munmap(room, (size_t)(ram - room));
    munmap(ram + size, (size_t)(room + length + HOST_GIB - (ram + size)));
    return ram;
}

void host_machine(uint64_t ram)
{
    host_machine_at(HOST_RAM_BASE, ram, HOST_IMAGE);
}

void host_machine_at(uint64_t start, uint64_t size, uint64_t image)
{
    if (host_directmap != NULL) {
        munmap(host_directmap + host_state.ram_start, host_state.ram_size);
    }
    host_restore_variables();
    host_directmap = (uint8_t *)((uintptr_t)host_new_ram(start, size) - start);
    host_state.ram_start = start;
    host_state.ram_size = size;
    host_state.image = image;
    for (unsigned int i = 0; i < MAX_CPUS; i++) {
        cpus[i].id = i;
        cpus[i].arch.deadline = UINT64_MAX;
    }
    host_new_tables();
    host_repeats(1000000);
}
