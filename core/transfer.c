/* SPDX-License-Identifier: MIT */
/* Messages on the move; see transfer.h. */
#include "core/transfer.h"
#include "core/container.h"
#include "core/ipc_fast.h"
#include "core/memory.h"
#include "core/process.h"
#include "core/sys.h"

#define ITEM_WORD (MESSAGE_WORDS_MAX) /* items follow the words in struct atm_message */
#define ITEM_WORDS 4u
#define RECEIVE_VA_WORD (ITEM_WORD + MESSAGE_ITEMS_MAX * ITEM_WORDS)

/* The frame of a thread's message page; 0: it has none, or not mapped as needed. */
/*@ requires kernel_wf && is_thread(t);
    assigns \nothing; */
static RARE pfn_t message_frame(pfn_t t, uint32_t need)
{
    pfn_t noted = message_noted(t, frame_owner[t]);
    uint64_t va = thread_at[T(t)].message_va;
    if (noted != 0 || va == 0)
        return noted;
    return user_frame(process_at[P(frame_owner[t])].root, va, need);
}

/* Notes where t's message page is, if t may write it. */
/*@ requires kernel_wf && is_thread(t);
    assigns thread_at[t].message_birth, thread_at[t].message_frame; */
static void message_note(pfn_t t)
{
    thread_at[T(t)].message_frame = message_frame(t, PAGE_WRITE);
    thread_at[T(t)].message_birth = process_at[P(frame_owner[t])].mapping_birth;
}

/* A plan: what is to move where, checked. */
struct plan {
    struct item item[MESSAGE_ITEMS_MAX];
    uint32_t count;
    uint32_t handles;     /* how many items are handles */
    uint32_t frames;      /* pages the receiver's container will be charged */
    pfn_t source, target; /* message pages */
};

/*@ // Word w of item i in a message page.
    logic integer item_word{L}(integer page, integer i, integer w) = page_at[page].word[ITEM_WORD + i * ITEM_WORDS + w]; */

/* Item i as the sender has it in its message page. */
/*@ requires \valid(item) && is_page(page) && i < MESSAGE_ITEMS_MAX;
    assigns item->kind, item->value, item->rights, item->badge, item->move, item->target;
    ensures kind: item->kind == item_word(page, i, 0);
    ensures value: item->value == item_word(page, i, 1);
    ensures rights: item->rights == item_word(page, i, 2);
    ensures badge: item->badge == item_word(page, i, 3) / 2 && item->move == item_word(page, i, 3) % 2;
    ensures target: item->target == 0; */
static void item_read(struct item *item, pfn_t page, uint32_t i)
{
    uint32_t w = ITEM_WORD + i * ITEM_WORDS;
    uint64_t badge_flags = page_at[U(page)].word[w + 3];
    item->kind = page_at[U(page)].word[w];
    item->value = page_at[U(page)].word[w + 1];
    item->rights = page_at[U(page)].word[w + 2];
    item->badge = badge_flags / 2;
    item->move = badge_flags % 2;
    item->target = 0;
}

/* What the receiver is to see of item i in its message page: the value is its own name for it. */
/*@ requires \valid_read(item) && is_page(page) && i < MESSAGE_ITEMS_MAX;
    assigns page_at[page].word[ITEM_WORD + i * ITEM_WORDS .. ITEM_WORD + i * ITEM_WORDS + 3];
    ensures kind: item_word(page, i, 0) == item->kind;
    ensures value: item_word(page, i, 1) == value;
    ensures rights: item_word(page, i, 2) == item->rights;
    ensures flags: item_word(page, i, 3) == 0; */
static void item_write(const struct item *item, pfn_t page, uint32_t i, uint64_t value)
{
    uint32_t w = ITEM_WORD + i * ITEM_WORDS;
    page_at[U(page)].word[w] = item->kind;
    page_at[U(page)].word[w + 1] = value;
    page_at[U(page)].word[w + 2] = item->rights;
    page_at[U(page)].word[w + 3] = 0;
}

/*@ // What is wrong with sending the handle in a slot, with that badge (0: none of its own).
    logic integer item_error{L}(integer slot, integer badge) =
        slot == 0 ? ERR_HANDLE : life(slot) == 0 ? ERR_DEAD :
        (handle_at[slot].rights & RIGHT_COPY) != RIGHT_COPY ? ERR_RIGHTS :
        badge != 0 && !(handle_at[slot].kind == KIND_ENDPOINT && handle_at[slot].badge == 0) ? ERR_MESSAGE : ERR_NONE; */

/* item_check_handle, of any handle. */
/*@ requires kernel_wf && is_process(p) && \valid(item);
    assigns item->slot;
    ensures slot: item->slot == open_slot(p, item->value);
    ensures status: \result == item_error(open_slot(p, item->value), item->badge); */
static RARE status_t item_check_other(pfn_t p, struct item *item)
{
    item->slot = handle_slot(p, item->value);
    status_t status = slot_check_any(item->slot, RIGHT_COPY);
    if (status != ERR_NONE || item->badge == 0)
        return status;
    bool fresh =
        handle_at[H(item->slot)].kind == KIND_ENDPOINT && handle_at[H(item->slot)].badge == 0;
    return fresh ? ERR_NONE : ERR_MESSAGE;
}

/* A handle: open, live, may be copied; a badge only where there is none. */
/*@ requires kernel_wf && is_process(p) && \valid(item);
    assigns item->slot;
    ensures slot: item->slot == open_slot(p, item->value);
    ensures status: \result == item_error(open_slot(p, item->value), item->badge); */
static inline status_t item_check_handle(pfn_t p, struct item *item)
{
    struct fast_way way = fast_slot(p, item->value);
    if (!way.open || !fast_open(way.slot, RIGHT_COPY))
        return item_check_other(p, item);
    item->slot = way.slot;
    return item->badge != 0 && handle_at[H(way.slot)].badge != 0 ? ERR_MESSAGE : ERR_NONE;
}

/* What is wrong with how a page is named. */
/*@ requires \valid_read(item);
    assigns \nothing;
    ensures status: \result == ERR_NONE || \result == ERR_MESSAGE || \result == ERR_PERM;
    ensures form: \result == ERR_MESSAGE <==> item->value % PAGE_SIZE != 0 || item->badge != 0 ||
        !(USER_BASE <= item->value && item->value + PAGE_SIZE <= USER_TOP);
    ensures size: \result == ERR_NONE ==> span_of((uint32_t)item->rights) == 1; */
static RARE status_t item_check_form(const struct item *item)
{
    if (item->value % PAGE_SIZE != 0 || !user_range(item->value, 1) || item->badge != 0)
        return ERR_MESSAGE;
    if (page_flags_check(item->rights) != ERR_NONE || page_span((uint32_t)item->rights) != 1)
        return ERR_PERM;
    return ERR_NONE;
}

/* A page: as memory_share. What is wrong on the receiver's side is TRANSFER to the sender. */
/*@ requires kernel_wf && is_process(from) && is_process(to) && \valid(item) && \valid(plan);
    assigns plan->frames; */
static status_t item_check_page(pfn_t from, pfn_t to, const struct item *item, struct plan *plan)
{
    status_t form = item_check_form(item);
    if (form != ERR_NONE)
        return form;
    struct share_plan share =
        memory_share_plan(from, item->value, to, item->target, (uint32_t)item->rights);
    if (share.status == ERR_EXISTS)
        return ERR_TRANSFER;
    plan->frames += share.need;
    return share.status;
}

/* The place for that page of a message, from 1, in the receiver's window; 0: it has none. */
/*@ requires is_user(target) && 1 <= page <= MESSAGE_ITEMS_MAX;
    assigns \nothing; */
static __attribute__((noinline)) uint64_t page_place(pfn_t target, uint64_t page)
{
    uint64_t va = page_at[U(target)].word[RECEIVE_VA_WORD];
    if (page > page_at[U(target)].word[RECEIVE_VA_WORD + 1])
        return 0;
    if (va % PAGE_SIZE != 0 || !user_range(va, page))
        return 0;
    return va + (page - 1) * PAGE_SIZE;
}

/*@ // Items i and j name the same, and one of them moves it.
    predicate items_clash{L}(struct plan *plan, integer i, integer j) =
        plan->item[j].kind == plan->item[i].kind && plan->item[j].value == plan->item[i].value &&
        (plan->item[j].move != 0 || plan->item[i].move != 0); */

/* Item i names something no earlier item moves, nor moves what an earlier one names. */
/*@ requires \valid_read(plan) && i < MESSAGE_ITEMS_MAX;
    requires moves: \forall integer j; 0 <= j <= i ==> plan->item[j].move <= 1;
    assigns \nothing;
    ensures \result == 0 || \result == 1;
    ensures \result == 1 <==> \forall integer j; 0 <= j < i ==> !items_clash(plan, i, j); */
static bool item_is_new(const struct plan *plan, uint32_t i)
{
    uint32_t j;
    /*@ loop invariant 0 <= j <= i;
        loop invariant \forall integer k; 0 <= k < j ==> !items_clash(plan, i, k);
        loop assigns j;
        loop variant i - j; */
    for (j = 0; j < i; j++)
        if (plan->item[j].kind == plan->item[i].kind && plan->item[j].value == plan->item[i].value &&
            plan->item[j].move + plan->item[i].move != 0)
            return false;
    return true;
}

/*@ requires kernel_wf && is_process(from) && is_process(to) && \valid(plan) && i < MESSAGE_ITEMS_MAX;
    assigns *plan; */
static status_t plan_item(pfn_t from, pfn_t to, struct plan *plan, uint32_t i)
{
    item_read(&plan->item[i], plan->source, i);
    if (!item_is_new(plan, i))
        return ERR_MESSAGE;
    if (plan->item[i].kind == ITEM_HANDLE) {
        plan->handles++;
        return item_check_other(from, &plan->item[i]);
    }
    if (plan->item[i].kind != ITEM_PAGE)
        return ERR_MESSAGE;
    plan->item[i].target = page_place(plan->target, i + 1 - plan->handles);
    if (plan->item[i].target == 0)
        return ERR_TRANSFER;
    return item_check_page(from, to, &plan->item[i], plan);
}

/* Room for everything planned: handle numbers, and quota for pages, tables and at most one more page of handles. */
/*@ requires kernel_wf && is_process(to) && \valid_read(plan);
    assigns \nothing; */
static status_t plan_room(pfn_t to, const struct plan *plan)
{
    uint32_t grow = plan->handles > process_at[P(to)].handle_free ? 1 : 0;
    if (plan->frames + grow == 0)
        return ERR_NONE;
    if (grow == 1 && process_at[P(to)].handle_pages == HANDLE_PAGES)
        return ERR_TRANSFER;
    return process_fits(to, plan->frames + grow) ? ERR_NONE : ERR_TRANSFER;
}

/*@ requires kernel_wf && is_process(from) && is_process(to) && \valid(plan);
    assigns *plan; */
static status_t plan_make(pfn_t from, pfn_t to, struct plan *plan)
{
    uint32_t i;
    plan->handles = 0;
    plan->frames = 0;
    /*@ loop invariant 0 <= i <= plan->count;
        loop assigns i, *plan;
        loop variant MESSAGE_ITEMS_MAX - i; */
    for (i = 0; i < plan->count && i < MESSAGE_ITEMS_MAX; i++) {
        status_t status = plan_item(from, to, plan, i);
        if (status != ERR_NONE)
            return status;
    }
    return plan_room(to, plan);
}

/* Moves a checked handle; returns its number for the receiver. */
/*@ requires kernel_wf && is_process(from) && is_process(to) && \valid_read(item);
    ensures kernel_wf; */
static uint64_t item_move_handle(pfn_t from, pfn_t to, const struct item *item)
{
    struct handle h = handle_at[H(item->slot)];
    h.rights &= (uint8_t)(item->rights % 256);
    if (item->badge != 0)
        h.badge = item->badge;
    if (item->move != 0)
        handle_remove(from, (uint32_t)item->value);
    return process_handle_open(to, h);
}

/* Moves a checked page; returns where it is for the receiver. */
/*@ requires kernel_wf && is_process(from) && is_process(to) && \valid_read(item);
    ensures kernel_wf; */
static uint64_t item_move_page(pfn_t from, pfn_t to, const struct item *item)
{
    if (memory_share(from, item->value, to, item->target, (uint32_t)item->rights) != ERR_NONE)
        return 0;
    if (item->move == 0)
        return item->target;
    pfn_t t = table_find(process_at[P(from)].root, item->value);
    memory_entry_drop(from, t, table_index(item->value, 1), item->value);
    if (from != to)
        process_uncharge(from, table_prune(t)); /* else a later item may count on this table */
    return item->target;
}

/*@ requires kernel_wf && is_process(from) && is_process(to) && \valid_read(plan);
    ensures kernel_wf; */
static void plan_commit(pfn_t from, pfn_t to, const struct plan *plan)
{
    uint32_t i;
    /*@ loop invariant 0 <= i <= plan->count && kernel_wf;
        loop variant MESSAGE_ITEMS_MAX - i; */
    for (i = 0; i < plan->count && i < MESSAGE_ITEMS_MAX; i++) {
        const struct item *item = &plan->item[i];
        uint64_t value = item->kind == ITEM_HANDLE ? item_move_handle(from, to, item)
                                                   : item_move_page(from, to, item);
        item_write(item, plan->target, i, value);
    }
}

/* Moves the items of a message: all are checked before any moves. */
/*@ requires kernel_wf && is_process(from) && is_process(to) && is_user(source) && is_user(target);
    requires words <= MESSAGE_WORDS_MAX && items <= MESSAGE_ITEMS_MAX;
    ensures kernel_wf; */
static RARE status_t items_move(pfn_t from, pfn_t to, pfn_t source, pfn_t target, uint32_t words,
                                uint32_t items)
{
    struct plan plan;
    plan.count = items;
    plan.source = source;
    plan.target = target;
    status_t status = plan_make(from, to, &plan);
    if (status != ERR_NONE)
        return status;
    words_copy(source, target, words); /* first: an item may be the sender's message page */
    plan_commit(from, to, &plan);
    return ERR_NONE;
}

/* A handle that is the only item, for a process that has a free number. */
/*@ requires kernel_wf && is_process(from) && is_process(to) && \valid(item) && is_user(target);
    requires process_at[to].handle_free > 0;
    ensures kernel_wf; */
static inline status_t handle_alone(pfn_t from, pfn_t to, struct item *item, pfn_t target)
{
    status_t status = item_check_handle(from, item);
    if (status == ERR_NONE)
        item_write(item, target, 0, item_move_handle(from, to, item));
    return status;
}

/* A page that is the only item, and not moved: sharing it checks all there is to check. */
/*@ requires kernel_wf && is_process(from) && is_process(to) && \valid(item) && is_user(target);
    ensures kernel_wf; */
static RARE status_t page_alone(pfn_t from, pfn_t to, struct item *item, pfn_t target)
{
    item->target = page_place(target, 1);
    if (item->target == 0)
        return ERR_TRANSFER;
    status_t status = item_check_form(item);
    if (status != ERR_NONE)
        return status;
    status = memory_share(from, item->value, to, item->target, (uint32_t)item->rights);
    if (status == ERR_NONE)
        item_write(item, target, 0, item->target);
    return status == ERR_EXISTS || status == ERR_QUOTA ? ERR_TRANSFER : status;
}

status_t message_move(pfn_t from, pfn_t to, pfn_t source, pfn_t target, uint64_t tag)
{
    pfn_t p = frame_owner[from], q = frame_owner[to];
    uint32_t words = (uint32_t)TAG_WORDS(tag), items = (uint32_t)TAG_ITEMS(tag);
    struct item item;
    status_t status = ERR_NONE;
    item.kind = 0;
    if (items == 1)
        item_read(&item, source, 0);
    if (item.kind == ITEM_HANDLE && process_at[P(q)].handle_free != 0)
        status = handle_alone(p, q, &item, target);
    else if (item.kind == ITEM_PAGE && item.move == 0)
        status = page_alone(p, q, &item, target);
    else if (items != 0)
        return items_move(p, q, source, target, words, items);
    if (status == ERR_NONE)
        words_copy(source, target, words);
    return status;
}

bool items_deliver(pfn_t from, pfn_t to, pfn_t source, pfn_t target, uint64_t tag)
{
    return tag_check(tag, TAG_SHAPE) == ERR_NONE &&
           message_move(from, to, source, target, tag) == ERR_NONE;
}

/* What of a message is in message pages. */
/*@ requires kernel_wf && is_thread(from) && is_thread(to) && from != to;
    ensures kernel_wf; */
static status_t pages_transfer(pfn_t from, pfn_t to, uint64_t tag)
{
    pfn_t source = message_frame(from, 0);
    if (source == 0)
        return ERR_MESSAGE;
    pfn_t target = message_frame(to, PAGE_WRITE);
    if (target == 0)
        return ERR_TRANSFER;
    status_t status = message_move(from, to, source, target, tag);
    if (status != ERR_NONE)
        return status;
    message_note(from);
    message_note(to);
    return ERR_NONE;
}

/* What of a message is in registers, with this badge and tag. */
/*@ requires is_thread(from) && is_thread(to) && from != to;
    assigns thread_at[to].reg[0 .. REG_COUNT - 1];
    ensures tag: thread_at[to].reg[REG_RSI] == tag && thread_at[to].reg[REG_RDI] == badge;
    ensures words: words_same{Pre,Post}(from, to);
    ensures rest: rest_same{Pre,Post}(to);
    ensures threads: threads_still{Pre,Post}(to);
    ensures processes: processes_still{Pre,Post};
    ensures endpoints: endpoints_still{Pre,Post};
    ensures deadlines_wf: \old(deadlines_wf) ==> deadlines_wf;
    ensures cpus_wf: \old(cpus_wf) ==> cpus_wf;
    ensures threads_wf: \old(threads_wf) ==> threads_wf;
    ensures places: \forall integer x; \old(places_but(x)) ==> places_but(x);
    ensures waits: \forall integer x; \old(waits_but(x)) ==> waits_but(x); */
static void registers_copy(pfn_t from, pfn_t to, uint64_t badge, uint64_t tag)
{
    thread_at[T(to)].reg[REG_RDI] = badge;
    thread_at[T(to)].reg[REG_RSI] = tag;
    thread_at[T(to)].reg[REG_RDX] = thread_at[T(from)].reg[REG_RDX];
    thread_at[T(to)].reg[REG_R10] = thread_at[T(from)].reg[REG_R10];
    thread_at[T(to)].reg[REG_R8] = thread_at[T(from)].reg[REG_R8];
    thread_at[T(to)].reg[REG_R9] = thread_at[T(from)].reg[REG_R9];
}

/* A message that is not all in registers, or whose tag has options. */
/*@ requires threads: is_thread(from) && is_thread(to) && from != to && (flags == 0 || flags == TAG_CALL);
    KERNEL_NEED(from)
    assigns MESSAGE_STATE;
    MESSAGE_KEPT */
static RARE status_t message_long(pfn_t from, pfn_t to, uint64_t badge, uint64_t flags, bool grants)
{
    uint64_t tag = thread_at[T(from)].reg[REG_RSI] & TAG_SHAPE;
    if (TAG_ITEMS(tag) != 0 && !grants)
        return ERR_RIGHTS;
    if (TAG_WORDS(tag) > REGISTER_WORDS || TAG_ITEMS(tag) != 0) {
        status_t status = pages_transfer(from, to, tag);
        if (status != ERR_NONE)
            return status;
    }
    registers_copy(from, to, badge, tag | flags);
    return ERR_NONE;
}

/* message_transfer of a message that is no fault. */
/*@ requires threads: is_thread(from) && is_thread(to) && from != to && (flags == 0 || flags == TAG_CALL);
    KERNEL_NEED(from)
    assigns MESSAGE_STATE;
    MESSAGE_KEPT
    behavior short:
        assumes short: tag_short(thread_at[from].reg[REG_RSI]);
        assigns thread_at[to].reg[0 .. REG_COUNT - 1];
        ensures done: \result == ERR_NONE;
        ensures tag: thread_at[to].reg[REG_RSI] == thread_at[from].reg[REG_RSI] + flags;
        ensures badge: thread_at[to].reg[REG_RDI] == badge;
        ensures words: words_same{Pre,Post}(from, to);
        ensures birth: frame_next_birth == \old(frame_next_birth); */
static RARE status_t message_deliver(pfn_t from, pfn_t to, uint64_t badge, uint64_t flags,
                                     bool grants)
{
    uint64_t tag = thread_at[T(from)].reg[REG_RSI];
    if (tag % LABEL_SPAN > REGISTER_WORDS)
        return message_long(from, to, badge, flags, grants);
    //@ assert parts: tag == tag / LABEL_SPAN * LABEL_SPAN + tag % LABEL_SPAN && tag / LABEL_SPAN <= UINT32_MAX;
    registers_copy(from, to, badge, tag + flags);
    return ERR_NONE;
}

RARE status_t message_transfer(pfn_t from, pfn_t to, uint64_t badge, uint64_t flags, bool grants)
{
    if (thread_at[T(from)].fault_kind == 0)
        return message_deliver(from, to, badge, flags, grants);
    fault_deliver(from, to, badge);
    return ERR_NONE;
}
