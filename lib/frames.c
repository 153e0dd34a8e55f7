/* SPDX-License-Identifier: MIT */
/*
 * The client's side of the rings. What the driver's page says is read once and checked against this
 * side's own record of who has which buffer.
 */
#include "lib/frames.h"
#include "lib/sys.h"

#define NONE (-1)
#define BROKEN (-2)

static unsigned char *frame_at(const struct frames *f, uint32_t buffer)
{
    return f->buffers + (uint64_t)buffer * FRAMES_BUFFER + FRAMES_START;
}

static int broken(struct frames *f)
{
    f->broken++;
    f->unusable = 1;
    return BROKEN;
}

int frames_receive(struct frames *f, unsigned char **data, uint32_t *bytes)
{
    uint32_t entry;
    if (f->unusable)
        return BROKEN;
    int taken = frames_ring_take(&f->theirs->receive, &f->receive_taken, &entry);
    if (taken <= 0)
        return taken == 0 ? NONE : broken(f);
    uint32_t buffer = FRAMES_ENTRY_BUFFER(entry);
    *bytes = FRAMES_ENTRY_BYTES(entry);
    if (buffer >= FRAMES_RECEIVE || f->owner[buffer] != FRAMES_DRIVER ||
        *bytes < FRAMES_BYTES_MIN || *bytes > FRAMES_BYTES_MAX)
        return broken(f);
    f->owner[buffer] = FRAMES_CLIENT;
    *data = frame_at(f, buffer);
    return (int)buffer;
}

void frames_release(struct frames *f, int buffer)
{
    if (buffer < 0 || buffer >= (int)FRAMES_RECEIVE || f->owner[buffer] != FRAMES_CLIENT)
        return;
    f->owner[buffer] = FRAMES_DRIVER;
    f->fresh |= FRAMES_WAITS_RECEIVE;
    frames_ring_put(&f->ours->receive, &f->receive_put, FRAMES_ENTRY(buffer, 0));
}

/* Takes back all transmit buffers the driver is done with. 0, or BROKEN. */
static int transmit_collect(struct frames *f)
{
    uint32_t entry;
    int taken;
    while ((taken = frames_ring_take(&f->theirs->transmit, &f->transmit_taken, &entry)) == 1) {
        uint32_t buffer = FRAMES_ENTRY_BUFFER(entry);
        if (buffer < FRAMES_RECEIVE || buffer >= FRAMES_BUFFERS || f->owner[buffer] != FRAMES_DRIVER)
            return broken(f);
        f->owner[buffer] = FRAMES_FREE;
        f->transmit_list[f->transmit_free++] = (uint16_t)buffer;
    }
    return taken == 0 ? 0 : broken(f);
}

int frames_reserve(struct frames *f, unsigned char **data)
{
    if (f->unusable || (f->transmit_free == 0 && transmit_collect(f) != 0))
        return BROKEN;
    if (f->transmit_free == 0)
        return NONE;
    uint32_t buffer = f->transmit_list[--f->transmit_free];
    f->owner[buffer] = FRAMES_CLIENT;
    *data = frame_at(f, buffer);
    return (int)buffer;
}

void frames_send(struct frames *f, int buffer, uint32_t bytes)
{
    if (buffer < (int)FRAMES_RECEIVE || buffer >= (int)FRAMES_BUFFERS ||
        f->owner[buffer] != FRAMES_CLIENT)
        return;
    if (bytes < FRAMES_BYTES_MIN || bytes > FRAMES_BYTES_MAX) {
        f->owner[buffer] = FRAMES_FREE;
        f->transmit_list[f->transmit_free++] = (uint16_t)buffer;
        return;
    }
    f->owner[buffer] = FRAMES_DRIVER;
    f->fresh |= FRAMES_WAITS_TRANSMIT;
    frames_ring_put(&f->ours->transmit, &f->transmit_put, FRAMES_ENTRY(buffer, bytes));
}

int frames_to_tell(struct frames *f)
{
    uint32_t fresh = f->fresh;
    f->fresh = 0;
    return fresh != 0 && (frames_waited_for(f->theirs) & fresh) != 0;
}

void frames_kick(struct frames *f)
{
    if (frames_to_tell(f))
        (void)atm_signal(f->wake, f->wake_bits); /* a dead driver is heard of from init */
}

/* Whether there is something the client may not know of: received frames, or buffers to transmit
   where it had none. */
static int news(struct frames *f)
{
    if (!frames_ring_empty(&f->theirs->receive, f->receive_taken))
        return 1;
    return f->transmit_free == 0 && (transmit_collect(f) != 0 || f->transmit_free > 0);
}

int frames_sleep(struct frames *f)
{
    uint32_t waits = FRAMES_WAITS_RECEIVE | (f->transmit_free == 0 ? FRAMES_WAITS_TRANSMIT : 0);
    frames_kick(f);
    frames_wait_set(f->ours, waits);
    if (!f->unusable && !news(f))
        return 1;
    frames_awake(f);
    return 0;
}

void frames_awake(struct frames *f) { __atomic_store_n(&f->ours->waits, 0, __ATOMIC_RELAXED); }
