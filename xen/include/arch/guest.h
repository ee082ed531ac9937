/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contract: aligned words of the running guest's memory at its virtual addresses: what hypercall
 * arguments are. Only guest_copy.c calls these; longer copies go through arch_gva_to_pa.
 */
#pragma once

#include <arch/types.h>
#include <xen/compiler.h>
#include <xen/types.h>

/*
 * One access for each word, so that a value that the guest changes meanwhile is either old or new.
 * Words do not leave their page. false: not done, or not all of it; perhaps only because of a p2m
 * change on another CPU, so the caller tries it by arch_gva_to_pa. Once a p2m entry is cleared and
 * arch_p2m_flush has returned, no access by it comes after p2m_quiesce: either the flush on
 * this CPU is between two accesses, or the port counts in cpu.copying (<xen/guest_direct.h>).
 */
static inline bool __must_check arch_guest_read32(uint64_t gva, uint32_t *to);
static inline bool __must_check arch_guest_write32(uint64_t gva, uint32_t value);
static inline bool __must_check arch_guest_read_words(uint64_t gva, uint64_t *to, size_t n);
static inline bool __must_check arch_guest_write_words(uint64_t gva, const uint64_t *from,
                                                       size_t n);

#include <asm/guest.h>
