/* SPDX-License-Identifier: MIT */
/*
 * What a message carries from one thread to another: words in registers, more words in the message pages, and items:
 * pages and handles. A transfer is checked as a whole and then done as a whole: if anything is wrong on either side
 * nothing has moved. The sender's items are copied out of its page once and never read again.
 */
#ifndef CORE_TRANSFER_H
#define CORE_TRANSFER_H

#include "core/kernel.h"

/* One item as checked. */
struct item {
    uint64_t kind;
    uint64_t value; /* sender's handle number, or page address */
    uint64_t rights;
    uint64_t badge;
    uint64_t move;   /* 1: the sender loses it */
    uint64_t target; /* page: where it lands */
};

/* Whether a tag may be sent: lengths within limits, no unknown bits. ERR_MESSAGE. */
/*@ assigns \nothing;
    ensures \result == ERR_NONE ==> TAG_WORDS(tag) <= MESSAGE_WORDS_MAX && TAG_ITEMS(tag) <= MESSAGE_ITEMS_MAX; */
MUST_USE status_t tag_check(uint64_t tag);

/*
 * Moves the message that `from` has in its registers and message page to thread `to`: words and items, and into to's
 * registers the tag (with bits flags) and badge. grants: whether the way allows items. An error is one for the sender,
 * and then nothing has changed.
 */
/*@ requires kernel_wf && is_thread(from) && is_thread(to) && from != to;
    ensures kernel_wf; */
MUST_USE status_t message_transfer(pfn_t from, pfn_t to, uint64_t badge, uint64_t flags,
                                   bool grants);

#endif
