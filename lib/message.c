/* SPDX-License-Identifier: MIT */
/*
 * Packing and calling. A server that died with the call in hand gives PEER; its parent starts it
 * again and it receives on the same endpoint, so the call is simply made again. The number of tries
 * is bounded: a request that kills every server it meets must not do so for ever.
 */
#include "lib/message.h"
#include <string.h>

#define CALL_TRIES 3

uint64_t message_put(uint64_t w[REGISTER_WORDS], const void *text, size_t bytes)
{
    const size_t in_registers = (REGISTER_WORDS - 1) * 8;
    if (bytes > MESSAGE_TEXT_MAX)
        bytes = MESSAGE_TEXT_MAX;
    size_t first = bytes < in_registers ? bytes : in_registers;
    memset(&w[1], 0, in_registers);
    memcpy(&w[1], text, first);
    if (bytes > first)
        memcpy(&atm_message()->word[REGISTER_WORDS], (const char *)text + first, bytes - first);
    return 1 + (bytes + 7) / 8;
}

size_t message_get(const struct message *m, void *text, size_t bytes)
{
    const size_t in_registers = (REGISTER_WORDS - 1) * 8;
    size_t words = TAG_WORDS(m->tag);
    size_t there = words > 1 ? (words - 1) * 8 : 0;
    if (bytes > there)
        bytes = there;
    size_t first = bytes < in_registers ? bytes : in_registers;
    memcpy(text, &m->w[1], first);
    if (bytes > first)
        memcpy((char *)text + first, &atm_message()->word[REGISTER_WORDS], bytes - first);
    return bytes;
}

int64_t message_call(uint64_t endpoint, struct message *m)
{
    struct atm_result r;
    int tries = 0;
    do
        r = atm_call(endpoint, m->tag, m->w[0], m->w[1], m->w[2], m->w[3]);
    while (r.status == -ERR_AGAIN || (r.status == -ERR_PEER && ++tries < CALL_TRIES));
    if (r.status < 0)
        return r.status;
    *m = (struct message){r.r[0], r.r[1], {r.r[2], r.r[3], r.r[4], r.r[5]}};
    return 0;
}
