/*
 * Third port: nothing inline, see port/domain.c.
 */
#pragma once
