/* SPDX-License-Identifier: MIT */
/*
 * Archives and programs made in memory, for tests: newc cpio and the smallest ELF a kernel starts, each with room to
 * spoil a field. No kernel code is used.
 */
#ifndef TESTS_ELF_IMAGE_H
#define TESTS_ELF_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#define IMAGE_MAX 65536u

struct image {
    uint8_t byte[IMAGE_MAX];
    size_t used;
};

/* Appends one member to an archive; size bytes of data follow its name. */
void cpio_add(struct image *archive, const char *name, const void *data, size_t size);

/* Appends the trailer. */
void cpio_end(struct image *archive);

#define ELF_CODE_VA 0x400000u
#define ELF_DATA_VA 0x402000u

/* An ELF64 program of two segments: one page of code at ELF_CODE_VA, read and execute, entered at its start, and data of
   16 bytes in a page of 4096 at ELF_DATA_VA, read and write. */
void elf_make(struct image *elf);

/* Puts a little-endian number of `width` bytes at an offset. */
void image_put(struct image *image, size_t offset, uint32_t width, uint64_t value);

/* Offsets of fields in what elf_make makes. */
#define ELF_ENTRY 24u
#define ELF_PHOFF 32u
#define ELF_PHENTSIZE 54u
#define ELF_PHNUM 56u
#define ELF_PH(n) (64u + 56u * (n))
#define PH_TYPE 0u
#define PH_FLAGS 4u
#define PH_OFFSET 8u
#define PH_VADDR 16u
#define PH_FILESZ 32u
#define PH_MEMSZ 40u

#endif
