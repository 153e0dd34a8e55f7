/* SPDX-License-Identifier: MIT */
/* libFuzzer target: the reader of newc archives. Names end within the archive, data lies in it, and reading ends. */
#include <stdlib.h>
#include <string.h>

#include "lib/cpio.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int condition)
{
    if (!condition)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cpio archive;
    struct cpio_file file, found;
    size_t entries = 0;
    cpio_open(&archive, data, size);
    while (cpio_next(&archive, &file)) {
        const uint8_t *name = (const uint8_t *)file.name;
        check(name >= data && name < data + size &&
              memchr(name, 0, (size_t)(data + size - name)) != NULL);
        check(file.bytes == 0 || (file.data >= data && file.data + file.bytes <= data + size));
        check(++entries <= size); /* each takes at least one byte */
        (void)cpio_find(data, size, file.name, &found);
        if (entries > 16)
            break;
    }
    (void)cpio_find(data, size, "bin/init", &found);
    return 0;
}
