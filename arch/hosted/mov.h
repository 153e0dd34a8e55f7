/* SPDX-License-Identifier: MIT */
/*
 * Decodes the instructions that compilers and register accessors use on device memory: mov of 1, 2, 4 or 8 bytes between
 * memory and a register or from an immediate, movzx, movsx and movsxd. 64-bit code. Pure: no machine is touched.
 */
#ifndef HOSTED_MOV_H
#define HOSTED_MOV_H

#include <stdbool.h>
#include <stdint.h>

#define MOV_BYTES_MAX 15u
#define MOV_NONE 0xffu

/* Registers are numbered as the processor does: 0 rax, 1 rcx, 2 rdx, 3 rbx, 4 rsp .. 15 r15. */
struct mov {
    uint8_t length;    /* of the instruction */
    uint8_t width;     /* bytes of memory */
    bool store;        /* to memory */
    bool immediate;    /* store: value, not reg */
    bool high;         /* 1 byte wide: reg 0..3 stands for ah, ch, dh, bh */
    bool extend_sign;  /* load: else with zeros */
    uint8_t reg;       /* the register loaded or stored, */
    uint8_t reg_width; /* and bytes of it that a load writes; 4 clears the upper half */
    uint64_t value;    /* of an immediate, already extended */

    /* The address: segment base + base + index << scale + displacement. */
    uint8_t base, index; /* MOV_NONE: none */
    uint8_t scale;
    bool ip_relative; /* base is the address of the next instruction */
    bool fs, gs;
    bool address_32; /* only the lower half counts */
    int32_t displacement;
};

/* False: not such an instruction, or not all of it is in code[0 .. count - 1]. */
bool mov_decode(const uint8_t *code, uint32_t count, struct mov *m);

/* Effective address. reg[0..15]: the registers; next: address of the next instruction. */
uint64_t mov_address(const struct mov *m, const uint64_t reg[16], uint64_t next, uint64_t fs,
                     uint64_t gs);

/* Value a store puts into memory. */
uint64_t mov_stored(const struct mov *m, const uint64_t reg[16]);

/* Puts what a load read into its register. */
void mov_load(const struct mov *m, uint64_t reg[16], uint64_t value);

#endif
