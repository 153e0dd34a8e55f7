/* SPDX-License-Identifier: MIT */
/*
 * Where the typed windows and the per-frame arrays are. Every file of core/ and of this folder is
 * compiled with -include of this header. A window's base is a constant in memory (windows.c): an instruction that adds it
 * is shorter than one that loads 64 bits. The arrays are within the last 2 GiB, where an address fits into an instruction's
 * displacement: one instruction reads a record. There is room for records of 4 bytes; the last array may have longer ones.
 *
 * The records of one frame lie at the same index of many arrays. The arrays are therefore not a
 * power of two apart: then all those records would compete for one set of the cache and one entry
 * of the TLB (booting with 4 GiB in QEMU took ten times as long).
 */
#ifndef X86_WINDOWS_H
#define X86_WINDOWS_H

#include <stdint.h>

#define WINDOW(type, name, slot, count) extern type *const name;
#define ARRAY(type, name, slot, count)                                                             \
    static type *const name __attribute__((unused)) =                                              \
        (type *)(0xffffffff84000000ul + 0x4025140ul * (slot));

#define X86_CPUS 1u /* that are started */
#if X86_CPUS == 1
#define ARCH_CPU(cpu) ((void)(cpu), 0u)
#endif

/* core/arch.h declares these. */
static inline void arch_words_copy(uint32_t from, uint32_t to, uint32_t first, uint32_t count)
{
    const uint64_t pages = 0xffff800000000000ul + 0x8000000000ul * 6; /* page_at */
    uint64_t source = pages + (uint64_t)from * 4096 + (uint64_t)first * 8;
    uint64_t target = pages + (uint64_t)to * 4096 + (uint64_t)first * 8;
    uint64_t words = count;
    __asm__ volatile("rep movsq" : "+S"(source), "+D"(target), "+c"(words) : : "memory");
}

static inline uint32_t arch_highest_bit(uint64_t bits)
{
    return (uint32_t)(63 ^ __builtin_clzll(bits)); /* one BSR: "-" would be four instructions */
}

#endif
