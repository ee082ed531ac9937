/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What compilers call for operations that the base instruction set lacks (bit scans and byte swaps
 * without Zbb, atomic bytes), by the names and types that they give these functions.
 */
#include <xen/types.h>

uint32_t __bswapsi2(uint32_t x);
int __ctzdi2(uint64_t x);
int __clzdi2(uint64_t x);
/* Known to the compiler as builtins of other types, hence the second names. */
uint8_t runtime_exchange_1(volatile void *p, uint8_t value,
                           int order) __asm__("__atomic_exchange_1");
uint16_t runtime_fetch_and_2(volatile void *p, uint16_t value,
                             int order) __asm__("__atomic_fetch_and_2");

uint32_t __bswapsi2(uint32_t x)
{
    x = (x & 0x00ff00ffu) << 8 | (x >> 8 & 0x00ff00ffu);
    return x << 16 | x >> 16;
}

/* Each 6-bit window of this constant is another number: the top ones of its product with a power of
 * 2 name the power. */
#define DE_BRUIJN 0x03f79d71b4cb0a89ul

int __ctzdi2(uint64_t x)
{
    static const uint8_t power[64] = {
        0,  1,  48, 2,  57, 49, 28, 3,  61, 58, 50, 42, 38, 29, 17, 4,  62, 55, 59, 36, 53, 51,
        43, 22, 45, 39, 33, 30, 24, 18, 12, 5,  63, 47, 56, 27, 60, 41, 37, 16, 54, 35, 52, 21,
        44, 32, 23, 11, 46, 26, 40, 15, 34, 20, 31, 10, 25, 14, 19, 9,  13, 8,  7,  6};

    return power[(x & -x) * DE_BRUIJN >> 58];
}

int __clzdi2(uint64_t x)
{
    int n = 0;

    for (unsigned int half = 32; half != 0; half /= 2) {
        if (x >> (64 - half) == 0) {
            n += (int)half;
            x <<= half;
        }
    }
    return n;
}

uint8_t runtime_exchange_1(volatile void *p, uint8_t value, int order)
{
    uintptr_t a = (uintptr_t)p;
    unsigned int shift = (unsigned int)(a & 3u) * 8u;
    uint32_t old, scratch;

    (void)order; /* the strongest */
    __asm__ volatile("1: lr.w.aqrl %0, %2\n"
                     "xor %1, %0, %3\n"
                     "and %1, %1, %4\n"
                     "xor %1, %1, %0\n"
                     "sc.w.aqrl %1, %1, %2\n"
                     "bnez %1, 1b"
                     : "=&r"(old), "=&r"(scratch), "+A"(*(uint32_t *)(a & ~(uintptr_t)3u))
                     : "r"((uint32_t)value << shift), "r"(0xffu << shift)
                     : "memory");
    return (uint8_t)(old >> shift);
}

uint16_t runtime_fetch_and_2(volatile void *p, uint16_t value, int order)
{
    uintptr_t a = (uintptr_t)p;
    unsigned int shift = (unsigned int)(a & 2u) * 8u;
    uint32_t rest = ~(0xffffu << shift);

    (void)order; /* the strongest */
    return (uint16_t)(__atomic_fetch_and((uint32_t *)(a & ~(uintptr_t)3u),
                                         (uint32_t)value << shift | rest, __ATOMIC_SEQ_CST) >>
                      shift);
}
