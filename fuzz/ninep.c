/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer target: the 9P server over the RAM file system. The input is messages, each behind two bytes that say how
 * long it is (and may be several one behind the other); a size field that says the same is put in for most of them, so that most get further than that. Every
 * answer is a whole message that fits; fids stay within their bound, and at the end all is given back.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/ninep_server.h"
#include "servers/ramfs/ramfs.h"

#define ROOM 8192u
#define FIDS 24u
#define FS_BYTES 300000u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int condition)
{
    if (!condition)
        abort();
}

static uint64_t now(void) { return 1; }

static uint32_t field(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static void answer_check(const struct ninep_session *s, const uint8_t *request,
                         const uint8_t *reply, uint32_t bytes, uint32_t room)
{
    if (bytes == 0)
        return;
    check(bytes >= NINEP_HEAD && bytes <= room && field(reply) == bytes);
    check(reply[4] == request[4] + 1 || reply[4] == NINEP_LERROR + 1);
    check(reply[5] == request[5] && reply[6] == request[6]);
    check(s->fids <= FIDS);
}

/* One message, in memory that is exactly as long as it is. */
static void message_do(struct ninep_session *s, const uint8_t *data, uint32_t bytes, int honest)
{
    static uint8_t reply[ROOM];
    uint8_t *head = malloc(bytes + 1);
    memcpy(head, data, bytes);
    for (uint32_t i = 0; honest && i < 4 && i < bytes; i++)
        head[i] = (uint8_t)(bytes >> (8 * i));
    uint32_t room = honest ? ROOM : ROOM / 16;
    struct ninep_message m = {head, bytes,
                              head + (bytes < NINEP_WRITE_HEAD ? bytes : NINEP_WRITE_HEAD), bytes};
    answer_check(s, head, reply, ninep_serve_several(s, &m, reply, room), room);
    free(head);
}

/* A client that has attached, so that random fids of 0 and 1 mean something. */
static void begin(struct ninep_session *s)
{
    static const uint8_t attach[] = {
        0, 0, 0, 0, NINEP_ATTACH, 1, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0};
    static const uint8_t clone[] = {0, 0, 0, 0, NINEP_WALK, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0};
    message_do(s, attach, sizeof attach, 1);
    message_do(s, clone, sizeof clone, 1);
    check(s->fids == 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct ninep_server server;
    struct ninep_session session;
    struct ramfs fs;
    check(ramfs_start(&fs, FS_BYTES, now) == 0);
    memset(&server, 0, sizeof server);
    server.ops = &ramfs_ops;
    server.fs = &fs;
    ninep_session_start(&session, &server, ROOM, FIDS);
    begin(&session);
    while (size >= 2) {
        uint32_t bytes = data[0];
        int honest = data[1] % 8 != 0;
        data += 2;
        size -= 2;
        bytes = bytes < size ? bytes : (uint32_t)size;
        message_do(&session, data, bytes, honest);
        data += bytes;
        size -= bytes;
    }
    ninep_session_end(&session);
    check(session.fids == 0);
    ramfs_end(&fs);
    check(fs.used == 0 && fs.files == 0);
    return 0;
}
