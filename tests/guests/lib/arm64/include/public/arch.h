/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The architecture's part of the guest ABI, by the name that the generic headers use.
 */
#pragma once

#include <public/arch-arm.h>
