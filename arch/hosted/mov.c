/* SPDX-License-Identifier: MIT */
/* Intel's manual, volume 2: prefixes, opcode, ModR/M, SIB, displacement, immediate, in this order. */
#include <string.h>

#include "arch/hosted/mov.h"

#define REX_W 8u
#define REX_R 4u
#define REX_X 2u
#define REX_B 1u

struct reader {
    const uint8_t *code;
    uint32_t count, at;
    bool short_of; /* there was less than was wanted */
};

struct prefixes {
    uint8_t rex; /* 0: none */
    bool operand_16;
};

static uint8_t byte_next(struct reader *r)
{
    if (r->at >= r->count) {
        r->short_of = true;
        return 0;
    }
    return r->code[r->at++];
}

static int64_t signed_next(struct reader *r, uint32_t width)
{
    uint64_t value = 0;

    for (uint32_t i = 0; i < width; i++) {
        value |= (uint64_t)byte_next(r) << (8 * i);
    }
    return (int64_t)(value << (64 - 8 * width)) >> (64 - 8 * width);
}

/* Prefixes in any order, REX last; returns the first opcode byte. */
static uint8_t prefixes_read(struct reader *r, struct prefixes *p, struct mov *m)
{
    for (;;) {
        uint8_t byte = byte_next(r);

        switch (byte) {
        case 0x66:
            p->operand_16 = true;
            break;
        case 0x67:
            m->address_32 = true;
            break;
        case 0x64:
            m->fs = true;
            m->gs = false;
            break;
        case 0x65:
            m->gs = true;
            m->fs = false;
            break;
        case 0x26:
        case 0x2e:
        case 0x36:
        case 0x3e:
            break; /* segments whose base is 0 */
        default:
            if ((byte & 0xf0u) != 0x40) {
                return byte;
            }
            p->rex = byte;
            return byte_next(r);
        }
    }
}

static void sib_read(struct reader *r, const struct prefixes *p, uint32_t mod, struct mov *m)
{
    uint8_t sib = byte_next(r);

    m->scale = sib >> 6;
    m->index = (uint8_t)((sib >> 3 & 7u) | ((p->rex & REX_X) != 0 ? 8u : 0));
    m->base = (uint8_t)((sib & 7u) | ((p->rex & REX_B) != 0 ? 8u : 0));
    if (m->index == 4) {
        m->index = MOV_NONE;
    }
    if ((sib & 7u) == 5 && mod == 0) {
        m->base = MOV_NONE;
        m->displacement = (int32_t)signed_next(r, 4);
    }
}

/* The memory operand; returns the reg field. False in *memory: the operand is a register. */
static uint8_t modrm_read(struct reader *r, const struct prefixes *p, struct mov *m, bool *memory)
{
    uint8_t modrm = byte_next(r);
    uint32_t mod = modrm >> 6;

    *memory = mod != 3;
    m->base = (uint8_t)((modrm & 7u) | ((p->rex & REX_B) != 0 ? 8u : 0));
    m->index = MOV_NONE;
    if ((modrm & 7u) == 4) {
        sib_read(r, p, mod, m);
    } else if ((modrm & 7u) == 5 && mod == 0) {
        m->base = MOV_NONE;
        m->ip_relative = true;
        m->displacement = (int32_t)signed_next(r, 4);
    }
    if (mod == 1 || mod == 2) {
        m->displacement = (int32_t)signed_next(r, mod == 1 ? 1 : 4);
    }
    return modrm >> 3 & 7u;
}

/* What the opcode does; false: it is none of ours. */
static bool opcode_read(uint8_t opcode, struct reader *r, const struct prefixes *p, struct mov *m)
{
    uint8_t wide = (p->rex & REX_W) != 0 ? 8 : p->operand_16 ? 2 : 4;

    m->reg_width = wide;
    m->width = wide;
    switch (opcode) {
    case 0x88:
    case 0x8a:
    case 0xc6:
        m->width = 1;
        m->reg_width = 1;
        break;
    case 0x89:
    case 0x8b:
    case 0xc7:
        break;
    case 0x63:
        m->width = 4;
        m->extend_sign = true;
        break;
    case 0x0f:
        opcode = byte_next(r);
        if ((opcode & 0xf6u) != 0xb6) {
            return false;
        }
        m->width = (opcode & 1u) != 0 ? 2 : 1;
        m->extend_sign = (opcode & 8u) != 0;
        return true;
    default:
        return false;
    }
    m->store = opcode == 0x88 || opcode == 0x89 || (opcode & 0xfeu) == 0xc6;
    m->immediate = (opcode & 0xfeu) == 0xc6;
    return true;
}

bool mov_decode(const uint8_t *code, uint32_t count, struct mov *m)
{
    struct reader r = {code, count < MOV_BYTES_MAX ? count : MOV_BYTES_MAX, 0, false};
    struct prefixes p = {0};
    bool memory;
    uint8_t field;

    memset(m, 0, sizeof *m);
    if (!opcode_read(prefixes_read(&r, &p, m), &r, &p, m)) {
        return false;
    }
    field = modrm_read(&r, &p, m, &memory);
    m->reg = (uint8_t)(field | ((p.rex & REX_R) != 0 ? 8u : 0));
    if (m->reg_width == 1 && p.rex == 0 && m->reg >= 4) {
        m->high = true;
        m->reg -= 4;
    }
    if (m->immediate) {
        m->value = (uint64_t)signed_next(&r, m->width > 4 ? 4 : m->width);
    }
    m->length = (uint8_t)r.at;
    return memory && !r.short_of && (!m->immediate || field == 0);
}

uint64_t mov_address(const struct mov *m, const uint64_t reg[16], uint64_t next, uint64_t fs,
                     uint64_t gs)
{
    uint64_t address = (uint64_t)(int64_t)m->displacement;

    if (m->ip_relative) {
        address += next;
    }
    if (m->base != MOV_NONE) {
        address += reg[m->base];
    }
    if (m->index != MOV_NONE) {
        address += reg[m->index] << m->scale;
    }
    if (m->address_32) {
        address &= UINT32_MAX;
    }
    return address + (m->fs ? fs : m->gs ? gs : 0);
}

uint64_t mov_stored(const struct mov *m, const uint64_t reg[16])
{
    uint64_t value = m->immediate ? m->value : reg[m->reg] >> (m->high ? 8 : 0);

    return value & UINT64_MAX >> (64 - 8 * m->width);
}

void mov_load(const struct mov *m, uint64_t reg[16], uint64_t value)
{
    uint32_t memory_bits = 8u * m->width, bits = 8u * m->reg_width, shift = m->high ? 8 : 0;
    uint64_t mask = UINT64_MAX >> (64 - bits) << shift;

    value = value << (64 - memory_bits) >> (64 - memory_bits);
    if (m->extend_sign) {
        value = (uint64_t)((int64_t)(value << (64 - memory_bits)) >> (64 - memory_bits));
    }
    if (m->reg_width == 4) {
        reg[m->reg] = value & UINT32_MAX;
    } else {
        reg[m->reg] = (reg[m->reg] & ~mask) | (value << shift & mask);
    }
}
