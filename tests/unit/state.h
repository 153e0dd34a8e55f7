/* SPDX-License-Identifier: MIT */
/*
 * All kernel state as one number, to see whether a call that failed changed anything. Used by the harness and by the
 * fuzzer of system calls.
 */
#ifndef TESTS_STATE_H
#define TESTS_STATE_H

#include "core/window.h"

/* Leaves out what a failing call of thread t may change, and what the scheduler may: who runs, slices. */
uint64_t state_hash(pfn_t t);

#endif
