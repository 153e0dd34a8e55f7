/* SPDX-License-Identifier: MIT */
/*
 * The kernel's invariants as code: C twins of the predicates the proof uses, and of sums and counts no first-order
 * predicate says well. Debug builds, tests and fuzzers run them after system calls; they read everything, change nothing.
 */
#ifndef CORE_INVARIANT_H
#define CORE_INVARIANT_H

#include "core/types.h"

/* NULL, or the name of the first invariant that does not hold; invariant_culprit is the frame it fails for. */
extern pfn_t invariant_culprit;
/*@ assigns invariant_culprit; */
const char *invariants_broken(void);

#endif
