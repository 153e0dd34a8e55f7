/* SPDX-License-Identifier: MIT */
/*
 * syscalls.def and errors.def as tables: names, argument types, and which errors a call says it can give. Used by the
 * harness, which fails a test when a call gives an error it does not list, and by the fuzzers.
 */
#ifndef TESTS_CALLS_H
#define TESTS_CALLS_H

#include <stdbool.h>
#include <stdint.h>

#include "atmos/abi.h"

struct call {
    const char *name;
    const char *args;    /* "name:type ..." */
    const char *results; /* "name:type ..." */
    const char *errors;  /* "NAME NAME ..." */
    uint32_t nargs;
};
extern const struct call calls[SYS_COUNT];

/* "HANDLE" for ERR_HANDLE; "OK" for 0; "?" for a number that is no error. */
const char *error_name(uint64_t error);

/* 1: call n lists the error (ERR_CALL is listed by every number that is no call, and by no other). */
bool call_lists(uint64_t n, uint64_t error);

/* Type of argument i of call n, as text that ends at a blank or 0; "" if it has none. */
const char *call_arg_type(uint64_t n, uint32_t i);

/* 1: the word at text is exactly name. */
bool word_is(const char *text, const char *name);

#endif
