/* SPDX-License-Identifier: MIT */
/*
 * ELF64, little endian, x86-64, static and at fixed addresses. Structures are copied out of the
 * file, as nothing in it need be aligned; every offset is checked against the file's length before
 * use.
 */
#include "lib/elf.h"
#include "atmos/abi.h"
#include <string.h>

struct elf_header {
    unsigned char ident[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, program_at, section_at;
    uint32_t flags;
    uint16_t header_bytes, program_bytes, program_count, section_bytes, section_count, names;
};

struct elf_part { /* program header */
    uint32_t type, flags;
    uint64_t offset, va, pa, data_bytes, bytes, align;
};

struct elf_section {
    uint32_t name, type;
    uint64_t flags, va, offset, bytes;
    uint32_t link, info;
    uint64_t align, entry_bytes;
};

struct elf_sym {
    uint32_t name;
    uint8_t info, other;
    uint16_t section;
    uint64_t value, bytes;
};

#define TYPE_PROGRAM 2
#define MACHINE_X86 62
#define PART_LOAD 1
#define PART_DYNAMIC 2
#define PART_INTERPRETER 3
#define PART_TLS 7
#define SECTION_SYMBOLS 2
#define SYMBOL_OBJECT 1
#define SYMBOL_FUNCTION 2

/* Copies bytes at an offset out of the file; 0 when they are not all there. */
static int take(const void *file, uint64_t file_bytes, uint64_t offset, void *to, size_t bytes)
{
    if (offset > file_bytes || file_bytes - offset < bytes)
        return 0;
    memcpy(to, (const unsigned char *)file + offset, bytes);
    return 1;
}

static const char *header_check(const void *file, uint64_t bytes, struct elf_header *h)
{
    static const unsigned char magic[7] = {0x7f, 'E', 'L', 'F', 2, 1, 1};
    if (!take(file, bytes, 0, h, sizeof *h))
        return "not a program: shorter than an ELF header";
    if (memcmp(h->ident, magic, 4) != 0)
        return "not a program: no ELF magic number";
    if (memcmp(h->ident, magic, sizeof magic) != 0)
        return "not a 64-bit little-endian ELF file of version 1";
    if (h->machine != MACHINE_X86)
        return "built for another machine than x86-64";
    if (h->type != TYPE_PROGRAM)
        return "not a static program at fixed addresses (ELF type EXEC)";
    if (h->program_bytes != sizeof(struct elf_part))
        return "program headers have a wrong size";
    if (h->program_count == 0)
        return "no program headers";
    return NULL;
}

static uint64_t page_of(uint64_t va) { return va / PAGE_SIZE; }

static const char *segment_check(const struct elf_part *p, uint64_t file_bytes)
{
    if (p->offset > file_bytes || p->data_bytes > file_bytes - p->offset)
        return "a segment is cut off: the file is truncated";
    if (p->data_bytes > p->bytes)
        return "a segment is longer in the file than in memory";
    if (p->va < USER_BASE || p->va >= ELF_TOP || p->bytes > ELF_TOP - p->va)
        return "a segment lies outside the addresses programs may use";
    if (p->bytes > (uint64_t)(ELF_PAGES_MAX - 1) * PAGE_SIZE)
        return "a segment is too large";
    if ((p->flags & 3) == 3)
        return "a segment is writable and executable";
    return NULL;
}

/* The segment goes on the list unless it shares a page with one that is there. */
static const char *segment_add(struct elf_program *program, const struct elf_part *p,
                               const unsigned char *file)
{
    if (program->segments == ELF_SEGMENTS_MAX)
        return "too many segments";
    uint64_t first = page_of(p->va), last = page_of(p->va + p->bytes - 1);
    for (uint64_t i = 0; i < program->segments; i++) {
        const struct elf_segment *s = &program->segment[i];
        if (first <= page_of(s->va + s->bytes - 1) && page_of(s->va) <= last)
            return "two segments share a page";
    }
    uint64_t flags = PAGE_READ;
    flags |= (p->flags & 1) != 0 ? PAGE_EXECUTE : 0;
    flags |= (p->flags & 2) != 0 ? PAGE_WRITE : 0;
    program->segment[program->segments++] =
        (struct elf_segment){p->va, p->bytes, file + p->offset, p->data_bytes, flags};
    return NULL;
}

static int entry_is_code(const struct elf_program *program)
{
    for (uint64_t i = 0; i < program->segments; i++) {
        const struct elf_segment *s = &program->segment[i];
        if ((s->flags & PAGE_EXECUTE) != 0 && program->entry - s->va < s->bytes)
            return 1;
    }
    return 0;
}

const char *elf_read(const void *file, uint64_t bytes, struct elf_program *program)
{
    struct elf_header h;
    const char *wrong = header_check(file, bytes, &h);
    if (wrong != NULL)
        return wrong;
    *program = (struct elf_program){.entry = h.entry};
    for (uint64_t i = 0; i < h.program_count; i++) {
        struct elf_part p;
        if (h.program_at > bytes || !take(file, bytes, h.program_at + i * sizeof p, &p, sizeof p))
            return "program headers are cut off: the file is truncated";
        if (p.type == PART_INTERPRETER || p.type == PART_DYNAMIC)
            return "dynamically linked";
        if (p.type == PART_TLS)
            return "uses thread-local storage, which programs here do not have";
        if (p.type != PART_LOAD || p.bytes == 0)
            continue;
        wrong = segment_check(&p, bytes);
        if (wrong == NULL)
            wrong = segment_add(program, &p, file);
        if (wrong != NULL)
            return wrong;
    }
    return entry_is_code(program) ? NULL : "its entry point is not in an executable segment";
}

/* The file's symbol table and the string table it names. */
static int tables_find(const void *file, uint64_t bytes, struct elf_section *symbols,
                       struct elf_section *strings)
{
    struct elf_header h;
    if (!take(file, bytes, 0, &h, sizeof h) || h.section_at > bytes)
        return 0;
    for (uint64_t i = 0; i < h.section_count; i++) {
        if (!take(file, bytes, h.section_at + i * sizeof *symbols, symbols, sizeof *symbols))
            return 0;
        if (symbols->type == SECTION_SYMBOLS)
            return take(file, bytes, h.section_at + symbols->link * sizeof *strings, strings,
                        sizeof *strings);
    }
    return 0;
}

/* A string of the string table, if it ends within table and file. */
static const char *string_at(const void *file, uint64_t bytes, const struct elf_section *strings,
                             uint32_t offset)
{
    if (strings->offset > bytes || strings->bytes > bytes - strings->offset ||
        offset >= strings->bytes)
        return NULL;
    const char *s = (const char *)file + strings->offset + offset;
    return memchr(s, 0, strings->bytes - offset) == NULL ? NULL : s;
}

const char *elf_symbol(const void *file, uint64_t bytes, uint64_t va, uint64_t *offset)
{
    struct elf_section symbols, strings;
    struct elf_sym sym, best = {0};
    if (!tables_find(file, bytes, &symbols, &strings) || symbols.offset > bytes)
        return NULL;
    for (uint64_t at = 0; at + sizeof sym <= symbols.bytes; at += sizeof sym) {
        if (!take(file, bytes, symbols.offset + at, &sym, sizeof sym))
            break;
        unsigned kind = sym.info & 15;
        if ((kind != SYMBOL_OBJECT && kind != SYMBOL_FUNCTION) || sym.section == 0)
            continue;
        /* A symbol without a size reaches to the next one. */
        int within = sym.bytes == 0 ? va >= sym.value : va - sym.value < sym.bytes;
        if (within && (best.section == 0 || sym.value >= best.value))
            best = sym;
    }
    if (best.section == 0)
        return NULL;
    *offset = va - best.value;
    return string_at(file, bytes, &strings, best.name);
}
