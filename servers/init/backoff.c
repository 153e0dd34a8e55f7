/* SPDX-License-Identifier: MIT */
/* Waits before restarts; see backoff.h. Plain arithmetic, which tests/unit calls as well. */
#include "backoff.h"

void backoff_start(struct backoff *b, uint64_t now) { b->started = now; }

uint64_t backoff_end(struct backoff *b, uint64_t now)
{
    uint64_t wait = BACKOFF_FIRST_NS;
    if (now - b->started >= BACKOFF_STEADY_NS)
        b->ends = 0;
    b->ends++;
    if (b->ends <= BACKOFF_FREE)
        return 0;
    for (uint64_t n = BACKOFF_FREE + 1; n < b->ends && wait < BACKOFF_MOST_NS; n++)
        wait *= 2;
    return wait < BACKOFF_MOST_NS ? wait : BACKOFF_MOST_NS;
}
