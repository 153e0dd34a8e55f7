/* SPDX-License-Identifier: MIT */
/*
 * The tree of ownership: each container, process and thread is on the list of its owner, eldest first. All operations
 * take constant time. Called where objects are created and destroyed.
 *
 * Invariant owners_wf: the frames x with frame_owner[x] == o (not 0) are exactly those on the chain own_first[o] ..
 * own_last[o] by own_next, own_prev is its inverse, the ends' outer links are 0, and so are the links of frames on no
 * list and the ends of empty lists. Ghost owner_key[x] orders a list: the time x joined it.
 *
 *     void owner_add(pfn_t owner, pfn_t x);       puts x, which has no owner, at the end of owner's list
 *     void owner_remove(pfn_t x);                 takes x off its owner's list
 */
#ifndef CORE_OWNER_H
#define CORE_OWNER_H

#include "core/window.h"

#define LIST(name) owner_##name
#define LIST_WF owners_wf
#define LIST_SCOPE static inline
#define LIST_ADD owner_add
#define LIST_REMOVE owner_remove
#define LIST_HEAD_T pfn_t
#define LIST_IS_HEAD is_frame
#define LIST_IS_NODE is_frame
#define LIST_AT_HEAD(label, q) is_frame(q)
#define LIST_AT_NODE(label, x) is_frame(x)
#define LIST_OF frame_owner
#define LIST_NEXT own_next
#define LIST_PREV own_prev
#define LIST_FIRST(q) own_first[q]
#define LIST_LAST(q) own_last[q]
#define LIST_FIRST_OF(q) own_first[q]
#define LIST_LAST_OF(q) own_last[q]
/* clang-format off */
#define LIST_READS own_first[0 .. FRAMES_MAX - 1], own_last[0 .. FRAMES_MAX - 1]
/* clang-format on */
#ifdef OWNER_PROOF
#define LIST_PROOF
#define LIST_FACT lemma
#else
#define LIST_FACT axiom
#endif
#include "core/list_template.h"

#endif
