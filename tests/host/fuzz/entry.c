/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libFuzzer's entry point. FUZZ names the function of fuzz.h that this program feeds.
 */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FUZZ(data, size);
    return 0;
}
