/* SPDX-License-Identifier: MIT */
/*
 * From a request's target to a path. Decoding comes first and only once, then "." and ".." are
 * worked off, so that no spelling of them is left for anybody behind this to find.
 */
#include "request.h"
#include <string.h>

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The next byte of the target, decoded; -1: the escape is wrong. *at moves on. */
static int byte_take(struct http_text target, size_t *at)
{
    char c = target.at[(*at)++];
    if (c != '%')
        return (unsigned char)c;
    if (target.bytes - *at < 2)
        return -1;
    int high = hex_digit(target.at[*at]), low = hex_digit(target.at[*at + 1]);
    *at += 2;
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/* "http://host/path" names what "/path" does. 0: the form is not ours. */
static int origin_form(struct http_text *target)
{
    static const char scheme[] = "http://";
    if (target->bytes > 0 && target->at[0] == '/')
        return 1;
    size_t skip = sizeof scheme - 1;
    if (target->bytes <= skip || !http_text_is((struct http_text){target->at, skip}, scheme))
        return 0;
    while (skip < target->bytes && target->at[skip] != '/' && target->at[skip] != '?')
        skip++;
    target->at += skip;
    target->bytes -= skip;
    return 1;
}

/* The segment that ends at path[used] is whole: "." and ".." are worked off. The path ends in "/"
   before it. 0: it leads out of the root. */
static int segment_end(char *path, size_t *used)
{
    size_t start = *used;
    while (path[start - 1] != '/')
        start--;
    size_t bytes = *used - start;
    if (bytes == 1 && path[start] == '.') {
        *used = start;
    } else if (bytes == 2 && memcmp(path + start, "..", 2) == 0) {
        if (start == 1)
            return 0;
        start--;
        while (path[start - 1] != '/')
            start--;
        *used = start;
    }
    return 1;
}

int http_path_read(struct http_text target, char path[HTTP_PATH_MAX])
{
    size_t used = 1, at = 0;
    if (!origin_form(&target))
        return 400;
    path[0] = '/';
    while (at < target.bytes && target.at[at] != '?' && target.at[at] != '#') {
        int byte = byte_take(target, &at);
        if (byte <= 0) /* a 0 byte ends names: none may have it */
            return 400;
        if (byte == '/') {
            if (!segment_end(path, &used))
                return 400;
            if (path[used - 1] == '/')
                continue;
        }
        if (used + 2 >= HTTP_PATH_MAX)
            return 414;
        path[used++] = (char)byte;
    }
    if (!segment_end(path, &used))
        return 400;
    path[used] = 0;
    return 0;
}
