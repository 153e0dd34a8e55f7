/* SPDX-License-Identifier: MIT */
/* The queues' functions are inline, in queue.h; this file is where they are proved. */
#include "core/queue.h"
