/* SPDX-License-Identifier: Apache-2.0 */
/* A program around arch/riscv/vcpu/guest_isa.c: the host's device tree on stdin, what the port has
 * enabled (isa_bits, hexadecimal) and vwfi=native (1) as arguments; a tree with what a guest is
 * told on stdout. */
#include <asm/guest_dt.h>
#include <asm/isa.h>
#include <stdio.h>
#include <stdlib.h>
#include <xen/dt.h>
#include <xen/fdt_build.h>
#include <xen/opt.h>
#include <xen/printk.h>

#define ROOM 65536

uint64_t isa_bits;
struct xen_options opt;

void panic(const char *fmt, ...)
{
    fputs(fmt, stderr);
    exit(3);
}

int main(int argc, char **argv)
{
    static uint64_t in[ROOM / 8], out[ROOM / 8];
    static struct fdt_builder builder;
    size_t size = fread(in, 1, sizeof(in), stdin);

    isa_bits = argc > 1 ? strtoull(argv[1], NULL, 16) : 0;
    opt.vwfi_native = argc > 2;
    if (dt_open(&dt_host, in, size) != 0) {
        return 1;
    }
    fdt_build_start(&builder, out, sizeof(out));
    fdt_build_begin(&builder, "");
    guest_isa_write(&builder, isa_has(ISA_SSAIA));
    fdt_build_end(&builder);
    if (fdt_build_finish(&builder, &size) != 0) {
        return 2;
    }
    return fwrite(out, 1, size, stdout) == size ? 0 : 4;
}
