/* SPDX-License-Identifier: MIT */
/* The queues' functions are inline, in queue.h; this file is where they are proved. */
#define QUEUE_PROOF
#include "core/queue.h"
