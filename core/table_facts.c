/* SPDX-License-Identifier: MIT */
/*
 * What few clients of table.h need to know of its invariant, proved: the axioms there are lemmas here. A file of its own,
 * so that they are not in the way of the proofs of table.c.
 */
#define TABLE_PROOF
#define TABLE_PARENT_FACTS
#include "core/table.h"
