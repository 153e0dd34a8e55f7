/* SPDX-License-Identifier: MIT */
/* Bare kernel memory for tests; see memory.h. */
#include "tests/unit/memory.h"

#include "arch/hosted/hosted.h"
#include "core/boot.h"
#include "core/invariant.h"

static uint64_t random_state = 1;

void memory_start(pfn_t frames, pfn_t kept)
{
    if (hosted_frames() != frames) {
        if (hosted_frames() != 0)
            hosted_memory_done();
        hosted_memory_init(frames);
    }
    hosted_direct_init();
    kernel_boot_begin(frames);
    kernel_boot_ram(1, frames - 1 - kept);
}

void check_invariants(void)
{
    const char *broken = invariants_broken();
    if (broken != NULL)
        fail_msg("invariant broken: %s", broken);
}

void random_seed(uint64_t seed) { random_state = seed * 0x9E3779B97F4A7C15u + 1; }

/* xorshift64*: good enough to choose tests, and the same everywhere. */
uint64_t random_next(void)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return random_state * 0x2545F4914F6CDD1Du;
}

uint64_t random_below(uint64_t limit) { return random_next() % limit; }
