/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Third port: the architecture's part of the guest ABI is Arm's, so that the tests know its
 * structures.
 */
#pragma once

#include <public/arch-arm.h>
