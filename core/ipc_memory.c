/* SPDX-License-Identifier: MIT */
/* The functions for messages in memory are inline, in ipc_memory.h; this file is where they are proved. */
#include "core/ipc_memory.h"
