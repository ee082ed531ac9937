/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Access to guest memory: the only code that follows an address given by a guest. Addresses are
 * virtual ones of the vCPU whose state is loaded on this CPU, unless a name says gpa. Not with the
 * p2m lock or a later one of <xen/spinlock.h> held: the translation may have to wait for a p2m
 * change.
 */
#pragma once

#include <xen/compiler.h>
#include <xen/types.h>

struct domain;
struct page;
struct vcpu;

/* 0 or -EFAULT (not mapped, not RAM, read-only, wraps). Any length; each page is translated
 * once. */
int __must_check guest_copy_from(void *to, uint64_t gva, size_t n);
int __must_check guest_copy_to(uint64_t gva, const void *from, size_t n);
int __must_check guest_zero(uint64_t gva, size_t n);
/* The same by guest-physical address in any domain. */
int __must_check guest_copy_from_gpa(struct domain *d, void *to, paddr_t gpa, size_t n);
int __must_check guest_copy_to_gpa(struct domain *d, paddr_t gpa, const void *from, size_t n);
/*
 * Page behind a guest virtual address of the current vCPU, which must be its own domain's (the
 * offset is that of gva); takes a reference. NULL: -EFAULT.
 */
struct page *guest_page_of_gva(uint64_t gva, bool write);
