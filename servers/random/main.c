/* SPDX-License-Identifier: MIT */
/* Prints random bytes of the machine's device, in hexadecimal: random [BYTES]. */
#include "lib/random.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define BYTES_MAX (1ul << 30)
#define LINE 32u

int main(int argc, char **argv)
{
    static unsigned char bytes[LINE];
    char *end = NULL;
    uint64_t count = argc > 1 ? strtoul(argv[1], &end, 0) : 16;
    if (argc > 2 || count == 0 || count > BYTES_MAX || (end != NULL && *end != 0)) {
        fprintf(stderr, "usage: random [BYTES], 1 to %lu\n", BYTES_MAX);
        return 2;
    }
    while (count > 0) {
        uint64_t piece = count < LINE ? count : LINE;
        int error = random_get(bytes, piece);
        if (error != 0) {
            fprintf(stderr, "random: %s\n", errno_text(error));
            return 1;
        }
        for (uint64_t i = 0; i < piece; i++)
            printf("%02x", bytes[i]);
        putchar('\n');
        count -= piece;
    }
    return 0;
}
