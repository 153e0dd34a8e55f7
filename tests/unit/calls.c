/* SPDX-License-Identifier: MIT */
/* The lists of calls and errors; see calls.h. */
#include "tests/unit/calls.h"

#include <string.h>

#define SYSCALL(number, name, group, nargs, args, results, errors, text)                           \
    [number] = {#name, args, results, errors, nargs},
const struct call calls[SYS_COUNT] = {
#include "atmos/syscalls.def"
};
#undef SYSCALL

#define ERROR(number, name, text) [number] = #name,
static const char *const error_names[ERR_LAST] = {
    [0] = "OK",
#include "atmos/errors.def"
};
#undef ERROR

const char *error_name(uint64_t error)
{
    if (error >= ERR_LAST || error_names[error] == NULL)
        return "?";
    return error_names[error];
}

static size_t word_length(const char *text) { return strcspn(text, " "); }

bool word_is(const char *text, const char *name)
{
    return word_length(text) == strlen(name) && strncmp(text, name, strlen(name)) == 0;
}

bool call_lists(uint64_t n, uint64_t error)
{
    if (n >= SYS_COUNT)
        return error == ERR_CALL;
    for (const char *at = calls[n].errors; *at != 0; at += word_length(at)) {
        at += strspn(at, " ");
        if (word_is(at, error_name(error)))
            return true;
    }
    return false;
}

const char *call_arg_type(uint64_t n, uint32_t i)
{
    if (n >= SYS_COUNT || i >= calls[n].nargs)
        return "";
    const char *at = calls[n].args;
    for (; i > 0; i--)
        at += word_length(at) + 1;
    return strchr(at, ':') + 1;
}
