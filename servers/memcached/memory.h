/* SPDX-License-Identifier: MIT */
/*
 * Where the store's memory comes from.
 */
#ifndef MEMCACHED_MEMORY_H
#define MEMCACHED_MEMORY_H

#include "store.h"

/* Memory for a store out of this program's quota; reserved: pages that other things of the program
   need, which get half of the quota at most. 0, or -error: there is not enough for a store to make sense. */
int64_t memory_make(struct store_memory *memory, uint64_t reserved);

#endif
