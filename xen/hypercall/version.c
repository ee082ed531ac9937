/*
 * xen_version: what this hypervisor is - version, build, capabilities, features, command line. It
 * answers as Xen 4.20 does, sizes and error numbers included; the features that other parts must
 * then honour are only announced here.
 */
#include <arch/domain.h>
#include <public/features.h>
#include <public/version.h>
#include <xen/access.h>
#include <xen/build_info.h>
#include <xen/cmdline.h>
#include <xen/domain.h>
#include <xen/errno.h>
#include <xen/guest_copy.h>
#include <xen/hypercall.h>
#include <xen/nospec.h>
#include <xen/string.h>

#define XEN_MAJOR        4
#define XEN_MINOR        20
#define XEN_EXTRAVERSION ".4-xenolith"
#define STRING_OF(x)     #x
#define TEXT_OF(x)       STRING_OF(x)
#define XEN_VERSION_TEXT TEXT_OF(XEN_MAJOR) "." TEXT_OF(XEN_MINOR) XEN_EXTRAVERSION

/* What an unprivileged domain gets in place of the command line. */
#define DENIED "<denied>"

/* From the linker script: the note with the image's identity. */
extern const uint8_t __note_build_id_start[], __note_build_id_end[];

struct elf_note { /* [gABI: note section] */
    uint32_t name_size;
    uint32_t size;
    uint32_t type;
    char name[4]; /* "GNU" */
    uint8_t id[];
};

const char *xen_banner(void)
{
    return "Xenolith, Xen version " XEN_VERSION_TEXT " (" XEN_BUILD_BY "@" XEN_BUILD_DOMAIN
           ") (" XEN_BUILD_COMPILER ") " XEN_BUILD_DATE;
}

const char *xen_changeset(void)
{
    return XEN_BUILD_CHANGESET;
}

size_t xen_build_id(const uint8_t **id)
{
    const struct elf_note *note = (const struct elf_note *)(const void *)__note_build_id_start;
    size_t room = (size_t)(__note_build_id_end - __note_build_id_start);

    if (room < sizeof(*note) || note->name_size != sizeof(note->name) ||
        note->size > room - sizeof(*note)) {
        return 0;
    }
    *id = note->id;
    return note->size;
}

static long version_extraversion(struct vcpu *v, uint64_t gva)
{
    static const xen_extraversion_t text = XEN_EXTRAVERSION;

    (void)v;
    return guest_copy_to(gva, text, sizeof(text));
}

static long version_compile_info(struct vcpu *v, uint64_t gva)
{
    struct xen_compile_info info;

    (void)v;
    memset(&info, 0, sizeof(info));
    strlcpy(info.compiler, XEN_BUILD_COMPILER, sizeof(info.compiler));
    strlcpy(info.compile_by, XEN_BUILD_BY, sizeof(info.compile_by));
    strlcpy(info.compile_domain, XEN_BUILD_DOMAIN, sizeof(info.compile_domain));
    strlcpy(info.compile_date, XEN_BUILD_DATE, sizeof(info.compile_date));
    return guest_copy_to(gva, &info, sizeof(info));
}

/* A string into a guest's array of `size` bytes, zeros behind it. */
static long version_put_text(uint64_t gva, const char *text, size_t size)
{
    size_t n = strnlen(text, size - 1);
    int rc = guest_copy_to(gva, text, n);

    return rc != 0 ? rc : guest_zero(gva + n, size - n);
}

static long version_capabilities(struct vcpu *v, uint64_t gva)
{
    (void)v;
    return version_put_text(gva, arch_capabilities(), sizeof(xen_capabilities_info_t));
}

static long version_changeset(struct vcpu *v, uint64_t gva)
{
    (void)v;
    return version_put_text(gva, xen_changeset(), sizeof(xen_changeset_info_t));
}

static long version_platform_parameters(struct vcpu *v, uint64_t gva)
{
    struct xen_platform_parameters parameters = {0};

    (void)v;
    return guest_copy_to(gva, &parameters, sizeof(parameters));
}

static long version_get_features(struct vcpu *v, uint64_t gva)
{
    struct xen_feature_info info;
    const struct domain *d = v->d;

    if (guest_copy_from(&info, gva, sizeof(info)) != 0) {
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
    return guest_copy_to(gva, &info, sizeof(info));
}

static long version_pagesize(struct vcpu *v, uint64_t gva)
{
    (void)v;
    return gva != 0 ? -EINVAL : (long)PAGE_SIZE;
}

static long version_guest_handle(struct vcpu *v, uint64_t gva)
{
    return guest_copy_to(gva, v->d->handle, sizeof(v->d->handle));
}

static long version_commandline(struct vcpu *v, uint64_t gva)
{
    if (!access_control(v->d)) {
        return guest_copy_to(gva, DENIED, sizeof(DENIED));
    }
    return version_put_text(gva, cmdline.text, sizeof(xen_commandline_t));
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

static long version_build_id(struct vcpu *v, uint64_t gva)
{
    const uint8_t *id;
    size_t size;

    if (!access_control(v->d)) {
        return -EPERM;
    }
    size = xen_build_id(&id);
    return size == 0 ? -ENODATA : version_put_varbuf(gva, id, size);
}

static long version_extraversion2(struct vcpu *v, uint64_t gva)
{
    (void)v;
    return version_put_varbuf(gva, XEN_EXTRAVERSION, sizeof(XEN_EXTRAVERSION) - 1);
}

static long version_capabilities2(struct vcpu *v, uint64_t gva)
{
    const char *text = arch_capabilities();

    (void)v;
    return version_put_varbuf(gva, text, strlen(text));
}

static long version_changeset2(struct vcpu *v, uint64_t gva)
{
    (void)v;
    return version_put_varbuf(gva, xen_changeset(), strlen(xen_changeset()));
}

static long version_commandline2(struct vcpu *v, uint64_t gva)
{
    if (!access_control(v->d)) {
        return -EPERM;
    }
    return version_put_varbuf(gva, cmdline.text, strnlen(cmdline.text, sizeof(cmdline.text)));
}

static long (*const version_ops[])(struct vcpu *v, uint64_t gva) = {
    [XENVER_extraversion] = version_extraversion,
    [XENVER_compile_info] = version_compile_info,
    [XENVER_capabilities] = version_capabilities,
    [XENVER_changeset] = version_changeset,
    [XENVER_platform_parameters] = version_platform_parameters,
    [XENVER_get_features] = version_get_features,
    [XENVER_pagesize] = version_pagesize,
    [XENVER_guest_handle] = version_guest_handle,
    [XENVER_commandline] = version_commandline,
    [XENVER_build_id] = version_build_id,
    [XENVER_extraversion2] = version_extraversion2,
    [XENVER_capabilities2] = version_capabilities2,
    [XENVER_changeset2] = version_changeset2,
    [XENVER_commandline2] = version_commandline2,
};

long do_xen_version(struct vcpu *v, uint64_t *arg)
{
    uint32_t cmd = (uint32_t)arg[0];

    if (likely(cmd == XENVER_version)) {
        return XEN_MAJOR << 16 | XEN_MINOR;
    }
    if (cmd >= ARRAY_SIZE(version_ops)) {
        return -ENOSYS;
    }
    return version_ops[index_nospec(cmd, ARRAY_SIZE(version_ops))](v, arg[1]);
}
