/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts about a build, where the real ones are generated: here they are constants, so that tests
 * can expect them.
 */
#pragma once

#define XEN_BUILD_COMPILER  "host compiler"
#define XEN_BUILD_BY        "tester"
#define XEN_BUILD_DOMAIN    "example.org"
#define XEN_BUILD_DATE      "1970-01-01"
#define XEN_BUILD_CHANGESET "none"
