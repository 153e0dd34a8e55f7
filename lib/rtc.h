/* SPDX-License-Identifier: MIT */
/*
 * The clock that a PC keeps while it is off: MC146818 and all that follow it. Two ports: the number
 * of a register goes to the first, its content comes from the second. It is taken to show UTC.
 */
#ifndef LIB_RTC_H
#define LIB_RTC_H

#include <stdint.h>

#define RTC_PORT_INDEX 0x70u
#define RTC_PORT_DATA 0x71u

enum rtc_register {
    RTC_SECOND = 0x00,
    RTC_MINUTE = 0x02,
    RTC_HOUR = 0x04,
    RTC_DAY = 0x07,
    RTC_MONTH = 0x08,
    RTC_YEAR = 0x09,
    RTC_A = 0x0a,
    RTC_B = 0x0b,
    RTC_CENTURY = 0x32 /* where most put it; not there on all */
};
#define RTC_A_UPDATING 0x80u /* the date may change while it is read */
#define RTC_B_BINARY 4u      /* numbers are binary; else two decimal digits */
#define RTC_B_24 2u          /* hours are 0 to 23; else 1 to 12, with bit 7 after noon */
#define RTC_PM 0x80u

/* Reads the time, in seconds since 1970, with a bounded number of calls of get. NULL; or what is wrong
   with what the registers hold, in words, and *seconds is left alone. */
const char *rtc_read(uint8_t (*get)(enum rtc_register which), uint64_t *seconds);

#endif
