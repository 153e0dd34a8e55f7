/* SPDX-License-Identifier: MIT */
/*
 * Where the hosted machine places the core's windows and frame arrays: typed constants at fixed addresses, so that an
 * access costs no load. Compile every file that includes core/window.h with -include arch/hosted/windows.h.
 * memory.c maps them; snapshot.h turns an address back into a frame. The range is free under AddressSanitizer, too.
 */
#ifndef HOSTED_WINDOWS_H
#define HOSTED_WINDOWS_H

#include <stdint.h>

#define HOSTED_WINDOW_BASE 0x200000000000u
#define HOSTED_WINDOW_SHIFT 37u /* room for FRAMES_MAX frames, twice */
#define HOSTED_ARRAY_BASE 0x210000000000u
#define HOSTED_ARRAY_SHIFT 32u
#define HOSTED_ARRAY_STAGGER 0x11000u

#define HOSTED_WINDOW_ADDRESS(slot)                                                                \
    (HOSTED_WINDOW_BASE + ((uintptr_t)(slot) << HOSTED_WINDOW_SHIFT))
/* Staggered: what all arrays say of one frame would else compete for the same places of caches and TLB. */
#define HOSTED_ARRAY_ADDRESS(slot)                                                                 \
    (HOSTED_ARRAY_BASE + ((uintptr_t)(slot) << HOSTED_ARRAY_SHIFT) +                               \
     (uintptr_t)(slot)*HOSTED_ARRAY_STAGGER)

#define WINDOW(type, name, slot, count)                                                            \
    static type *const name __attribute__((unused)) = (type *)HOSTED_WINDOW_ADDRESS(slot);
#define ARRAY(type, name, slot, count)                                                             \
    static type *const name __attribute__((unused)) = (type *)HOSTED_ARRAY_ADDRESS(slot);

#endif
