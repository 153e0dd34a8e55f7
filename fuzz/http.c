/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer target: the HTTP engine of servers/httpd. The first byte says how input and output are cut; the rest is
 * what a client sends. However it is cut, the answers are the same, and all resources are closed.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/http_site.h"

#define OUTPUT_BYTES 65536u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char whole[OUTPUT_BYTES], cut[OUTPUT_BYTES];
    int ended_whole, ended_cut;
    if (size < 1)
        return 0;
    http_site_short_read = data[0] >> 7;
    struct http_talk talk = {(const char *)data + 1, size - 1, size, OUTPUT_BYTES, 0};
    size_t n = http_talk(&talk, whole, sizeof whole, &ended_whole);
    talk.piece = 1 + data[0] % 8;
    talk.room = 1 + (data[0] / 8 % 16) * 100;
    size_t m = http_talk(&talk, cut, sizeof cut, &ended_cut);
    size_t same = n < sizeof whole ? n : sizeof whole;
    if (n != m || ended_whole != ended_cut || memcmp(whole, cut, same) != 0)
        abort();
    if (http_site_open_now != 0)
        abort();
    return 0;
}
