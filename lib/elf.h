/* SPDX-License-Identifier: MIT */
/*
 * Reader of ELF64 programs. Trusts nothing in the file: what elf_read accepts can be loaded without
 * a further check.
 */
#ifndef LIB_ELF_H
#define LIB_ELF_H

#include <stddef.h>
#include <stdint.h>

#define ELF_SEGMENTS_MAX 8u
#define ELF_TOP 0x100000000u /* programs lie below this address */
#define ELF_PAGES_MAX 4096u  /* of one segment, in memory */

struct elf_segment {
    uint64_t va;    /* first byte; its page is not shared with another segment */
    uint64_t bytes; /* in memory; zero from data_bytes on */
    const unsigned char *data;
    uint64_t data_bytes;
    uint64_t flags; /* PAGE_READ, PAGE_WRITE, PAGE_EXECUTE */
};

struct elf_program {
    uint64_t entry;
    uint64_t segments;
    struct elf_segment segment[ELF_SEGMENTS_MAX];
};

/* Checks a whole program file. NULL: fine, *program is filled; else in words what is wrong. */
const char *elf_read(const void *file, uint64_t bytes, struct elf_program *program);

/* The function or object that holds va, from the file's symbol table; NULL: none. *offset: how far
   in. */
const char *elf_symbol(const void *file, uint64_t bytes, uint64_t va, uint64_t *offset);

#endif
