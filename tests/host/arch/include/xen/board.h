/* SPDX-License-Identifier: Apache-2.0 */
/* What the build says of a board: of this port nothing. */
#pragma once

#define BOARD_EARLY_UART {.pl011 = 0}
