/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer target: what the PCI server makes of configuration space and of its grants. Every read gets the next bytes of
 * the input, so devices contradict themselves; each access must be a legal one, the walk must end, and what is found must
 * make sense: no page of device memory in two BARs, tables within them.
 */
#include <stdlib.h>
#include <string.h>

#include "servers/pci/grants.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PAGE 4096u
#define READS_MAX 4000000u

static const uint8_t *input;
static size_t left;
static uint64_t reads;

static void check(int condition)
{
    if (!condition)
        abort();
}

static uint32_t input_read(void *context, uint32_t place, uint32_t offset, uint32_t width)
{
    uint32_t value = 0;
    (void)context;
    check((width == 1 || width == 2 || width == 4) && offset % width == 0 &&
          offset + width <= CONFIG_BYTES && PLACE_BUS(place) < 256);
    check(reads++ < READS_MAX);
    if (left < width)
        return UINT32_MAX >> (32 - 8 * width);
    memcpy(&value, input, width);
    input += width;
    left -= width;
    return value;
}

static void input_write(void *context, uint32_t place, uint32_t offset, uint32_t width,
                        uint32_t value)
{
    (void)context;
    (void)value;
    check((width == 1 || width == 2 || width == 4) && offset % width == 0 &&
          offset + width <= CONFIG_BYTES && PLACE_BUS(place) < 256);
}

static int usable(uint64_t address, uint64_t bytes)
{
    check(address % PAGE == 0 && bytes % PAGE == 0 && bytes != 0);
    return address >= 0xc0000000u && address + bytes > address;
}

static void bar_check(const struct bar *b)
{
    check(b->kind != BAR_NONE || b->address == 0);
    check(b->kind == BAR_NONE || (b->bytes != 0 && (b->bytes & (b->bytes - 1)) == 0));
    check(b->address % (b->bytes == 0 ? 1 : b->bytes) == 0);
}

static void function_check(const struct function *f)
{
    for (uint32_t i = 0; i < FUNCTION_BARS; i++)
        bar_check(&f->bar[i]);
    if (f->msix != 0)
        check(f->bar[f->msix_table.bar].kind == BAR_MEMORY && f->msix + 12 <= CONFIG_BYTES &&
              f->msix_table.offset + f->msix_vectors * 16 <= f->bar[f->msix_table.bar].bytes);
    if (f->virtio)
        check(f->bar[f->virtio_common.bar].kind == BAR_MEMORY &&
              f->virtio_common.offset + 0x38 <= f->bar[f->virtio_common.bar].bytes);
}

/* No page in two memory BARs. */
static void disjoint_check(const struct bar *a, const struct bar *b)
{
    if (a == b || a->kind != BAR_MEMORY || b->kind != BAR_MEMORY || a->address == 0 ||
        b->address == 0)
        return;
    check((a->address + a->bytes - 1) / PAGE < b->address / PAGE ||
          (b->address + b->bytes - 1) / PAGE < a->address / PAGE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct function f[FUNCTIONS_MAX];
    static struct grant g[GRANTS_MAX];
    const struct config c = {input_read, input_write, NULL};
    const struct layout l = {{0xe0000000u, 0xfec00000u}, {0xe0100000u, 0xe0200000u}, usable};
    int more = 0;
    input = data;
    left = size;
    reads = 0;
    memset(f, 0x5A, sizeof f);
    size_t count = functions_find(&c, 255, f, &more);
    check(count <= FUNCTIONS_MAX);
    functions_place(&c, f, count, &l);
    for (size_t n = 0; n < count; n++) {
        check(n == 0 || f[n - 1].place <= f[n].place);
        function_check(&f[n]);
        for (size_t k = 0; k < count * FUNCTION_BARS; k++)
            for (uint32_t i = 0; i < FUNCTION_BARS; i++)
                disjoint_check(&f[n].bar[i], &f[k / FUNCTION_BARS].bar[k % FUNCTION_BARS]);
    }
    char *text = malloc(size + 1);
    memcpy(text, data, size);
    text[size] = 0;
    size_t grants = grants_read(text, g);
    check(grants <= GRANTS_MAX);
    for (size_t i = 0; i < grants; i++)
        check(memchr(g[i].name, 0, GRANT_NAME) != NULL && g[i].program != 0 &&
              grant_function(&g[i], f, count) <= count);
    free(text);
    return 0;
}
