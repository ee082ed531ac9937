/* SPDX-License-Identifier: Apache-2.0 */
/* Debug keys: one character, one dump. Typed on the console or sent by `xl debug-keys`. */
#pragma once

void keys_handle(char key);
