/* SPDX-License-Identifier: MIT */
/*
 * What the parts of init share.
 */
#ifndef INIT_INIT_H
#define INIT_INIT_H

#include "manifest.h"

/* The console's endpoint while the console runs; 0: it does not. */
uint64_t init_console(void);

/* Tells people: through the console, or the kernel's log while there is none. Never waits for long.
   */
__attribute__((format(printf, 1, 2))) void init_say(const char *format, ...);

#endif
