/* SPDX-License-Identifier: MIT */
/*
 * Device registers in mapped device memory. One access each, of exactly this width, by a plain move:
 * a compiler may turn a volatile access into a larger instruction, and the hosted machine emulates
 * only moves.
 */
#ifndef LIB_MMIO_H
#define LIB_MMIO_H

#include <stdint.h>

#define MMIO_ACCESS(bits, type, suffix, constraint)                                                \
    static inline type mmio_read##bits(uint64_t va)                                                \
    {                                                                                              \
        type value;                                                                                \
        __asm__ volatile("mov" suffix " (%1), %0" : "=" constraint(value) : "r"(va) : "memory");   \
        return value;                                                                              \
    }                                                                                              \
    static inline void mmio_write##bits(uint64_t va, type value)                                   \
    {                                                                                              \
        __asm__ volatile("mov" suffix " %1, (%0)" ::"r"(va), constraint(value) : "memory");        \
    }
MMIO_ACCESS(8, uint8_t, "b", "q")
MMIO_ACCESS(16, uint16_t, "w", "r")
MMIO_ACCESS(32, uint32_t, "l", "r")
#undef MMIO_ACCESS

#endif
