/* SPDX-License-Identifier: MIT */
/*
 * What clients of handle.h may know of its invariant, proved: the axioms there are lemmas here. A file of its own, so
 * that they are not in the way of the proofs of handle.c.
 */
#define HANDLE_PROOF
#define HANDLE_FACTS
#include "core/handle.h"
