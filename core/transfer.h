/* SPDX-License-Identifier: MIT */
/*
 * What a message carries from one thread to another: words in registers, more words in the message pages, and items:
 * pages and handles. A transfer is checked as a whole and then done as a whole: if anything is wrong on either side
 * nothing has moved. The sender's items are copied out of its page once and never read again.
 */
#ifndef CORE_TRANSFER_H
#define CORE_TRANSFER_H

#include "core/ipc.h"

/* One item as checked. */
struct item {
    uint64_t kind;
    uint64_t value; /* sender's handle number, or page address */
    uint64_t rights;
    uint64_t badge;
    uint64_t move;   /* 1: the sender loses it */
    uint64_t target; /* page: where it lands */
    slot_t slot;     /* handle: where the sender has it */
};

#define TAG_SHAPE (0x77fu | 0xffffffff00000000u) /* words, items, label */
#define TAG_SENT_BITS (TAG_SHAPE | TAG_NONBLOCK | TAG_DEADLINE)

/* Whether a tag may be sent: lengths within limits, no bits but these. ERR_MESSAGE. */
/*@ assigns \nothing;
    ensures \result == ((tag & (uint64_t)~bits) != 0 || TAG_WORDS(tag) > MESSAGE_WORDS_MAX ||
        TAG_ITEMS(tag) > MESSAGE_ITEMS_MAX ? ERR_MESSAGE : ERR_NONE); */
MUST_USE static inline status_t tag_check(uint64_t tag, uint64_t bits)
{
    if ((tag & ~bits) != 0)
        return ERR_MESSAGE;
    if (TAG_WORDS(tag) > MESSAGE_WORDS_MAX || TAG_ITEMS(tag) > MESSAGE_ITEMS_MAX)
        return ERR_MESSAGE;
    return ERR_NONE;
}

/* The message page of thread t, of process p, if t's note of it is right; 0: not known. */
/*@ requires is_thread(t) && is_process(p);
    assigns \nothing;
    ensures \result ==
        (thread_at[t].message_birth == process_at[p].mapping_birth ? thread_at[t].message_frame : 0); */
static inline pfn_t message_noted(pfn_t t, pfn_t p)
{
    return thread_at[T(t)].message_birth == process_at[P(p)].mapping_birth
               ? thread_at[T(t)].message_frame
               : 0;
}

/* Words past those in registers, from one message page to another. */
/*@ requires is_user(source) && is_user(target) && words <= MESSAGE_WORDS_MAX;
    assigns page_at[target].word[REGISTER_WORDS .. words - 1];
    ensures \forall integer i; REGISTER_WORDS <= i < words ==>
        page_at[target].word[i] == \old(page_at[source].word[i]); */
static inline void words_copy(pfn_t source, pfn_t target, uint32_t words)
{
    if (words > REGISTER_WORDS)
        arch_words_copy(source, target, REGISTER_WORDS, words - REGISTER_WORDS);
}

/*
 * Moves what a message has beyond registers, words and items, from message page source of thread `from` to message page
 * target of thread `to`. An error is one for the sender, and then nothing has changed.
 */
/*@ requires kernel_wf && is_thread(from) && is_thread(to) && from != to;
    ensures kernel_wf; */
MUST_USE status_t message_move(pfn_t from, pfn_t to, pfn_t source, pfn_t target, uint64_t tag);

/* The same, of a message with items. 0: nothing has happened. */
/*@ requires kernel_wf && is_thread(from) && is_thread(to) && from != to;
    ensures kernel_wf; */
bool items_deliver(pfn_t from, pfn_t to, pfn_t source, pfn_t target, uint64_t tag);

/*@ // The words of a message that are in registers are the same for both threads.
    predicate words_same{K,L}(integer from, integer to) =
        \at(thread_at[to].reg[REG_RDX],L) == \at(thread_at[from].reg[REG_RDX],K) &&
        \at(thread_at[to].reg[REG_R10],L) == \at(thread_at[from].reg[REG_R10],K) &&
        \at(thread_at[to].reg[REG_R8],L) == \at(thread_at[from].reg[REG_R8],K) &&
        \at(thread_at[to].reg[REG_R9],L) == \at(thread_at[from].reg[REG_R9],K);
    // Registers that no message is delivered in.
    predicate rest_same{K,L}(integer to) = \forall integer n; 0 <= n < REG_COUNT && n != REG_RDI && n != REG_RSI &&
        n != REG_RDX && n != REG_R10 && n != REG_R8 && n != REG_R9 ==>
        \at(thread_at[to].reg[n],L) == \at(thread_at[to].reg[n],K);
*/

/* For contracts: what moving a message to thread `to` leaves as it is. */
/* clang-format off */
#define MESSAGE_KEPT \
    KERNEL_WF(from) \
    ensures places: \old(places_but(0)) ==> places_but(0); \
    ensures waits: \old(waits_but(0)) ==> waits_but(0); \
    ensures threads: threads_still{Pre,Post}(to); \
    ensures processes: processes_still{Pre,Post}; \
    ensures endpoints: endpoints_still{Pre,Post}; \
    ensures rest: rest_same{Pre,Post}(to);
/* clang-format on */

/*
 * Moves the message that `from` has in its registers and message page to thread `to`: words and items, and into to's
 * registers the tag (with bits flags) and badge. grants: whether the way allows items. An error is one for the sender,
 * and then nothing has changed.
 */
/*@ requires threads: is_thread(from) && is_thread(to) && from != to && (flags == 0 || flags == TAG_CALL);
    KERNEL_NEED(from)
    assigns MESSAGE_STATE;
    MESSAGE_KEPT
    behavior fault:
        assumes fault: thread_at[from].fault_kind != 0;
        ensures done: \result == ERR_NONE;
        ensures message: thread_at[to].reg[REG_RDI] == badge && thread_at[to].reg[REG_RDX] == thread_at[from].fault_kind;
    behavior short:
        assumes short: thread_at[from].fault_kind == 0 && tag_short(thread_at[from].reg[REG_RSI]);
        ensures done: \result == ERR_NONE;
        ensures tag: thread_at[to].reg[REG_RSI] == thread_at[from].reg[REG_RSI] + flags;
        ensures badge: thread_at[to].reg[REG_RDI] == badge;
        ensures words: words_same{Pre,Post}(from, to);
        ensures birth: frame_next_birth == \old(frame_next_birth); */
MUST_USE status_t message_transfer(pfn_t from, pfn_t to, uint64_t badge, uint64_t flags,
                                   bool grants);

/* A fault of `from` is a call, too, to thread `to`: its words come from the thread object, not from registers. */
/*@ requires is_thread(from) && is_thread(to) && from != to;
    assigns thread_at[to].reg[0 .. REG_COUNT - 1];
    ensures message: thread_at[to].reg[REG_RDI] == badge && thread_at[to].reg[REG_RSI] ==
        (TAG(0, 4, 0) | TAG_FAULT | TAG_CALL);
    ensures fault: thread_at[to].reg[REG_RDX] == thread_at[from].fault_kind &&
        thread_at[to].reg[REG_R10] == thread_at[from].fault_address;
    ensures thread: thread_at[to].reg[REG_R8] == thread_at[from].reg[REG_RIP] &&
        thread_at[to].reg[REG_R9] == thread_at[from].number;
    ensures rest: rest_same{Pre,Post}(to);
    ensures threads: threads_still{Pre,Post}(to);
    ensures processes: processes_still{Pre,Post};
    ensures endpoints: endpoints_still{Pre,Post};
    ensures deadlines_wf: \old(deadlines_wf) ==> deadlines_wf;
    ensures cpus_wf: \old(cpus_wf) ==> cpus_wf;
    ensures threads_wf: \old(threads_wf) ==> threads_wf;
    ensures places: \forall integer x; \old(places_but(x)) ==> places_but(x);
    ensures waits: \forall integer x; \old(waits_but(x)) ==> waits_but(x); */
INDEX_GUARD void fault_deliver(pfn_t from, pfn_t to, uint64_t badge)
{
    thread_at[T(to)].reg[REG_RDI] = badge;
    thread_at[T(to)].reg[REG_RSI] = TAG(0, 4, 0) | TAG_FAULT | TAG_CALL;
    thread_at[T(to)].reg[REG_RDX] = thread_at[T(from)].fault_kind;
    thread_at[T(to)].reg[REG_R10] = thread_at[T(from)].fault_address;
    thread_at[T(to)].reg[REG_R8] = thread_at[T(from)].reg[REG_RIP];
    thread_at[T(to)].reg[REG_R9] = thread_at[T(from)].number;
}

#endif
