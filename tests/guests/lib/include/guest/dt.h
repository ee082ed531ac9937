/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Just enough of a device-tree reader. Trusts the tree: it comes from the hypervisor under test.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Sets the tree that the others read. */
void dt_use(const void *blob);

/* The tree that is used. */
const void *dt_used(void);

/* A node: its properties begin here. Null: not found. */
typedef const uint32_t *dt_node;

/* The first node after `from` (null: from the start) with that string among its `compatible`. */
dt_node dt_compatible(dt_node from, const char *compatible);

/* The first node after `from` whose `device_type` is that string. */
dt_node dt_of_type(dt_node from, const char *type);

/* The node with that path below the root, one level: "chosen". */
dt_node dt_child(const char *name);

/* A property's value and its length in bytes, or null. */
const void *dt_property(dt_node node, const char *name, uint32_t *length);

/* Pair `index` of a `reg` made of two cells each; false beyond its end. */
bool dt_reg(dt_node node, unsigned int index, uint64_t *address, uint64_t *size);

/* Cell `index` of a property, or `otherwise`. */
uint32_t dt_cell(dt_node node, const char *name, unsigned int index, uint32_t otherwise);
