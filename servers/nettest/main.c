/* SPDX-License-Identifier: MIT */
/* Tests of the network from the inside; nettest.h lists them. For tests/system. */
#include "nettest.h"
#include "lib/sys.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int nettest_fail(const char *what, int64_t status)
{
    fprintf(stderr, "nettest: %s: %s (%ld)\n", what, socket_error_text(status), status);
    return 1;
}

uint64_t nettest_now(void) { return atm_clock().r[0]; }

static uint32_t number(int argc, char **argv, int i, uint32_t otherwise)
{
    return i < argc ? (uint32_t)strtoul(argv[i], NULL, 0) : otherwise;
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    if (strcmp(what, "echo") == 0)
        return nettest_echo(number(argc, argv, 2, 7));
    if (strcmp(what, "loop") == 0)
        return nettest_loop(number(argc, argv, 2, 10), number(argc, argv, 3, 100000));
    if (strcmp(what, "repeat") == 0)
        return nettest_repeat();
    if (strcmp(what, "datagrams") == 0)
        return nettest_datagrams(number(argc, argv, 2, 100));
    if (strcmp(what, "hostile") == 0)
        return nettest_hostile(number(argc, argv, 2, 1), number(argc, argv, 3, 100));
    if (strcmp(what, "errors") == 0)
        return nettest_errors();
    fprintf(
        stderr,
        "usage: nettest echo PORT | loop CONNECTIONS BYTES | repeat | datagrams COUNT | errors | "
        "hostile SEED ROUNDS\n");
    return 2;
}
