/* SPDX-License-Identifier: MIT */
/* The kernel's log; see log.h. */
#include "core/log.h"

void log_text(const char *text)
{
    uint32_t i;
    /*@ loop invariant 0 <= i <= LOG_MAX;
        loop invariant \forall integer j; 0 <= j < i ==> text[j] != 0;
        loop assigns i, ghost_machine;
        loop variant LOG_MAX - i; */
    for (i = 0; i < LOG_MAX && text[i] != 0; i++)
        arch_log_byte((uint8_t)text[i]);
}
