/* SPDX-License-Identifier: MIT */
/*
 * Queues of waiting threads, first come first served: one for each endpoint and each run queue. A thread is in at most
 * one queue; queue_of says which. All operations take constant time. Called by the scheduler and by IPC.
 *
 * Invariant queues_wf: queue_of[t] != 0 only for threads t, and it is a queue; the threads with queue_of[t] == q are
 * exactly those on the chain endpoint_at[q].first .. endpoint_at[q].last by queue_next, queue_prev is its inverse, the
 * ends' outer links and the links of frames in no queue are 0. Ghost queue_key[t] orders a queue: the time t joined it.
 *
 *     void queue_push(endpoint_t q, pfn_t t);     puts thread t, which is in no queue, at the end of q
 *     void queue_remove(pfn_t t);                 takes t out of the queue it is in
 *     void queue_pop(endpoint_t q, pfn_t t);      takes t out of q, where it has waited longest
 */
#ifndef CORE_QUEUE_H
#define CORE_QUEUE_H

#include "core/window.h"

#define LIST(name) queue_##name
#define LIST_WF queues_wf
#define LIST_SCOPE INDEX_GUARD
#define LIST_ADD queue_push
#define LIST_REMOVE queue_remove
#define LIST_POP queue_pop
#define LIST_HEAD_T endpoint_t
#define LIST_IS_HEAD is_queue
#define LIST_IS_NODE is_thread
#define LIST_AT_HEAD(label, q) is_queue{label}(q)
#define LIST_AT_NODE(label, x) is_thread{label}(x)
#define LIST_OF queue_of
#define LIST_NEXT queue_next
#define LIST_PREV queue_prev
#define LIST_FIRST(q) endpoint_at[E(q)].first
#define LIST_LAST(q) endpoint_at[E(q)].last
#define LIST_FIRST_OF(q) endpoint_at[q].first
#define LIST_LAST_OF(q) endpoint_at[q].last
/* clang-format off */
#define LIST_READS frame_kind[0 .. FRAMES_MAX - 1], endpoint_at[0 .. FRAMES_MAX * SLOTS - 1]
/* clang-format on */
#ifdef QUEUE_PROOF
#define LIST_PROOF
#define LIST_FACT lemma
#else
#define LIST_FACT axiom
#endif
#include "core/list_template.h"

#endif
