/* SPDX-License-Identifier: Apache-2.0 */
/* A program around arch/riscv/vcpu/decode.c: for each instruction on stdin, "i" and hexadecimal, or
 * htinst, "h", a line with size, register, length, write, sign, or "-". */
#include <asm/decode.h>
#include <inttypes.h>
#include <stdio.h>

int main(void)
{
    char kind;
    uint64_t value;

    while (scanf(" %c%" SCNx64, &kind, &value) == 2) {
        struct decoded_access a;
        bool found = kind == 'h' ? decode_htinst(value, &a) : decode_access((uint32_t)value, &a);

        if (found) {
            printf("%u %u %u %u %u\n", a.size, a.reg, a.length, a.write, a.sign);
        } else {
            puts("-");
        }
    }
    return 0;
}
