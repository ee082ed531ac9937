/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who answers SMCCC calls under Xen: identities as the four words in x0..x3.
 */
#pragma once

/* Hypervisor service, a71812dc-c698-4369-9acf-79d18ddee667. */
#define XEN_SMCCC_MAJOR_REVISION 0
#define XEN_SMCCC_MINOR_REVISION 1
#define XEN_SMCCC_UID_0          0xdc1218a7U
#define XEN_SMCCC_UID_1          0x694398c6U
#define XEN_SMCCC_UID_2          0xd179cf9aU
#define XEN_SMCCC_UID_3          0x67e6de8dU

/* Standard service, f863386f-4b39-4cbd-9220-ce1641e59f6f. */
#define SSSC_SMCCC_MAJOR_REVISION 0
#define SSSC_SMCCC_MINOR_REVISION 1
#define SSSC_SMCCC_UID_0          0x6f3863f8U
#define SSSC_SMCCC_UID_1          0xbd4c394bU
#define SSSC_SMCCC_UID_2          0x16ce2092U
#define SSSC_SMCCC_UID_3          0x6f9fe541U
