/* SPDX-License-Identifier: MIT */
/*
 * Little-endian numbers at any address, as disk formats have them. The caller checked that the
 * bytes are there. Compilers make one load or store of each.
 */
#ifndef LIB_LITTLE_H
#define LIB_LITTLE_H

#include <stdint.h>

static inline uint16_t little_get16(const unsigned char *p) { return (uint16_t)(p[0] | p[1] << 8); }

static inline uint32_t little_get32(const unsigned char *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline void little_put16(unsigned char *p, uint32_t value)
{
    p[0] = (unsigned char)value;
    p[1] = (unsigned char)(value >> 8);
}

static inline void little_put32(unsigned char *p, uint32_t value)
{
    little_put16(p, value);
    little_put16(p + 2, value >> 16);
}

#endif
