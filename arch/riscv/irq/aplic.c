/*
 * The host's APLIC [RVAIA 4] in its supervisor domain, delivering by messages. Interrupts of the
 * hypervisor are configured here, an identity of its own files for each; those of guests by
 * vaplic.c. The registers of one source are independent of others', so there is no lock.
 */
#include <arch/mm.h>
#include <asm/aia.h>
#include <asm/irqchip.h>
#include <xen/cpu.h>
#include <xen/domain.h>
#include <xen/dt.h>
#include <xen/printk.h>

#define OWN_MAX 32u /* identities for interrupts of the hypervisor */

struct aplic aplic;
static uint8_t *aplic_registers;
static uint32_t aplic_guest[ARCH_NR_IRQS / 32u];
static uint32_t aplic_level[ARCH_NR_IRQS / 32u];
static uint16_t aplic_own[OWN_MAX]; /* by identity: its interrupt, 0: none */

uint32_t aplic_read(uint32_t offset)
{
    return chip_read(aplic_registers, offset);
}

void aplic_write(uint32_t offset, uint32_t value)
{
    chip_write(aplic_registers, offset, value);
}

static bool aplic_test(const uint32_t *map, unsigned int irq)
{
    return (atomic_load(&map[irq / 32u]) & 1u << (irq % 32u)) != 0;
}

static void aplic_assign(uint32_t *map, unsigned int irq, bool on)
{
    if (on) {
        atomic_fetch_or(&map[irq / 32u], 1u << (irq % 32u));
    } else {
        atomic_fetch_and(&map[irq / 32u], ~(1u << (irq % 32u)));
    }
}

void aplic_set_guest(unsigned int irq, bool guest)
{
    aplic_assign(aplic_guest, irq, guest);
}

void aplic_enable(unsigned int irq)
{
    if (!aplic_test(aplic_guest, irq)) {
        aplic_write(APLIC_SETIE + APLIC_NUM, irq);
    }
}

void aplic_disable(unsigned int irq)
{
    aplic_write(APLIC_CLRIE + APLIC_NUM, irq);
    (void)aplic_read(APLIC_DOMAINCFG); /* done there before the caller takes the handler away */
}

void aplic_set_type(unsigned int irq, bool edge)
{
    if (!aplic_test(aplic_guest, irq)) {
        aplic_assign(aplic_level, irq, !edge);
        aplic_write(APLIC_SOURCECFG + 4u * (irq - 1u),
                    edge ? APLIC_SOURCE_EDGE : APLIC_SOURCE_LEVEL);
    }
}

/* The identity for an interrupt of the hypervisor. */
static uint32_t aplic_eiid(unsigned int irq)
{
    uint32_t i;

    for (i = IMSIC_EIID_IPI + 1u; i < OWN_MAX && i < imsic.nr_ids; i++) {
        if (aplic_own[i] == 0 || aplic_own[i] == irq) {
            aplic_own[i] = (uint16_t)irq;
            return i;
        }
    }
    panic("APLIC: no identity is left for interrupt %u of the hypervisor\n", irq);
}

unsigned int aplic_irq_of(uint32_t eiid)
{
    return eiid < OWN_MAX ? aplic_own[eiid] : 0;
}

void aplic_route(unsigned int irq, const struct cpu *c)
{
    if (!aplic_test(aplic_guest, irq)) {
        aplic_write(APLIC_TARGET + 4u * (irq - 1u), imsic_target(c, 0) | aplic_eiid(irq));
    }
}

/* A level that is still there becomes pending again [RVAIA 4.9.2]. */
void aplic_end(unsigned int irq)
{
    if (aplic_test(aplic_level, irq)) {
        aplic_write(APLIC_SETIPNUM_LE, irq);
    }
}

void aplic_init(void)
{
    uint32_t i;

    aplic_registers = arch_map_device(aplic.pa, APLIC_END);
    if (aplic_registers == NULL) {
        panic("APLIC: cannot map its registers at %#lx\n", aplic.pa);
    }
    aplic_write(APLIC_DOMAINCFG, 0);
    for (i = 0; i < (aplic.nr_irqs + 31u) / 32u; i++) {
        aplic_write(APLIC_CLRIE + 4u * i, UINT32_MAX);
    }
    for (i = 1; i < aplic.nr_irqs; i++) {
        aplic_write(APLIC_SOURCECFG + 4u * (i - 1u), 0);
    }
    aplic_write(APLIC_DOMAINCFG, APLIC_DOMAINCFG_IE | APLIC_DOMAINCFG_DM);
    if ((aplic_read(APLIC_DOMAINCFG) & APLIC_DOMAINCFG_DM) == 0) {
        panic("APLIC at %#lx: it does not deliver by messages, although the device tree gives it "
              "an msi-parent\n",
              aplic.pa);
    }
    printk("APLIC: %u interrupts, at %#lx\n", aplic.nr_irqs - 1u, aplic.pa);
}
