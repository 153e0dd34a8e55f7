/* SPDX-License-Identifier: MIT */
/*
 * The machine's clock: read once, at the start, and handed to all programs in their startup pages. Nobody
 * else is granted its ports.
 */
#include "init.h"
#include "lib/rtc.h"
#include "lib/startup.h"
#include "lib/sys.h"

#define SECOND 1000000000u
#define BYTE 1u /* the shape of a port access */

static uint8_t get(enum rtc_register which)
{
    (void)atm_port_out(BOOT_PORTS, RTC_PORT_INDEX, BYTE | 1 << 8, which);
    struct atm_result r = atm_port_in(BOOT_PORTS, RTC_PORT_DATA, BYTE);
    return r.status == 0 ? (uint8_t)r.r[0] : UINT8_MAX;
}

void clock_start(void)
{
    uint64_t seconds, now = atm_clock().r[0];
    const char *wrong = rtc_read(get, &seconds);
    if (wrong == NULL)
        startup_epoch_set(seconds * SECOND - now);
    else
        init_say("init: the machine's clock cannot be used: %s; nobody knows the date\n", wrong);
}
