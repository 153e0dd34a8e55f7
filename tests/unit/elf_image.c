/* SPDX-License-Identifier: MIT */
/* Archives and programs made in memory; see elf_image.h. */
#include "tests/unit/elf_image.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PT_LOAD 1u

void image_put(struct image *image, size_t offset, uint32_t width, uint64_t value)
{
    for (uint32_t i = 0; i < width; i++)
        image->byte[offset + i] = (uint8_t)(value >> (8 * i));
    if (image->used < offset + width)
        image->used = offset + width;
}

static void image_append(struct image *image, const void *data, size_t size)
{
    if (size > IMAGE_MAX - image->used)
        abort();
    memcpy(image->byte + image->used, data, size);
    image->used += size;
}

static void image_align(struct image *image)
{
    while (image->used % 4 != 0)
        image->byte[image->used++] = 0;
}

void cpio_add(struct image *archive, const char *name, const void *data, size_t size)
{
    char header[111];
    snprintf(header, sizeof header, "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X",
             1u, 0100644u, 0u, 0u, 1u, 0u, (unsigned)size, 0u, 0u, 0u, 0u,
             (unsigned)strlen(name) + 1, 0u);
    image_append(archive, header, 110);
    image_append(archive, name, strlen(name) + 1);
    image_align(archive);
    image_append(archive, data, size);
    image_align(archive);
}

void cpio_end(struct image *archive) { cpio_add(archive, "TRAILER!!!", "", 0); }

static void program_header(struct image *elf, uint32_t n, uint32_t flags, uint64_t offset,
                           uint64_t va, uint64_t filesz, uint64_t memsz)
{
    size_t at = ELF_PH(n);
    image_put(elf, at + PH_TYPE, 4, PT_LOAD);
    image_put(elf, at + PH_FLAGS, 4, flags);
    image_put(elf, at + PH_OFFSET, 8, offset);
    image_put(elf, at + PH_VADDR, 8, va);
    image_put(elf, at + 24, 8, va);
    image_put(elf, at + PH_FILESZ, 8, filesz);
    image_put(elf, at + PH_MEMSZ, 8, memsz);
    image_put(elf, at + 48, 8, 4096);
}

void elf_make(struct image *elf)
{
    static const uint8_t ident[16] = {0x7f, 'E', 'L', 'F', 2, 1, 1};
    static const uint8_t code[] = {0xeb, 0xfe}; /* jumps to itself */
    memset(elf, 0, sizeof *elf);
    image_append(elf, ident, sizeof ident);
    image_put(elf, 16, 2, 2);  /* executable */
    image_put(elf, 18, 2, 62); /* x86-64 */
    image_put(elf, 20, 4, 1);
    image_put(elf, ELF_ENTRY, 8, ELF_CODE_VA);
    image_put(elf, ELF_PHOFF, 8, 64);
    image_put(elf, 52, 2, 64);
    image_put(elf, ELF_PHENTSIZE, 2, 56);
    image_put(elf, ELF_PHNUM, 2, 2);
    program_header(elf, 0, 5, 4096, ELF_CODE_VA, sizeof code, 4096);
    program_header(elf, 1, 6, 8192, ELF_DATA_VA, 16, 4096);
    memcpy(elf->byte + 4096, code, sizeof code);
    memcpy(elf->byte + 8192, "0123456789abcdef", 16);
    elf->used = 8192 + 16;
}
