/* SPDX-License-Identifier: Apache-2.0 */
/* A program around arch/riscv/irq/intc_dt.c: a device tree on stdin, hart ids as arguments. Of the
 * node /plic: how many outputs it has, then for each hart which one is its external interrupt. */
#include <asm/irqchip.h>
#include <stdio.h>
#include <stdlib.h>
#include <xen/dt.h>

#define ROOM 262144

int main(int argc, char **argv)
{
    static uint64_t in[ROOM / 8];
    size_t size = fread(in, 1, sizeof(in), stdin);
    const struct dt_node *node;

    if (dt_open(&dt_host, in, size) != 0) {
        return 1;
    }
    node = dt_path(&dt_host, "/plic");
    if (node == NULL) {
        return 2;
    }
    printf("%u\n", intc_dt_count(node));
    for (int i = 1; i < argc; i++) {
        printf("%d\n", intc_dt_index(node, strtoull(argv[i], NULL, 0)));
    }
    return 0;
}
