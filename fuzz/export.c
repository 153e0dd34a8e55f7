/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer target: the 9P stream of servers/export over the RAM file system. The first byte says how input and output are
 * cut, and whether the size fields at the front of messages are put right, so that many messages get through. However
 * it is cut, the answers are the same.
 */
#include <stdlib.h>
#include <string.h>

#include "servers/export/engine.h"
#include "servers/ramfs/ramfs.h"

#define OUTPUT_BYTES (1u << 20)
#define FS_BYTES 300000u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int condition)
{
    if (!condition)
        abort();
}

static uint64_t now(void) { return 1; }

/* A version, and an attach as fid 0: what comes then finds something. */
static const uint8_t begin[] = {21,   0,    0,    0,   100, 0xff, 0xff, 0,   0,   1,   0,
                                8,    0,    '9',  'P', '2', '0',  '0',  '0', '.', 'L', 23,
                                0,    0,    0,    104, 1,   0,    0,    0,   0,   0,   0xff,
                                0xff, 0xff, 0xff, 0,   0,   0,    0,    0,   0,   0,   0};

static size_t drain(struct export_engine *e, size_t room, uint8_t *to, size_t used)
{
    size_t n;
    uint8_t *piece = malloc(room);
    while ((n = export_give(e, piece, room)) > 0) {
        check(n <= room && used + n <= OUTPUT_BYTES);
        memcpy(to + used, piece, n);
        used += n;
    }
    free(piece);
    return used;
}

/* The bytes answered to all of the input. */
static size_t talk(const uint8_t *data, size_t size, size_t piece, size_t room, uint8_t *to)
{
    static struct export_engine e;
    static struct ninep_server server;
    struct ramfs fs;
    size_t used = 0;
    check(ramfs_start(&fs, FS_BYTES, now) == 0);
    server = (struct ninep_server){.ops = &ramfs_ops, .fs = &fs};
    export_start(&e, &server);
    for (size_t at = 0; at < size && !e.ended && used < OUTPUT_BYTES / 2;) {
        size_t n = size - at < piece ? size - at : piece;
        uint8_t *copy = malloc(n); /* ends where the bytes end */
        memcpy(copy, data + at, n);
        size_t took = export_take(&e, copy, n);
        free(copy);
        check(took <= n);
        at += took;
        used = drain(&e, room, to, used);
    }
    export_end(&e);
    ramfs_end(&fs);
    return used;
}

/* Messages as long as their first byte says: its size field is made to say so, too. */
static void sizes_put(uint8_t *data, size_t size)
{
    for (size_t at = 0; at + 4 < size && data[at] >= NINEP_HEAD; at += data[at])
        memset(data + at + 1, 0, 3);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t input[sizeof begin + 4096], whole[OUTPUT_BYTES], cut[OUTPUT_BYTES];
    if (size < 1 || size > 4096)
        return 0;
    size_t bytes = sizeof begin + size - 1;
    memcpy(input, begin, sizeof begin);
    memcpy(input + sizeof begin, data + 1, size - 1);
    if (data[0] % 2 == 0)
        sizes_put(input + sizeof begin, size - 1);
    size_t n = talk(input, bytes, bytes, NINEP_MESSAGE_MAX, whole);
    check(n >= 40); /* both of the begin were answered */
    size_t m = talk(input, bytes, 1 + data[0] / 2 % 8, 1 + data[0] / 16u * 30u, cut);
    check(n == m && memcmp(whole, cut, n) == 0);
    return 0;
}
