/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names for what GCC and clang offer beyond C11. Nothing else may spell __attribute__ or __builtin_
 * for these purposes, so that a third compiler is one file.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define __must_check __attribute__((warn_unused_result))
#define __noreturn   __attribute__((noreturn))
#define __packed     __attribute__((packed))
#define __used       __attribute__((used))
#define __unused     __attribute__((unused))
#define __cold       __attribute__((cold))
#define __noinline   __attribute__((noinline))

#undef __always_inline
#define __always_inline inline __attribute__((always_inline))

#define __aligned(bytes) __attribute__((aligned(bytes)))
#define __section(name)  __attribute__((section(name)))

/*
 * Argument `text` (from 1) is a printf format, its values begin at argument `values` (0: a
 * va_list).
 */
#define __printf(text, values) __attribute__((format(printf, text, values)))

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* One access, not split, repeated or removed by the compiler. Orders nothing. */
#define READ_ONCE(x)         (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, value) (*(volatile __typeof__(x) *)&(x) = (value))

/* Keeps the compiler, not the machine, from moving memory accesses across. */
#define barrier() __asm__ volatile("" ::: "memory")

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#define container_of(pointer, type, member) \
    ((type *)((uintptr_t)(pointer) - offsetof(type, member)))

/* Usable where a declaration is; `condition` is what must not be. */
#define BUILD_BUG_ON(condition) _Static_assert(!(condition), "BUILD_BUG_ON: " #condition)

#define unreachable() __builtin_unreachable()
