/* SPDX-License-Identifier: Apache-2.0 */
/*
 * xen_version: what this hypervisor is - version, build, capabilities, features, command line. It
 * answers as Xen 4.20 does, sizes and error numbers included; the features that other parts must
 * then honour are only announced here.
 */
#include <arch/domain.h>
#include <public/features.h>
#include <public/version.h>
#include <xen/access.h>
#include <xen/build_id.h>
#include <xen/build_info.h>
#include <xen/domain.h>
#include <xen/errno.h>
#include <xen/guest_copy.h>
#include <xen/hypercall.h>
#include <xen/op.h>
#include <xen/opt.h>
#include <xen/string.h>

#define STRING_OF(x)     #x
#define TEXT_OF(x)       STRING_OF(x)
#define XEN_VERSION_TEXT TEXT_OF(XEN_MAJOR) "." TEXT_OF(XEN_MINOR) XEN_EXTRAVERSION

/* What an unprivileged domain gets in place of the command line. */
#define DENIED "<denied>"

const char *xen_banner(void)
{
    return "Xenolith, Xen version " XEN_VERSION_TEXT " (" XEN_BUILD_BY "@" XEN_BUILD_DOMAIN
           ") (" XEN_BUILD_COMPILER ") " XEN_BUILD_DATE;
}

static const char *xen_changeset(void)
{
    return XEN_BUILD_CHANGESET;
}

static long version_extraversion(struct op_call *call)
{
    static const xen_extraversion_t text = XEN_EXTRAVERSION;

    return guest_copy_to(call->gva, text, sizeof(text));
}

static long version_compile_info(struct op_call *call)
{
    struct xen_compile_info info;

    memset(&info, 0, sizeof(info));
    strlcpy(info.compiler, XEN_BUILD_COMPILER, sizeof(info.compiler));
    strlcpy(info.compile_by, XEN_BUILD_BY, sizeof(info.compile_by));
    strlcpy(info.compile_domain, XEN_BUILD_DOMAIN, sizeof(info.compile_domain));
    strlcpy(info.compile_date, XEN_BUILD_DATE, sizeof(info.compile_date));
    return guest_copy_to(call->gva, &info, sizeof(info));
}

/* A string into a guest's array of `size` bytes, zeros behind it. */
static long version_put_text(uint64_t gva, const char *text, size_t size)
{
    size_t n = strnlen(text, size - 1);
    int rc = guest_copy_to(gva, text, n);

    return rc != 0 ? rc : guest_zero(gva + n, size - n);
}

static long version_capabilities(struct op_call *call)
{
    return version_put_text(call->gva, arch_capabilities(), sizeof(xen_capabilities_info_t));
}

static long version_changeset(struct op_call *call)
{
    return version_put_text(call->gva, xen_changeset(), sizeof(xen_changeset_info_t));
}

static long version_platform_parameters(struct op_call *call)
{
    struct xen_platform_parameters parameters = {0};

    return guest_copy_to(call->gva, &parameters, sizeof(parameters));
}

static long version_get_features(struct op_call *call)
{
    struct xen_feature_info info;
    const struct domain *d = call->v->d;

    if (guest_copy_from(&info, call->gva, sizeof(info)) != 0) {
        return -EFAULT;
    }
    if (info.submap_idx != 0) {
        return -EINVAL;
    }
    info.submap = 1u << XENFEAT_writable_page_tables | 1u << XENFEAT_auto_translated_physmap |
                  1u << XENFEAT_memory_op_vnode_supported | 1u << XENFEAT_runstate_phys_area |
                  arch_features();
    info.submap |= 1u << (d->p2m.direct_mapped ? XENFEAT_direct_mapped : XENFEAT_not_direct_mapped);
    if (d->is_hardware) {
        info.submap |= 1u << XENFEAT_dom0;
    }
    return guest_copy_to(call->gva, &info, sizeof(info));
}

static long version_pagesize(struct op_call *call)
{
    return call->gva != 0 ? -EINVAL : (long)PAGE_SIZE;
}

static long version_guest_handle(struct op_call *call)
{
    return guest_copy_to(call->gva, call->v->d->handle, sizeof(call->v->d->handle));
}

static long version_commandline(struct op_call *call)
{
    if (!access_control(call->v->d)) {
        return guest_copy_to(call->gva, DENIED, sizeof(DENIED));
    }
    return version_put_text(call->gva, opt.line, sizeof(xen_commandline_t));
}

/* The forms with a length: to a null pointer the size, else at most what there is room for,
 * unterminated. */
static long version_put_varbuf(uint64_t gva, const void *data, size_t size)
{
    struct xen_varbuf head;

    if (gva == 0) {
        return (long)size;
    }
    if (guest_copy_from(&head, gva, sizeof(head)) != 0) {
        return -EFAULT;
    }
    if (size > head.len) {
        return -ENOBUFS;
    }
    if (guest_copy_to(gva + sizeof(head), data, size) != 0) {
        return -EFAULT;
    }
    return (long)size;
}

static long version_build_id(struct op_call *call)
{
    const uint8_t *id;
    size_t size = build_id(&id);

    return size == 0 ? -ENODATA : version_put_varbuf(call->gva, id, size);
}

static long version_extraversion2(struct op_call *call)
{
    return version_put_varbuf(call->gva, XEN_EXTRAVERSION, sizeof(XEN_EXTRAVERSION) - 1);
}

static long version_capabilities2(struct op_call *call)
{
    const char *text = arch_capabilities();

    return version_put_varbuf(call->gva, text, strlen(text));
}

static long version_changeset2(struct op_call *call)
{
    return version_put_varbuf(call->gva, xen_changeset(), strlen(xen_changeset()));
}

static long version_commandline2(struct op_call *call)
{
    return version_put_varbuf(call->gva, opt.line, strnlen(opt.line, sizeof(opt.line)));
}

static long version_version(struct op_call *call __unused)
{
    return XEN_MAJOR << 16 | XEN_MINOR;
}

static const struct op version_rows[] = {
    [XENVER_version] = OP_BARE(version_version, ACCESS_ANY),
    [XENVER_extraversion] = OP_BARE(version_extraversion, ACCESS_ANY),
    [XENVER_compile_info] = OP_BARE(version_compile_info, ACCESS_ANY),
    [XENVER_capabilities] = OP_BARE(version_capabilities, ACCESS_ANY),
    [XENVER_changeset] = OP_BARE(version_changeset, ACCESS_ANY),
    [XENVER_platform_parameters] = OP_BARE(version_platform_parameters, ACCESS_ANY),
    [XENVER_get_features] = OP_BARE(version_get_features, ACCESS_ANY),
    [XENVER_pagesize] = OP_BARE(version_pagesize, ACCESS_ANY),
    [XENVER_guest_handle] = OP_BARE(version_guest_handle, ACCESS_ANY),
    [XENVER_commandline] = OP_BARE(version_commandline, ACCESS_ANY), /* may be "<denied>" */
    [XENVER_build_id] = OP_BARE(version_build_id, ACCESS_CONTROL),
    [XENVER_extraversion2] = OP_BARE(version_extraversion2, ACCESS_ANY),
    [XENVER_capabilities2] = OP_BARE(version_capabilities2, ACCESS_ANY),
    [XENVER_changeset2] = OP_BARE(version_changeset2, ACCESS_ANY),
    [XENVER_commandline2] = OP_BARE(version_commandline2, ACCESS_CONTROL),
};

static long version_op(struct vcpu *v, uint64_t *arg, const struct op_table *table)
{
    if (likely((uint32_t)arg[0] == XENVER_version)) {
        return XEN_MAJOR << 16 | XEN_MINOR;
    }
    return op_run(v, arg, table);
}

const struct op_table version_ops = {OP_TABLE(version_op, version_rows)};
