/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer target: the memcached engine and its store, in both protocols. The first byte says how input and output
 * are cut; the rest is what a client sends. The store is so small that items are pushed out. Whatever comes, every block
 * is accounted for, and nothing stays pinned.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/tcp_server.h"
#include "servers/memcached/engine.h"

#define ARENA_BYTES 16384u
#define BUCKETS 64u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct tcp_count tcp_count;

static void drain(struct engine *e, size_t room)
{
    char *to = malloc(room);
    size_t n;
    while ((n = engine_give(e, to, room)) > 0)
        if (n > room)
            abort();
    free(to);
}

static void store_make(void)
{
    static uint64_t arena[ARENA_BYTES / 8];
    static uint32_t buckets[BUCKETS];
    struct store_memory memory = {.base = arena,
                                  .bytes = ARENA_BYTES,
                                  .bytes_max = ARENA_BYTES,
                                  .buckets = buckets,
                                  .bucket_count = BUCKETS};
    store_setup(&memory, 12345);
    store_time(2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct engine e;
    size_t at = 1;
    if (size < 1)
        return 0;
    store_make();
    engine_start(&e);
    size_t piece = data[0] % 16 == 15 ? size : 1 + data[0] % 16, room = 1 + (data[0] / 16) * 50;
    while (at < size && !e.ended) {
        size_t n = size - at < piece ? size - at : piece;
        char *copy = malloc(n); /* ends where the bytes end */
        memcpy(copy, data + at, n);
        size_t took = engine_take(&e, copy, n);
        free(copy);
        if (took > n)
            abort();
        at += took;
        drain(&e, room);
        store_time(2 + (uint32_t)at / 64);
        if (!store_is_well(1))
            abort();
    }
    engine_end(&e);
    if (!store_is_well(0))
        abort();
    return 0;
}
