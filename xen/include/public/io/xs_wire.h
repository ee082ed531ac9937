/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ring between a guest and xenstored, and the header of its messages.
 */
#pragma once

#include <public/types.h>

enum {
    XENSTORE_RING_SIZE = 1024
};

/* One page; indexes run freely and are taken modulo the ring size. */
struct xenstore_domain_interface {
    char req[XENSTORE_RING_SIZE];
    char rsp[XENSTORE_RING_SIZE];
    uint32_t req_cons;
    uint32_t req_prod;
    uint32_t rsp_cons;
    uint32_t rsp_prod;
    uint32_t server_features;
    uint32_t connection;
    uint32_t error;
};

/* Before each message, `len` bytes follow. */
struct xsd_sockmsg {
    uint32_t type;
    uint32_t req_id;
    uint32_t tx_id;
    uint32_t len;
};

#define XENSTORE_PAYLOAD_MAX 4096

/* server_features */
#define XENSTORE_SERVER_FEATURE_RECONNECTION 1
#define XENSTORE_SERVER_FEATURE_ERROR        2

/* connection */
#define XENSTORE_CONNECTED 0
#define XENSTORE_RECONNECT 1

/* error */
#define XENSTORE_ERROR_NONE    0
#define XENSTORE_ERROR_COMM    1
#define XENSTORE_ERROR_RINGIDX 2
#define XENSTORE_ERROR_PROTO   3
