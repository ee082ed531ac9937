/* SPDX-License-Identifier: Apache-2.0 */
/*
 * xsm_op(arg): the commands of the FLASK policy module. Without the module the call is -ENOSYS.
 */
#pragma once

#define XEN_FLASK_INTERFACE_VERSION 1

#define FLASK_LOAD             1
#define FLASK_GETENFORCE       2
#define FLASK_SETENFORCE       3
#define FLASK_CONTEXT_TO_SID   4
#define FLASK_SID_TO_CONTEXT   5
#define FLASK_ACCESS           6
#define FLASK_DEVICETREE_LABEL 25
