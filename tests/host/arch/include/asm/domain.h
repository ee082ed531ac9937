/*
 * Third port: nothing inline, see port/domain.c.
 */
#pragma once

#define ARCH_DT_CPU_COMPATIBLE "test,cpu"
