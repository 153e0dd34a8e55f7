/* SPDX-License-Identifier: MIT */
/*
 * Endpoints: where threads meet. An endpoint is a slot of its owner process's endpoint page and lives until it, or the
 * process, is destroyed; handles to it die with it. Its queue holds either threads that wait to send or threads that
 * wait to receive, never both; events holds bits nobody has received yet.
 */
#ifndef CORE_ENDPOINT_H
#define CORE_ENDPOINT_H

#include "core/kernel.h"

/* 1 while e is the endpoint that had this generation. */
/*@ requires 0 < e < FRAMES_MAX * SLOTS;
    assigns \nothing;
    ensures \result == 1 <==> frame_kind[e / SLOTS] == FRAME_ENDPOINTS && endpoint_at[e].generation == generation; */
static inline bool endpoint_is_live(endpoint_t e, uint64_t generation)
{
    if (frame_kind[e / SLOTS] != FRAME_ENDPOINTS) return false;
    return endpoint_at[E(e)].generation == generation;
}

/* A new endpoint of process p, which has a free slot. */
/*@ requires kernel_wf && is_process(p) && process_at[p].endpoint_free > 0;
    ensures kernel_wf;
    ensures is_queue(\result) && \result / SLOTS == process_at[p].endpoint_page; */
endpoint_t endpoint_create(pfn_t p);

/* Delivers bits: to the longest waiting receiver, else they stay pending. */
/*@ requires kernel_wf && is_queue(e) && frame_kind[e / SLOTS] == FRAME_ENDPOINTS;
    ensures kernel_wf; */
void endpoint_signal(endpoint_t e, uint64_t bits);

/* Takes the longest waiting thread out of e's queue, which holds one. */
/*@ requires kernel_wf && is_queue(e) && endpoint_at[e].first != 0;
    ensures is_thread(\result) && queue_of[\result] == 0; */
pfn_t endpoint_pop(endpoint_t e);

/* The longest waiting receiver whose process has not ended; up to DRAIN_PIECE others before it are set aside.
   0: none waits, or (mode still MODE_RECEIVE) there were more to set aside. */
/*@ requires kernel_wf && is_queue(e) && endpoint_at[e].mode == MODE_RECEIVE;
    ensures kernel_wf;
    ensures \result != 0 ==> \result == endpoint_at[e].first && endpoint_at[e].mode == MODE_RECEIVE; */
pfn_t endpoint_receiver(endpoint_t e);

/* Takes a waiting thread out of the endpoint queue it is in. */
/*@ requires kernel_wf && is_thread(t) && queue_of[t] != 0;
    ensures queue_of[t] == 0; */
void endpoint_leave(pfn_t t);

/* Releases up to DRAIN_PIECE waiting threads with the error PEER. 1: nobody waits any more, and e is no endpoint. */
/*@ requires kernel_wf && is_queue(e) && frame_kind[e / SLOTS] == FRAME_ENDPOINTS;
    ensures kernel_wf; */
bool endpoint_drain(endpoint_t e);

/* The process that owns endpoint e. */
/*@ requires kernel_wf && is_queue(e) && frame_kind[e / SLOTS] == FRAME_ENDPOINTS;
    assigns \nothing;
    ensures is_process(\result); */
pfn_t endpoint_owner(endpoint_t e);

/* Gives the slot of drained endpoint e back to its process p. */
/*@ requires kernel_wf && is_process(p) && is_queue(e) && process_at[p].endpoint_page == e / SLOTS;
    ensures kernel_wf; */
void endpoint_free(pfn_t p, endpoint_t e);

#endif
