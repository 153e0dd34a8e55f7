/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer target: a network driver that breaks the rules of the rings (lib/frames.h), seen from its client. Whatever
 * its page says, a buffer the client gets lies in the pool, is of the right kind, and is not one it has already.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/frames.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int condition)
{
    if (!condition)
        abort();
}

struct scene {
    struct frames_page *driver, *client;
    struct frames frames;
    uint8_t had[FRAMES_BUFFERS]; /* 1: the client has it */
};

static void receive(struct scene *s)
{
    unsigned char *data;
    uint32_t bytes;
    int b = frames_receive(&s->frames, &data, &bytes);
    check(b >= -2);
    if (b < 0)
        return;
    check(b < (int)FRAMES_RECEIVE && !s->had[b] && bytes <= FRAMES_BYTES_MAX);
    memset(data, 0, bytes);
    s->had[b] = 1;
}

static void reserve(struct scene *s)
{
    unsigned char *data;
    int b = frames_reserve(&s->frames, &data);
    check(b >= -2);
    if (b < 0)
        return;
    check(b >= (int)FRAMES_RECEIVE && b < (int)FRAMES_BUFFERS && !s->had[b]);
    memset(data, 0, FRAMES_BYTES_MAX);
    s->had[b] = 1;
}

static void give(struct scene *s, uint32_t buffer, uint32_t bytes)
{
    buffer %= FRAMES_BUFFERS;
    if (buffer < FRAMES_RECEIVE)
        frames_release(&s->frames, (int)buffer);
    else
        frames_send(&s->frames, (int)buffer, bytes);
    s->had[buffer] = 0;
}

static void step(struct scene *s, const uint8_t *in)
{
    uint32_t a = in[1] | (uint32_t)in[2] << 8, b = in[3] | (uint32_t)in[4] << 8;
    struct frames_ring *ring = in[0] & 0x80 ? &s->driver->receive : &s->driver->transmit;
    switch (in[0] % 8) {
    case 0:
        receive(s);
        break;
    case 1:
        reserve(s);
        break;
    case 2:
        give(s, a, b);
        break;
    case 3:
        s->driver->waits = 0; /* the client shall not signal on the build machine */
        (void)frames_sleep(&s->frames);
        break;
    case 4:
        ring->put = a | b << 16;
        break;
    case 5:
        ((uint8_t *)s->driver)[a % sizeof *s->driver] = in[3];
        break;
    default: /* an entry that may be right */
        ring->entry[ring->put++ % FRAMES_RING] = FRAMES_ENTRY(a, b % 1600);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct scene s;
    memset(&s, 0, sizeof s);
    s.driver = calloc(1, sizeof *s.driver);
    s.client = calloc(1, sizeof *s.client);
    s.frames.theirs = s.driver;
    s.frames.ours = s.client;
    s.frames.buffers = malloc((size_t)FRAMES_BUFFERS * FRAMES_BUFFER);
    memset(s.frames.owner, FRAMES_DRIVER, sizeof s.frames.owner);
    for (; size >= 5; size -= 5, data += 5)
        step(&s, data);
    free(s.frames.buffers);
    free(s.client);
    free(s.driver);
    return 0;
}
