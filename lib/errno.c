/* SPDX-License-Identifier: MIT */
/*
 * Texts of error numbers, made from the list in errno.h.
 */
#include <errno.h>

const char *errno_text(long number)
{
    switch (number < 0 ? -number : number) {
    case 0:
        return "no error";
#define ERRNO_CASE(name, value, text)                                                              \
    case name:                                                                                     \
        return text;
        ERRNO_LIST(ERRNO_CASE)
#undef ERRNO_CASE
    default:
        return "unknown error";
    }
}
