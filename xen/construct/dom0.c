/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dom0: the first domain, privileged, owner of the hardware. Its memory comes from dom0_memory.c in
 * whole extents, so that their number, not their size, is what building costs.
 */
#include <arch/domain.h>
#include <arch/irq.h>
#include <arch/mm.h>
#include <arch/vcpu.h>
#include <public/domctl.h>
#include <public/hvm/params.h>
#include <xen/console.h>
#include <xen/cpu.h>
#include <xen/domain.h>
#include <xen/lib.h>
#include <xen/modules.h>
#include <xen/opt.h>
#include <xen/page_alloc.h>
#include <xen/printk.h>
#include <xen/string.h>
#include <xen/time.h>

#include "construct.h"

#define EXTENDED_MIN MIB(2)
#define EXTENDED_MAX (MAX_MEM_BANKS + MAX_RESERVED_BANKS + DOM0_MAX_BANKS + 1u)

static struct range extended_ranges[EXTENDED_MAX];

static unsigned int dom0_vcpu_count(void)
{
    unsigned int wanted = nr_cpus_online;

    wanted = max_u32(wanted, opt.dom0_max_vcpus_min);
    wanted = opt.dom0_max_vcpus_max != 0 ? min_u32(wanted, opt.dom0_max_vcpus_max) : wanted;
    if (opt.dom0_max_vcpus_min != 0 && opt.dom0_max_vcpus_min == opt.dom0_max_vcpus_max) {
        wanted = opt.dom0_max_vcpus_max;
    }
    if (wanted > ARCH_MAX_VCPUS) {
        printk(XENLOG_WARNING "dom0_max_vcpus=%u: this interrupt controller allows %u\n", wanted,
               ARCH_MAX_VCPUS);
        wanted = ARCH_MAX_VCPUS;
    }
    return wanted;
}

static struct domain *dom0_create(void)
{
    struct xen_domctl_createdomain config = {
        .flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap,
        .max_vcpus = dom0_vcpu_count(),
        .max_evtchn_port = UINT32_MAX,
        .max_grant_frames = (int32_t)opt.gnttab_max_frames,
        .max_maptrack_frames = (int32_t)opt.gnttab_max_maptrack_frames,
        .grant_opts = 1, /* version 1 */
    };
    struct domain *d;
    int rc = arch_domain_config(&config);

    d = rc == 0 ? domain_create(0, &config, true, &rc) : NULL;
    if (d == NULL) {
        panic("Cannot create dom0 (%d): lower dom0_mem=\n", rc);
    }
    d->is_hardware = true;
    d->p2m.direct_mapped = true;
    d->p2m.pool_pages = UINT32_MAX;
    hardware_domain = d;
    for (unsigned int i = 0; i < config.max_vcpus; i++) {
        if (vcpu_create(d, i, &rc) == NULL) {
            panic("Cannot create vCPU %u of dom0 (%d): lower dom0_max_vcpus=\n", i, rc);
        }
    }
    return d;
}

/* Guest-physical space that nothing of dom0 uses: RAM of the host that it did not get. */
static void dom0_find_extended(struct build *b, struct rangeset *rs)
{
    int rc = 0;

    /* The grant table goes to where the hypervisor is: no RAM of any domain can ever be there. */
    b->grant.start = round_down(arch_image_start(), PAGE_SIZE);
    b->grant.end = b->grant.start + (uint64_t)opt.gnttab_max_frames * PAGE_SIZE;
    if (opt.ext_regions) {
        rc = memmap_free(rs);
    }
    for (unsigned int i = 0; i < b->nr_banks && rc == 0; i++) {
        rc = rangeset_remove(rs, b->bank[i].start, b->bank[i].end);
    }
    if (rc == 0) {
        rc = rangeset_remove(rs, b->grant.start, b->grant.end);
    }
    for (uint32_t i = 0; i < rs->count && rc == 0;) {
        paddr_t start = round_up(rs->ranges[i].start, EXTENDED_MIN),
                end = round_down(rs->ranges[i].end, EXTENDED_MIN);

        if (end <= start) {
            rc = rangeset_remove(rs, rs->ranges[i].start, rs->ranges[i].end);
        } else {
            rs->ranges[i] = (struct range){.start = start, .end = end};
            printk("d0: extended region %u: %#lx-%#lx\n", i, start, end);
            i++;
        }
    }
    if (rc != 0) {
        printk(XENLOG_WARNING "d0: no extended regions (%d): too many fragments of memory\n", rc);
        rs->count = 0;
    }
    b->extended = rs;
}

static void dom0_load(struct build *b)
{
    void *buffer;
    size_t size;

    image_load(b);
    b->fdt = round_up(b->next, MIB(2)); /* Linux wants it inside one 2 MiB block [Linux
                                         * booting.rst] */
    if (b->fdt + FDT_ROOM > b->bank[0].end) {
        panic("dom0's device tree does not fit at %#lx, memory ends at %#lx: raise dom0_mem=\n",
              b->fdt, b->bank[0].end);
    }
    buffer = arch_pa_to_va(b->fdt);
    size = guest_dt_write(b, buffer, FDT_ROOM);
    arch_cache_clean(buffer, size);
    printk("Loading d0 DTB to %#lx-%#lx\n", b->fdt, b->fdt + size);
}

static void dom0_start(struct build *b)
{
    struct vcpu *v = b->d->vcpu[0];

    b->d->hvm_params[HVM_PARAM_CALLBACK_IRQ] = arch_event_callback(b->d);
    arch_vcpu_set_entry(v, b->entry, b->fdt);
    v->initialised = true;
    console_set_input(b->d);
    wallclock_update(b->d);
    vcpu_up(v);
    if (domain_unpause_by_control(b->d) != 0) { /* domains are created paused */
        panic("Cannot start dom0\n");
    }
}

void construct_dom0(void)
{
    struct rangeset extended = RANGESET_INIT(extended_ranges);
    struct build b = {
        .kernel = modules_get(&boot_modules, NULL, MODULE_KERNEL),
        .initrd = modules_get(&boot_modules, NULL, MODULE_RAMDISK),
        .bootargs = boot_modules.dom0_cmdline,
    };

    printk("*** LOADING DOMAIN 0 ***\n");
    if (b.kernel == NULL) {
        panic("No kernel for dom0: add a module with compatible \"multiboot,kernel\" to /chosen\n");
    }
    b.d = dom0_create();
    dom0_memory_allocate(&b);
    device_assign_all(b.d);
    dom0_find_extended(&b, &extended);
    dom0_load(&b);
    for (uint32_t i = 0; i < boot_modules.count; i++) {
        page_release_reserved(boot_modules.module[i].start,
                              boot_modules.module[i].start + boot_modules.module[i].size);
    }
    buddy_scrub_start();
    dom0_start(&b);
}
