/* SPDX-License-Identifier: MIT */
/*
 * What the tests of single modules stand on: bare kernel memory without a process, invariants that stop the program
 * with a message, and a small random generator whose seed is printed. Used by every file of this folder.
 */
#ifndef TESTS_MEMORY_H
#define TESTS_MEMORY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/window.h"

/* Kernel memory of that many frames, once a program; kernel_boot_begin has run, all frames but `kept` at the end and
   frame 0 are free. */
void memory_start(pfn_t frames, pfn_t kept);

/* Fails the test if an invariant of core/invariant.h is broken. */
void check_invariants(void);

/* A number that depends on nothing but the seed of random_seed and the calls before. */
void random_seed(uint64_t seed);
uint64_t random_next(void);
uint64_t random_below(uint64_t limit);

/* For numbers that must be equal: shows them as they are, not as signed. */
#define check_equal(a, b) assert_int_equal((uint64_t)(a), (uint64_t)(b))

#endif
