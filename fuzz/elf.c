/* SPDX-License-Identifier: MIT */
/* libFuzzer target: the user-side ELF reader. What it accepts must be loadable as it says, and symbols must be text. */
#include <stdlib.h>
#include <string.h>

#include "lib/elf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int condition)
{
    if (!condition)
        abort();
}

static void check_segment(const uint8_t *data, size_t size, const struct elf_segment *s)
{
    check(s->va < ELF_TOP && s->bytes > 0 && s->bytes <= ELF_TOP - s->va);
    check(s->data_bytes <= s->bytes);
    check(s->data_bytes == 0 || (s->data >= data && s->data + s->data_bytes <= data + size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct elf_program program;
    memset(&program, 0, sizeof program);
    if (elf_read(data, size, &program) == NULL) {
        check(program.segments <= ELF_SEGMENTS_MAX);
        for (uint64_t i = 0; i < program.segments; i++) {
            check_segment(data, size, &program.segment[i]);
            for (uint64_t k = 0; k < i; k++) /* no page belongs to two */
                check(program.segment[i].va / 4096 >
                          (program.segment[k].va + program.segment[k].bytes - 1) / 4096 ||
                      program.segment[k].va / 4096 >
                          (program.segment[i].va + program.segment[i].bytes - 1) / 4096);
        }
    }
    uint64_t offset = 0;
    const char *name = elf_symbol(data, size, 0x400000, &offset);
    if (name != NULL)
        check(memchr(name, 0, size - (size_t)((const uint8_t *)name - data)) != NULL);
    return 0;
}
