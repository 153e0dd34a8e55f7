/* SPDX-License-Identifier: MIT */
/*
 * Client of the driver of random bytes.
 */
#include "lib/random.h"
#include "lib/message.h"
#include "lib/startup.h"
#include <errno.h>

static int piece_get(uint64_t driver, char *to, size_t bytes)
{
    struct message m = {.tag = TAG(RANDOM_GET, 1, 0), .w = {bytes}};
    int64_t status = message_call(driver, &m);
    if (status < 0)
        return status == -ERR_DEAD ? ENODEV : EIO;
    if (TAG_LABEL(m.tag) != 0)
        return (int)TAG_LABEL(m.tag);
    return message_get(&m, to, bytes) == bytes ? 0 : EPROTO;
}

int random_get(void *to, size_t bytes)
{
    uint64_t driver = startup_handle("random");
    int error = driver == 0 ? ENODEV : 0;
    for (size_t done = 0; error == 0 && done < bytes;) {
        size_t piece = bytes - done < RANDOM_PIECE ? bytes - done : RANDOM_PIECE;
        error = piece_get(driver, (char *)to + done, piece);
        done += piece;
    }
    return error;
}
