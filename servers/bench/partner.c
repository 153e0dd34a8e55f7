/* SPDX-License-Identifier: MIT */
/*
 * The other side of measured calls and faults.
 */
#include "bench.h"
#include "lib/startup.h"
#include "lib/sys.h"
#include <stdlib.h>
#include <string.h>

void partner_echo(uint64_t endpoint)
{
    struct atm_result r = atm_receive(endpoint, 0);
    while (r.status == 0)
        r = atm_reply_receive(endpoint, r.r[1] & ~(uint64_t)TAG_CALL, r.r[2], r.r[3], r.r[4],
                              r.r[5]);
    exit(1);
}

/* Says that it is there, then faults at the same instruction for ever. */
static void partner_fault(uint64_t endpoint)
{
    atm_call(endpoint, 0, 0, 0, 0, 0);
    for (;;)
        __asm__ volatile("ud2");
}

/* Says that it is there, then hands the processor back for ever. */
static void partner_yield(uint64_t endpoint)
{
    atm_send(endpoint, 0, 0, 0, 0, 0);
    for (;;)
        atm_yield();
}

/* Answers event bits with event bits. */
static void partner_signal(uint64_t endpoint, uint64_t back)
{
    while (atm_receive(endpoint, 0).status == 0)
        atm_signal(back, 1);
    exit(1);
}

void partner_run(const char *mode)
{
    uint64_t endpoint = startup_handle("serve");
    if (strcmp(mode, "echo") == 0)
        partner_echo(endpoint);
    if (strcmp(mode, "fault") == 0)
        partner_fault(endpoint);
    if (strcmp(mode, "yield") == 0)
        partner_yield(endpoint);
    if (strcmp(mode, "signal") == 0)
        partner_signal(endpoint, startup_handle("back"));
}
