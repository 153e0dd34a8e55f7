/* SPDX-License-Identifier: MIT */
/* The virtual cable: a list of frames sorted by arrival; see wire.h. Frames that arrive at one time keep their order. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "arch/hosted/wire.h"

#define GOLDEN 0x9e3779b97f4a7c15u

void wire_init(struct wire *w, const struct wire_faults *faults, uint64_t seed)
{
    *w = (struct wire){.faults = *faults, .random = seed * GOLDEN + 1};
    if (w->random == 0) {
        w->random = 1;
    }
}

/* xorshift64*: the high bits are the good ones. */
static uint32_t random_below(struct wire *w, uint32_t bound)
{
    w->random ^= w->random >> 12;
    w->random ^= w->random << 25;
    w->random ^= w->random >> 27;
    return (uint32_t)((w->random * 0x2545f4914f6cdd1du >> 32) * bound >> 32);
}

static bool happens(struct wire *w, uint32_t of_a_million)
{
    return of_a_million != 0 && random_below(w, WIRE_MILLION) < of_a_million;
}

/* From the end, as most frames arrive last. */
static void insert(struct wire *w, struct wire_frame *f)
{
    struct wire_frame *before = w->last;

    while (before != NULL && before->due > f->due) {
        before = before->previous;
    }
    f->previous = before;
    f->next = before == NULL ? w->first : before->next;
    if (f->previous == NULL) {
        w->first = f;
    } else {
        f->previous->next = f;
    }
    if (f->next == NULL) {
        w->last = f;
    } else {
        f->next->previous = f;
    }
    w->count++;
}

bool wire_put(struct wire *w, const uint8_t *frame, uint32_t bytes, uint64_t now)
{
    struct wire_frame *f;
    uint64_t due = now + w->faults.delay;

    if (happens(w, w->faults.loss)) {
        w->lost++;
        return false;
    }
    if (happens(w, w->faults.reorder)) {
        w->held++;
        due += WIRE_HOLD_LEAST + random_below(w, WIRE_HOLD_SPREAD);
    }
    f = w->count < WIRE_FRAMES_MAX && bytes <= WIRE_BYTES_MAX ? malloc(sizeof *f + bytes) : NULL;
    if (f == NULL) {
        w->full++;
        return false;
    }
    f->due = due;
    f->bytes = bytes;
    memcpy(f->data, frame, bytes);
    insert(w, f);
    return true;
}

const struct wire_frame *wire_look(const struct wire *w, uint64_t now)
{
    return w->first != NULL && w->first->due <= now ? w->first : NULL;
}

void wire_drop(struct wire *w)
{
    struct wire_frame *f = w->first;

    if (f == NULL) {
        return;
    }
    w->first = f->next;
    if (w->first == NULL) {
        w->last = NULL;
    } else {
        w->first->previous = NULL;
    }
    w->count--;
    free(f);
}

uint64_t wire_next(const struct wire *w) { return w->first == NULL ? WIRE_NEVER : w->first->due; }

bool wire_is_plain(const struct wire *w)
{
    return w->first == NULL && w->faults.loss == 0 && w->faults.reorder == 0 && w->faults.delay == 0;
}

void wire_clear(struct wire *w)
{
    while (w->first != NULL) {
        wire_drop(w);
    }
}
