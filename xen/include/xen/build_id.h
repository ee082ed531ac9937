/* SPDX-License-Identifier: Apache-2.0 */
/* The identity of a build, for backtraces that are read later. */
#pragma once

#include <xen/types.h>

/* Identity that the linker gave the image: length and *id, 0 when there is none. */
size_t build_id(const uint8_t **id);
