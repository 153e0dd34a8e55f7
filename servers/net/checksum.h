/* SPDX-License-Identifier: MIT */
/*
 * The Internet checksum, alone and while copying. Sums are of 16-bit words as they lie in memory,
 * and may be folded late.
 */
#ifndef NET_CHECKSUM_H
#define NET_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/* Copies, and gives sum plus the words copied; for an even number of bytes sums can be chained. */
uint64_t checksum_copy(void *to, const void *from, size_t bytes, uint64_t sum);

/* The same without copying. */
uint64_t checksum_add(const void *from, size_t bytes, uint64_t sum);

/* Sum of two sums. */
uint64_t checksum_join(uint64_t a, uint64_t b);

/* 16 bits of a sum, not complemented. */
uint16_t checksum_fold(uint64_t sum);

/* The sum as it is when the words begin one byte later. */
static inline uint64_t checksum_odd(uint64_t sum)
{
    uint16_t s = checksum_fold(sum);
    return (uint16_t)(s << 8 | s >> 8);
}

#endif
