/* Port side of <arch/domain.h>: nothing inline. */
#pragma once
