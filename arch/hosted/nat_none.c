/* SPDX-License-Identifier: MIT */
/* The user network of a build without libslirp: there is none, and --net says how to get it. */
#include <errno.h>

#include "arch/hosted/nat.h"

const char *nat_start(void)
{
    return "this build has no libslirp. Install libslirp-dev (scripts/setup build does) and build "
           "again";
}

int nat_forward(const struct network_forward *f)
{
    (void)f;
    return ENOSYS;
}

void nat_send(const uint8_t *frame, uint32_t bytes)
{
    (void)frame;
    (void)bytes;
}

void nat_poll_fill(struct nat_poll *p, uint32_t *milliseconds)
{
    (void)p;
    (void)milliseconds;
}

void nat_poll_done(const struct nat_poll *p, bool failed)
{
    (void)p;
    (void)failed;
}
