/* SPDX-License-Identifier: MIT */
/*
 * Stands in for servers/memcached/memory.c: a small store out of the host's heap, so that tests reach
 * its end, and the names of errors. Test only.
 */
#include "lib/error.h"
#include "servers/memcached/memory.h"
#include <stdlib.h>

#define BYTES (16ul << 20)
#define BUCKETS 65536u

int64_t memory_make(struct store_memory *memory, uint64_t reserved)
{
    (void)reserved;
    *memory = (struct store_memory){
        .base = aligned_alloc(64, BYTES),
        .bytes = BYTES,
        .bytes_max = BYTES,
        .buckets = calloc(BUCKETS, sizeof(uint32_t)),
        .bucket_count = BUCKETS,
    };
    return 0;
}

const char *atm_error_text(int64_t status)
{
    (void)status;
    return "no memory";
}
