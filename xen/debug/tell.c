/* SPDX-License-Identifier: Apache-2.0 */
/* What does not hold: counted, and told up to a limit. */
#include "check.h"

#define TOLD_MAX 20u /* lines of one check */

static unsigned int found;

bool check_tell(void)
{
    found++;
    return found <= TOLD_MAX;
}

unsigned int check_take_found(void)
{
    unsigned int n = found;

    found = 0;
    return n;
}
