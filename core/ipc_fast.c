/* SPDX-License-Identifier: MIT */
/* The short way's functions are inline, in ipc_fast.h; this file is where they are proved. */
#include "core/ipc_fast.h"
