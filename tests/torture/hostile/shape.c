/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arguments of hypercalls by shape: what the structure holds, or what is wrong with its address.
 * The same call with the same shape gets the same result on every hypervisor with the ABI.
 */
#include <public/domctl.h>
#include <public/platform.h>
#include <public/sched.h>
#include <public/sysctl.h>
#include <public/vcpu.h>
#include <torture/hostile.h>

enum shape {
    ZEROS,
    ONES,
    SMALL,   /* each word of 32 bits 1 */
    MYSELF,  /* begins with DOMID_SELF */
    EDGES,   /* words of the lattice, the same in each run */
    NOWHERE, /* address 0; from here on no structure can be read, but where a clone made it so */
    UNMAPPED,
    NEGATIVE,
    LAST,
    STRADDLE, /* the next page is not there */
    DEVICE,
    HOLE /* mapped to where the guest has no memory */
};

enum {
    WORDS = 24 /* of 8 bytes: more than any structure has */
};

const char *const hostile_shape_names[SHAPES] = {"zeros", "ones",     "small",    "self",
                                                 "edges", "null",     "unmapped", "negative",
                                                 "last",  "straddle", "device",   "hole"};

static uint8_t *straddle;
static uint64_t hole;

void shape_begin(void)
{
    straddle = (uint8_t *)port_map(2, port_physical(page_alloc()), true) + PAGE_SIZE - 2;
    hole = hypercall_pointer(port_map(4, GUEST_RAM0_BASE + (1UL << 36), true));
}

/* Those whose structure begins with the operation. */
static uint32_t version_of(unsigned int nr)
{
    switch (nr) {
    case __HYPERVISOR_domctl: return XEN_DOMCTL_INTERFACE_VERSION;
    case __HYPERVISOR_sysctl: return XEN_SYSCTL_INTERFACE_VERSION;
    case __HYPERVISOR_platform_op: return XENPF_INTERFACE_VERSION;
    default: return 0;
    }
}

static void shape_fill(unsigned int shape, void *page)
{
    struct chance chance;
    uint64_t *words = page;
    uint64_t value = shape == ONES ? ~0UL : shape == SMALL ? 1UL << 32 | 1 : 0;
    chance_seed(&chance, 7, 0);
    for (unsigned int i = 0; i < WORDS; i++) {
        words[i] = shape == EDGES ? chance_value(&chance) : value;
    }
    if (shape == MYSELF) {
        words[0] = DOMID_SELF;
    }
}

static uint64_t shape_pointer(unsigned int shape, const void *page)
{
    switch (shape) {
    case NOWHERE: return 0;
    case UNMAPPED: return port_unmapped;
    case NEGATIVE: return 1UL << 63;
    case LAST: return ~0UL - 7;
    case STRADDLE: return hypercall_pointer(straddle);
    case DEVICE: return machine_device();
    case HOLE: return hole;
    default: return hypercall_pointer(page);
    }
}

/* What would end the caller, stop it, or take away what it stands on. */
static bool harmful(unsigned int nr, unsigned int sub, bool readable)
{
    if (nr == __HYPERVISOR_sched_op) {
        bool ends = sub == SCHEDOP_shutdown || sub == SCHEDOP_poll || sub == SCHEDOP_watchdog;
        return sub == SCHEDOP_block || (readable && ends);
    }
    return nr == __HYPERVISOR_vcpu_op && sub == VCPUOP_down;
}

bool shape_call(unsigned int nr, unsigned int sub, unsigned int shape, void *page, uint64_t arg[5])
{
    uint64_t pointer = shape_pointer(shape, page);
    uint32_t version = version_of(nr);
    if (harmful(nr, sub, shape <= FIRST_BAD_SHAPE)) {
        return false;
    }
    shape_fill(shape, page);
    memset(arg, 0, 5 * sizeof(arg[0]));
    if (version != 0) {
        ((uint32_t *)page)[0] = sub;
        ((uint32_t *)page)[1] = version;
        arg[0] = pointer;
        return true;
    }
    arg[0] = sub;
    switch (nr) {
    case __HYPERVISOR_multicall:
        arg[0] = pointer;
        arg[1] = sub;
        break;
    case __HYPERVISOR_vcpu_op: arg[2] = pointer; break;
    case __HYPERVISOR_console_io:
        /* Two bytes of STRADDLE can be read. */
        arg[1] = shape < FIRST_BAD_SHAPE ? 1 : 16;
        arg[2] = pointer;
        break;
    default:
        arg[1] = pointer;
        arg[2] = 1;
        break;
    }
    return true;
}
