/* The options that all floors read. */
#include <xen/opt.h>

struct xen_options opt;
