/* SPDX-License-Identifier: MIT */
/* Endpoints; see endpoint.h. */
#include "core/endpoint.h"
#include "core/process.h"
#include "core/thread.h"

endpoint_t endpoint_create(pfn_t p)
{
    uint32_t top = process_at[P(p)].endpoint_free - 1;
    process_at[P(p)].endpoint_free = top;
    endpoint_t e = process_at[P(p)].endpoint_page * SLOTS + process_at[P(p)].endpoint_stack[top];
    endpoint_at[E(e)].generation = frame_birth();
    endpoint_at[E(e)].events = 0;
    endpoint_at[E(e)].mode = MODE_IDLE;
    return e;
}

pfn_t endpoint_pop(endpoint_t e)
{
    pfn_t t = queue_pop(e);
    if (endpoint_at[E(e)].first == 0 && endpoint_at[E(e)].mode != MODE_DEAD)
        endpoint_at[E(e)].mode = MODE_IDLE;
    return t;
}

void endpoint_leave(pfn_t t)
{
    endpoint_t e = queue_of[t];
    queue_remove(t);
    if (endpoint_at[E(e)].first == 0 && endpoint_at[E(e)].mode != MODE_DEAD)
        endpoint_at[E(e)].mode = MODE_IDLE;
}

pfn_t endpoint_receiver(endpoint_t e)
{
    uint32_t n;
    /*@ loop invariant 0 <= n <= DRAIN_PIECE;
        loop variant DRAIN_PIECE - n; */
    for (n = 0; n < DRAIN_PIECE && endpoint_at[E(e)].mode == MODE_RECEIVE; n++) {
        pfn_t t = endpoint_at[E(e)].first;
        if (process_at[P(frame_owner[t])].dying == 0) return t;
        (void)endpoint_pop(e);
        thread_wake(t, ERR_PEER); /* it does not run again */
    }
    return 0;
}

void endpoint_signal(endpoint_t e, uint64_t bits)
{
    pfn_t t = 0;
    if (endpoint_at[E(e)].mode == MODE_RECEIVE) t = endpoint_receiver(e);
    if (t == 0) {
        endpoint_at[E(e)].events |= bits;
        return;
    }
    (void)endpoint_pop(e);
    thread_set_event(t, bits);
    thread_wake(t, ERR_NONE);
}

bool endpoint_drain(endpoint_t e)
{
    uint32_t n;
    endpoint_at[E(e)].mode = MODE_DEAD;
    /*@ loop invariant 0 <= n <= DRAIN_PIECE;
        loop variant DRAIN_PIECE - n; */
    for (n = 0; n < DRAIN_PIECE && endpoint_at[E(e)].first != 0; n++)
        thread_fail(queue_pop(e), ERR_PEER);
    if (endpoint_at[E(e)].first != 0) return false;
    endpoint_at[E(e)].generation = 0;
    endpoint_at[E(e)].events = 0;
    endpoint_at[E(e)].mode = MODE_IDLE;
    return true;
}

pfn_t endpoint_owner(endpoint_t e)
{
    return table_parent[e / SLOTS];
}

void endpoint_free(pfn_t p, endpoint_t e)
{
    uint32_t top = process_at[P(p)].endpoint_free;
    process_at[P(p)].endpoint_stack[top] = (uint8_t)(e % SLOTS);
    process_at[P(p)].endpoint_free = top + 1;
}
