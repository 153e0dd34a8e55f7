/* SPDX-License-Identifier: MIT */
/*
 * System calls. Each sys_NAME(t) handles the call NAME of include/atmos/syscalls.def for the running thread t: it reads
 * its arguments from t's registers, checks everything, then commits, and answers ERR_NONE, an error, or STATUS_BLOCKED.
 * Results are written into t's argument registers only when the answer is ERR_NONE. Any register values are legal.
 */
#ifndef CORE_SYS_H
#define CORE_SYS_H

#include "core/container.h"
#include "core/endpoint.h"
#include "core/ipc_fast.h"
#include "core/irq.h"
#include "core/memory.h"
#include "core/process.h"

#define SELDOM MUST_USE RARE
#define HANDLER                                                                                    \
    MUST_USE                                                                                       \
    __attribute__((noinline)) /* so that the way to one costs nothing of what another needs */

#define ARG0 REG_RDI
#define ARG1 REG_RSI
#define ARG2 REG_RDX
#define ARG3 REG_R10
#define ARG4 REG_R8
#define ARG5 REG_R9

/*@ requires is_thread(t) && r < REG_COUNT;
    assigns \nothing;
    ensures \result == thread_at[t].reg[r]; */
static inline uint64_t reg_get(pfn_t t, uint32_t r) { return thread_at[T(t)].reg[r]; }

/*@ requires is_thread(t) && r < REG_COUNT;
    assigns thread_at[t].reg[r];
    ensures thread_at[t].reg[r] == value;
    KERNEL_KEPT(0) */
static inline void reg_set(pfn_t t, uint32_t r, uint64_t value) { thread_at[T(t)].reg[r] = value; }

/*@ // Register r of thread t.
    logic integer reg_of{L}(integer t, integer r) = thread_at[t].reg[r];
    // What is wrong with a handle slot for a use; ERR_NONE: nothing.
    logic integer slot_error{L}(integer slot, integer kind, integer rights) =
        slot == 0 ? ERR_HANDLE : life(slot) == 0 ? ERR_DEAD : handle_at[slot].kind != kind ? ERR_KIND :
        (handle_at[slot].rights & rights) != rights ? ERR_RIGHTS : ERR_NONE;
    // The same for handle number n of thread t's process, and the object it names.
    logic integer find_error{L}(integer t, integer n, integer kind, integer rights) =
        slot_error(open_slot(frame_owner[t], n), kind, rights);
    logic integer found_object{L}(integer t, integer n) = handle_at[open_slot(frame_owner[t], n)].object;
    // Number 0 is t's own process.
    logic integer process_error{L}(integer t, integer n, integer rights) =
        n == 0 ? ERR_NONE : find_error(t, n, KIND_PROCESS, rights);
    logic integer found_process{L}(integer t, integer n) = n == 0 ? frame_owner[t] : found_object(t, n);
    // User memory as a frame: a page, or part of a superpage.
    predicate is_page{L}(integer p) =
        0 < p < FRAMES_MAX && (frame_kind[p] == FRAME_USER || frame_kind[p] == FRAME_FREE);
*/

/* The slot of the open handle of that number of t's process; 0: there is none. */
/*@ requires kernel_wf && is_thread(t);
    assigns \nothing;
    ensures slot: \result == open_slot(frame_owner[t], number);
    ensures open: \result != 0 ==> is_slot(\result) && handle_at[\result].kind != KIND_NONE; */
slot_t slot_of_thread(pfn_t t, uint64_t number);

/* What is wrong with a handle slot for a use: HANDLE, DEAD, KIND, RIGHTS, in this order. */
/*@ requires slot == 0 || is_slot(slot) && handle_object_ok(slot);
    assigns \nothing;
    ensures \result == slot_error(slot, kind, rights); */
MUST_USE status_t slot_check(slot_t slot, uint8_t kind, uint8_t rights);

/* The same where any kind will do: HANDLE, DEAD, RIGHTS. */
/*@ requires slot == 0 || is_slot(slot) && handle_object_ok(slot);
    assigns \nothing;
    ensures \result == (slot == 0 ? ERR_HANDLE : slot_error(slot, handle_at[slot].kind, rights)); */
MUST_USE status_t slot_check_any(slot_t slot, uint8_t rights);

/* An object a handle names, or why not. */
struct found {
    status_t status;
    uint32_t object; /* frame or endpoint; meaningful if status is ERR_NONE */
};

/* The object of kind that t's handle number names, with at least those rights. */
/*@ requires kernel_wf && is_thread(t);
    assigns \nothing;
    ensures status: \result.status == find_error(t, number, kind, rights);
    ensures slot: \result.status == ERR_NONE ==> is_slot(open_slot(frame_owner[t], number)) &&
        handle_at[open_slot(frame_owner[t], number)].kind == kind && life(open_slot(frame_owner[t], number)) == 1;
    ensures object: \result.status == ERR_NONE ==> \result.object == found_object(t, number);
    ensures container: \result.status == ERR_NONE && kind == KIND_CONTAINER ==> is_container(\result.object);
    ensures process: \result.status == ERR_NONE && kind == KIND_PROCESS ==> is_process(\result.object);
    ensures thread: \result.status == ERR_NONE && kind == KIND_THREAD ==> is_thread(\result.object);
    ensures endpoint: \result.status == ERR_NONE && kind == KIND_ENDPOINT ==> is_queue(\result.object) &&
        frame_kind[\result.object / SLOTS] == FRAME_ENDPOINTS && endpoint_at[\result.object].generation != 0; */
struct found find(pfn_t t, uint64_t number, uint8_t kind, uint8_t rights);

/* The process that number names: 0 is t's own. */
/*@ requires kernel_wf && is_thread(t);
    assigns \nothing;
    ensures status: \result.status == process_error(t, number, rights);
    ensures object: \result.status == ERR_NONE ==>
        \result.object == found_process(t, number) && is_process(\result.object); */
INDEX_GUARD struct found find_process(pfn_t t, uint64_t number, uint8_t rights)
{
    if (number != 0)
        return find(t, number, KIND_PROCESS, rights);
    struct found f = {ERR_NONE, frame_owner[t]};
    return f;
}

/* Whether process p can be given one more handle while container c is charged n pages: FULL, QUOTA. */
/*@ logic integer room_error{L}(integer p, integer c, integer n) =
        handle_need(p) == HANDLES_FULL ? ERR_FULL :
        handle_need(p) + n <= free_frames && handle_need(p) <= left_of(frame_owner[p]) && n <= left_of(c) &&
        (frame_owner[p] != c || handle_need(p) + n <= left_of(c)) ? ERR_NONE : ERR_QUOTA; */
/*@ requires is_process(p) && is_container(frame_owner[p]) && is_container(c) && quota_wf && n <= 0x100000000;
    assigns \nothing;
    ensures \result == room_error(p, c, n); */
MUST_USE status_t room_check(pfn_t p, pfn_t c, uint64_t n);

/* The same for a handle alone, charged to p's container. */
/*@ requires is_process(p) && is_container(frame_owner[p]) && quota_wf;
    assigns \nothing;
    ensures \result == (process_at[p].handle_free != 0 ? ERR_NONE : room_error(p, frame_owner[p], 0)); */
static inline status_t handle_room_check(pfn_t p)
{
    return process_at[P(p)].handle_free != 0 ? ERR_NONE : room_check(p, frame_owner[p], 0);
}

/* A handle with all rights to an object born with this generation. */
/*@ assigns \nothing;
    ensures \result.kind == kind && \result.object == object && \result.generation == generation &&
        \result.rights == RIGHTS_ALL && \result.badge == 0; */
struct handle handle_to(uint8_t kind, uint32_t object, uint64_t generation);

/* What is wrong with a handle number of t that is no way (fast_way) to an endpoint. */
/*@ requires kernel_wf && is_thread(t) && !way_open(way_slot(t, number), rights);
    assigns \nothing;
    ensures \result == find_error(t, number, KIND_ENDPOINT, rights) && \result != ERR_NONE; */
status_t way_error(pfn_t t, uint64_t number, uint8_t rights);

/* fast_way, where it need not be compiled into what calls it. */
/*@ requires kernel_wf && is_thread(t);
    assigns \nothing;
    ensures open: \result.open == 1 <==> way_open(way_slot(t, number), right);
    ensures bool: \result.open == 0 || \result.open == 1;
    ensures slot: \result.open == 1 ==> is_slot(\result.slot) && \result.slot == way_slot(t, number) &&
        is_born(way_endpoint(\result.slot)); */
__attribute__((noinline)) struct fast_way way_find(pfn_t t, uint64_t number, uint8_t right);

/* ---- what the proved calls promise: any arguments are legal ---- */

/*@ predicate user_page{L}(integer va) = USER_BASE <= va < USER_TOP;
    logic integer query_entry{L}(integer t) =
        resolve(process_at[found_process(t, reg_of(t, ARG0))].root, reg_of(t, ARG1));
*/

/*@ requires kernel_wf && runs(t);
    assigns thread_at[t].reg[ARG0 .. ARG2];
    KERNEL_WF(0)
    behavior refused:
        assumes process_error(t, reg_of(t, ARG0), RIGHT_READ) != ERR_NONE;
        assigns \nothing;
        ensures \result == \old(process_error(t, reg_of(t, ARG0), RIGHT_READ));
    behavior outside:
        assumes process_error(t, reg_of(t, ARG0), RIGHT_READ) == ERR_NONE && !user_page(reg_of(t, ARG1));
        assigns \nothing;
        ensures \result == ERR_RANGE;
    behavior unmapped:
        assumes process_error(t, reg_of(t, ARG0), RIGHT_READ) == ERR_NONE && user_page(reg_of(t, ARG1));
        assumes query_entry(t) == 0;
        assigns \nothing;
        ensures \result == ERR_UNMAPPED;
    behavior mapped:
        assumes process_error(t, reg_of(t, ARG0), RIGHT_READ) == ERR_NONE && user_page(reg_of(t, ARG1));
        assumes query_entry(t) != 0;
        assigns thread_at[t].reg[ARG0 .. ARG2];
        ensures \result == ERR_NONE;
        ensures write: reg_of(t, ARG0) / PAGE_WRITE % 2 == \old(query_entry(t)) / PTE_WRITE % 2;
        ensures execute: reg_of(t, ARG0) / PAGE_EXECUTE % 2 == 1 - \old(query_entry(t)) / PTE_NX;
        ensures most: reg_of(t, ARG0) / PAGE_MAX_WRITE % 8 == \old(query_entry(t)) / PTE_MAX_WRITE % 8;
        ensures small: !entry_super(\old(query_entry(t))) ==>
            reg_of(t, ARG1) == \old(reg_of(t, ARG1)) - \old(reg_of(t, ARG1)) % SPAN_4K;
        ensures big: entry_super(\old(query_entry(t))) && \old(query_entry(t)) / PTE_GIGA % 2 == 0 ==>
            reg_of(t, ARG1) == \old(reg_of(t, ARG1)) - \old(reg_of(t, ARG1)) % SPAN_2M;
        ensures giga: entry_super(\old(query_entry(t))) && \old(query_entry(t)) / PTE_GIGA % 2 == 1 ==>
            reg_of(t, ARG1) == \old(reg_of(t, ARG1)) - \old(reg_of(t, ARG1)) % SPAN_1G;
        ensures maps: reg_of(t, ARG2) == (\old(query_entry(t)) / PTE_DEVICE % 2 == 1 ? 1 :
            frame_maps[entry_pfn(\old(query_entry(t)))]);
    complete behaviors;
    disjoint behaviors;
*/
SELDOM status_t sys_query(pfn_t t);

/*@ requires kernel_wf && runs(t);
    assigns thread_at[t].reg[ARG0 .. ARG2];
    KERNEL_WF(0)
    behavior none:
        assumes open_slot(frame_owner[t], reg_of(t, ARG0)) == 0;
        assigns \nothing;
        ensures \result == ERR_HANDLE;
    behavior open:
        assumes open_slot(frame_owner[t], reg_of(t, ARG0)) != 0;
        assigns thread_at[t].reg[ARG0 .. ARG2];
        ensures \result == ERR_NONE;
        ensures kind: \let h = \old(open_slot(frame_owner[t], reg_of(t, ARG0)));
            reg_of(t, ARG0) == (\old(life(open_slot(frame_owner[t], reg_of(t, ARG0)))) == 0 ? KIND_NONE : handle_at[h].kind);
        ensures rights: \let h = \old(open_slot(frame_owner[t], reg_of(t, ARG0)));
            reg_of(t, ARG1) == handle_at[h].rights;
        ensures badge: \let h = \old(open_slot(frame_owner[t], reg_of(t, ARG0)));
            reg_of(t, ARG2) == (handle_at[h].kind == KIND_ENDPOINT ? handle_at[h].badge : 0);
    complete behaviors;
    disjoint behaviors;
*/
SELDOM status_t sys_handle_info(pfn_t t);

/*@ requires kernel_wf && runs(t);
    assigns thread_at[t].reg[ARG0 .. ARG5];
    KERNEL_WF(0)
    behavior refused:
        assumes find_error(t, reg_of(t, ARG0), KIND_CONTAINER, RIGHT_READ) != ERR_NONE;
        assigns \nothing;
        ensures \result == \old(find_error(t, reg_of(t, ARG0), KIND_CONTAINER, RIGHT_READ));
    behavior done:
        assumes find_error(t, reg_of(t, ARG0), KIND_CONTAINER, RIGHT_READ) == ERR_NONE;
        assigns thread_at[t].reg[ARG0 .. ARG5];
        ensures \result == ERR_NONE;
        ensures total: reg_of(t, ARG0) == container_at[\old(found_object(t, reg_of(t, ARG0)))].total;
        ensures used: reg_of(t, ARG1) == container_at[\old(found_object(t, reg_of(t, ARG0)))].used;
        ensures carved: reg_of(t, ARG2) == container_at[\old(found_object(t, reg_of(t, ARG0)))].carved;
        ensures cpus: reg_of(t, ARG3) == container_at[\old(found_object(t, reg_of(t, ARG0)))].cpus;
        ensures ceiling: reg_of(t, ARG4) == container_at[\old(found_object(t, reg_of(t, ARG0)))].ceiling;
        ensures depth: reg_of(t, ARG5) == container_at[\old(found_object(t, reg_of(t, ARG0)))].depth;
    complete behaviors;
    disjoint behaviors;
*/
SELDOM status_t sys_container_info(pfn_t t);

/*@ logic integer fault_process{L}(integer t) = found_process(t, reg_of(t, ARG0));
    logic integer fault_slot{L}(integer t) =
        reg_of(t, ARG1) == 0 ? 0 : open_slot(frame_owner[t], reg_of(t, ARG1));
    // What sys_fault_handler answers.
    logic integer fault_handler_error{L}(integer t) =
        process_error(t, reg_of(t, ARG0), RIGHT_WRITE) != ERR_NONE ? process_error(t, reg_of(t, ARG0), RIGHT_WRITE) :
        reg_of(t, ARG1) != 0 && find_error(t, reg_of(t, ARG1), KIND_ENDPOINT, RIGHT_SEND) != ERR_NONE ?
            find_error(t, reg_of(t, ARG1), KIND_ENDPOINT, RIGHT_SEND) :
        process_at[fault_process(t)].dying != 0 ? ERR_DYING : ERR_NONE;
*/
/*@ requires kernel_wf && runs(t);
    assigns process_at[fault_process(t)].fault_endpoint, process_at[fault_process(t)].fault_generation,
            process_at[fault_process(t)].fault_badge;
    KERNEL_WF(0)
    behavior refused:
        assumes fault_handler_error(t) != ERR_NONE;
        assigns \nothing;
        ensures \result == \old(fault_handler_error(t));
    behavior none:
        assumes fault_handler_error(t) == ERR_NONE && reg_of(t, ARG1) == 0;
        assigns process_at[fault_process(t)].fault_endpoint, process_at[fault_process(t)].fault_generation,
            process_at[fault_process(t)].fault_badge;
        ensures \result == ERR_NONE;
        ensures endpoint: process_at[\old(fault_process(t))].fault_endpoint == 0;
    behavior some:
        assumes fault_handler_error(t) == ERR_NONE && reg_of(t, ARG1) != 0;
        assigns process_at[fault_process(t)].fault_endpoint, process_at[fault_process(t)].fault_generation,
            process_at[fault_process(t)].fault_badge;
        ensures \result == ERR_NONE;
        ensures endpoint: process_at[\old(fault_process(t))].fault_endpoint == handle_at[\old(fault_slot(t))].object;
        ensures generation: process_at[\old(fault_process(t))].fault_generation == handle_at[\old(fault_slot(t))].generation;
        ensures badge: process_at[\old(fault_process(t))].fault_badge == handle_at[\old(fault_slot(t))].badge;
    complete behaviors;
    disjoint behaviors;
*/
SELDOM status_t sys_fault_handler(pfn_t t);

/* ---- the other calls: what they may change ---- */

/* Does nothing. */
/*@ requires kernel_wf && runs(t);
    assigns \nothing;
    ensures \result == ERR_NONE; */
MUST_USE status_t sys_nop(pfn_t t);

/* Writes one line of user memory to the log: ARGUMENT, RANGE, UNMAPPED. */
/*@ requires kernel_wf && runs(t);
    assigns ghost_machine;
    ensures \result == ERR_NONE || \result == ERR_ARGUMENT || \result == ERR_RANGE || \result == ERR_UNMAPPED; */
SELDOM status_t sys_log(pfn_t t);

/* Fresh pages for a process. */
/*@ requires kernel_wf && runs(t);
    assigns KERNEL_STATE;
    KERNEL_WF(0) */
SELDOM status_t sys_map(pfn_t t);

/* Mappings go, and pages with their last one. */
/*@ requires kernel_wf && runs(t);
    assigns KERNEL_STATE;
    KERNEL_WF(0) */
HANDLER status_t sys_unmap(pfn_t t);

/* Other permissions, never more than a mapping may have. */
/*@ requires kernel_wf && runs(t);
    assigns KERNEL_STATE;
    KERNEL_WF(0) */
SELDOM status_t sys_protect(pfn_t t);

/* Pages of one process in another, with at most their rights. */
/*@ requires kernel_wf && runs(t);
    assigns KERNEL_STATE;
    KERNEL_WF(0) */
HANDLER status_t sys_share(pfn_t t);

/* Device memory in a range of a handle. */
/*@ requires kernel_wf && runs(t);
    assigns KERNEL_STATE;
    KERNEL_WF(0) */
SELDOM status_t sys_device_map(pfn_t t);

/* A child container; nothing is left of it if it answers an error. */
/*@ requires kernel_wf && runs(t);
    assigns KERNEL_STATE;
    KERNEL_WF(0) */
SELDOM status_t sys_container_create(pfn_t t);

/* An empty process. */
/*@ requires kernel_wf && runs(t);
    assigns KERNEL_STATE;
    KERNEL_WF(0) */
SELDOM status_t sys_process_create(pfn_t t);

/* A thread, ready or suspended. */
/*@ requires kernel_wf && runs(t);
    assigns KERNEL_STATE;
    KERNEL_WF(0) */
SELDOM status_t sys_thread_create(pfn_t t);

/* An endpoint owned by a process. */
/*@ requires kernel_wf && runs(t);
    assigns KERNEL_STATE;
    KERNEL_WF(0) */
HANDLER status_t sys_endpoint_create(pfn_t t);

/* A piece of the destruction of what a handle names: AGAIN until it is gone. */
/*@ requires kernel_wf && runs(t);
    assigns KERNEL_STATE;
    KERNEL_WF(0) */
HANDLER status_t sys_destroy(pfn_t t);

/* A copy of a handle with at most its rights. */
/*@ requires kernel_wf && runs(t);
    assigns KERNEL_STATE;
    KERNEL_WF(0) */
HANDLER status_t sys_handle_copy(pfn_t t);

/* Closes a handle; a reply handle's caller gets PEER. */
/*@ requires kernel_wf && runs(t);
    assigns KERNEL_STATE;
    KERNEL_WF(0) */
HANDLER status_t sys_handle_close(pfn_t t);

/* A handle to the next child of a container or process. */
/*@ requires kernel_wf && runs(t);
    assigns KERNEL_STATE;
    KERNEL_WF(0) */
SELDOM status_t sys_child_next(pfn_t t);

/*@ logic integer owner_handle{L}(integer t) = open_slot(frame_owner[t], reg_of(t, ARG0));
    // What is wrong with t's use of a handle to a container or process, to read.
    logic integer owner_error{L}(integer t) =
        handle_at[owner_handle(t)].kind == KIND_CONTAINER ? slot_error(owner_handle(t), KIND_CONTAINER, RIGHT_READ) :
            slot_error(owner_handle(t), KIND_PROCESS, RIGHT_READ);
    // Half i of the name of what it names.
    logic integer owner_name{L}(integer t, integer i) = handle_at[owner_handle(t)].kind == KIND_CONTAINER ?
        container_at[handle_at[owner_handle(t)].object].name[i] : process_at[handle_at[owner_handle(t)].object].name[i];
*/

/* A container's or process's name. */
/*@ requires kernel_wf && runs(t);
    assigns thread_at[t].reg[ARG0 .. ARG1];
    KERNEL_WF(0)
    behavior refused:
        assumes owner_error(t) != ERR_NONE;
        assigns \nothing;
        ensures \result == \old(owner_error(t));
    behavior done:
        assumes owner_error(t) == ERR_NONE;
        assigns thread_at[t].reg[ARG0 .. ARG1];
        ensures \result == ERR_NONE;
        ensures name0: reg_of(t, ARG0) == \old(owner_name(t, 0));
        ensures name1: reg_of(t, ARG1) == \old(owner_name(t, 1));
    complete behaviors;
    disjoint behaviors;
*/
SELDOM status_t sys_object_name(pfn_t t);

/* What became of a process. */
/*@ requires kernel_wf && runs(t);
    assigns thread_at[t].reg[ARG0 .. ARG5];
    KERNEL_WF(0)
    behavior refused:
        assumes process_error(t, reg_of(t, ARG0), RIGHT_READ) != ERR_NONE;
        assigns \nothing;
        ensures \result == \old(process_error(t, reg_of(t, ARG0), RIGHT_READ));
    behavior done:
        assumes process_error(t, reg_of(t, ARG0), RIGHT_READ) == ERR_NONE;
        assigns thread_at[t].reg[ARG0 .. ARG5];
        ensures \result == ERR_NONE;
        ensures state: reg_of(t, ARG0) == process_at[\old(found_process(t, reg_of(t, ARG0)))].state;
        ensures code: reg_of(t, ARG1) == process_at[\old(found_process(t, reg_of(t, ARG0)))].code;
        ensures address: reg_of(t, ARG2) == process_at[\old(found_process(t, reg_of(t, ARG0)))].fault_address;
        ensures ip: reg_of(t, ARG3) == process_at[\old(found_process(t, reg_of(t, ARG0)))].fault_ip;
        ensures thread: reg_of(t, ARG4) == process_at[\old(found_process(t, reg_of(t, ARG0)))].fault_thread;
        ensures charged: reg_of(t, ARG5) == process_at[\old(found_process(t, reg_of(t, ARG0)))].charged;
    complete behaviors;
    disjoint behaviors;
*/
SELDOM status_t sys_process_info(pfn_t t);

/* What a thread is doing. */
/*@ requires kernel_wf && runs(t);
    assigns thread_at[t].reg[ARG0 .. ARG5];
    KERNEL_WF(0)
    behavior refused:
        assumes find_error(t, reg_of(t, ARG0), KIND_THREAD, RIGHT_READ) != ERR_NONE;
        assigns \nothing;
        ensures \result == \old(find_error(t, reg_of(t, ARG0), KIND_THREAD, RIGHT_READ));
    behavior done:
        assumes find_error(t, reg_of(t, ARG0), KIND_THREAD, RIGHT_READ) == ERR_NONE;
        assigns thread_at[t].reg[ARG0 .. ARG5];
        ensures \result == ERR_NONE;
        ensures state: reg_of(t, ARG0) == thread_at[\old(found_object(t, reg_of(t, ARG0)))].state;
        ensures priority: reg_of(t, ARG1) == thread_at[\old(found_object(t, reg_of(t, ARG0)))].priority;
        ensures cpu: reg_of(t, ARG2) == thread_at[\old(found_object(t, reg_of(t, ARG0)))].cpu;
        ensures ticks: reg_of(t, ARG3) == thread_at[\old(found_object(t, reg_of(t, ARG0)))].ticks;
        ensures number: reg_of(t, ARG4) == thread_at[\old(found_object(t, reg_of(t, ARG0)))].number;
        ensures syscalls: reg_of(t, ARG5) == thread_at[\old(found_object(t, reg_of(t, ARG0)))].syscalls;
    complete behaviors;
    disjoint behaviors;
*/
SELDOM status_t sys_thread_info(pfn_t t);

/* A message to a receiver, now or when one comes. */
/*@ requires kernel_wf && runs(t);
    assigns KERNEL_STATE;
    KERNEL_WF(0) */
HANDLER status_t sys_send(pfn_t t);

/* Event bits, or the first message. */
/*@ requires kernel_wf && runs(t);
    assigns KERNEL_STATE;
    KERNEL_WF(0) */
SELDOM status_t sys_receive(pfn_t t);

/* A message and the wait for its answer. */
/*@ requires kernel_wf && runs(t);
    assigns KERNEL_STATE;
    KERNEL_WF(0) */
HANDLER status_t sys_call(pfn_t t);

/* The answer to a call. */
/*@ requires kernel_wf && runs(t);
    assigns KERNEL_STATE;
    KERNEL_WF(0) */
SELDOM status_t sys_reply(pfn_t t);

/* The answer to a call, then the next message. */
/*@ requires kernel_wf && runs(t);
    assigns KERNEL_STATE;
    KERNEL_WF(0) */
HANDLER status_t sys_reply_receive(pfn_t t);

/* The right to answer, as a handle. */
/*@ requires kernel_wf && runs(t);
    assigns KERNEL_STATE;
    KERNEL_WF(0) */
SELDOM status_t sys_reply_save(pfn_t t);

/*@ logic integer signal_error{L}(integer t, integer n) = find_error(t, n, KIND_ENDPOINT, RIGHT_SIGNAL);
    logic integer signal_endpoint{L}(integer t, integer n) = found_object(t, n); */

/* sys_signal, for a machine that has the arguments in registers: soonest. */
/*@ requires kernel_wf && runs(t);
    assigns deadline_count, deadline_heap[0 .. FRAMES_MAX - 1], thread_at[0 .. FRAMES_MAX - 1],
            queue_of[0 .. FRAMES_MAX - 1], queue_next[0 .. FRAMES_MAX - 1], queue_prev[0 .. FRAMES_MAX - 1],
            queue_key[0 .. FRAMES_MAX - 1], queue_clock, endpoint_at[0 .. FRAMES_MAX * SLOTS - 1],
            cpu_at[0 .. CPUS_MAX - 1];
    KERNEL_WF(0)
    behavior refused:
        assumes signal_error(t, number) != ERR_NONE;
        assigns \nothing;
        ensures \result == \old(signal_error(t, number));
    behavior nothing:
        assumes signal_error(t, number) == ERR_NONE && bits == 0;
        assigns \nothing;
        ensures \result == ERR_NONE;
    behavior pending:
        assumes signal_error(t, number) == ERR_NONE && bits != 0;
        assumes endpoint_at[signal_endpoint(t, number)].mode != MODE_RECEIVE;
        ensures \result == ERR_NONE;
        ensures bits: endpoint_at[\old(signal_endpoint(t, number))].events ==
            (\old(endpoint_at[signal_endpoint(t, number)].events) | bits);
        ensures threads: threads_same{Pre,Post};
        ensures queues: \forall integer u; is_frame(u) ==> queue_of[u] == \old(queue_of[u]);
    behavior received:
        assumes signal_error(t, number) == ERR_NONE && bits != 0;
        assumes endpoint_at[signal_endpoint(t, number)].mode == MODE_RECEIVE;
        ensures \result == ERR_NONE;
        ensures bits: endpoint_at[\old(signal_endpoint(t, number))].events ==
            (\old(endpoint_at[signal_endpoint(t, number)].events) | bits) ||
            \exists integer r; has_event(r, bits) && \old(queue_of[r]) == \old(signal_endpoint(t, number));
    complete behaviors;
    disjoint behaviors;
*/
INDEX_GUARD status_t signal_to(pfn_t t, uint64_t number, uint64_t bits)
{
    struct fast_way way = fast_way(t, number, RIGHT_SIGNAL);
    if (!way.open)
        return way_error(t, number, RIGHT_SIGNAL);
    if (bits != 0)
        endpoint_signal_soon(handle_at[H(way.slot)].object, bits);
    return ERR_NONE;
}

/* Event bits for an endpoint: a waiting receiver gets them, else they stay pending. */
/*@ requires kernel_wf && runs(t);
    assigns deadline_count, deadline_heap[0 .. FRAMES_MAX - 1], thread_at[0 .. FRAMES_MAX - 1],
            queue_of[0 .. FRAMES_MAX - 1], queue_next[0 .. FRAMES_MAX - 1], queue_prev[0 .. FRAMES_MAX - 1],
            queue_key[0 .. FRAMES_MAX - 1], queue_clock, endpoint_at[0 .. FRAMES_MAX * SLOTS - 1],
            cpu_at[0 .. CPUS_MAX - 1];
    KERNEL_WF(0)
    behavior refused:
        assumes signal_error(t, reg_of(t, ARG0)) != ERR_NONE;
        assigns \nothing;
        ensures \result == \old(signal_error(t, reg_of(t, ARG0)));
    behavior nothing:
        assumes signal_error(t, reg_of(t, ARG0)) == ERR_NONE && reg_of(t, ARG1) == 0;
        assigns \nothing;
        ensures \result == ERR_NONE;
    behavior pending:
        assumes signal_error(t, reg_of(t, ARG0)) == ERR_NONE && reg_of(t, ARG1) != 0;
        assumes endpoint_at[signal_endpoint(t, reg_of(t, ARG0))].mode != MODE_RECEIVE;
        ensures \result == ERR_NONE;
        ensures bits: endpoint_at[\old(signal_endpoint(t, reg_of(t, ARG0)))].events ==
            (\old(endpoint_at[signal_endpoint(t, reg_of(t, ARG0))].events) | \old(reg_of(t, ARG1)));
        ensures threads: threads_same{Pre,Post};
        ensures queues: \forall integer u; is_frame(u) ==> queue_of[u] == \old(queue_of[u]);
    behavior received:
        assumes signal_error(t, reg_of(t, ARG0)) == ERR_NONE && reg_of(t, ARG1) != 0;
        assumes endpoint_at[signal_endpoint(t, reg_of(t, ARG0))].mode == MODE_RECEIVE;
        ensures \result == ERR_NONE;
        ensures bits: endpoint_at[\old(signal_endpoint(t, reg_of(t, ARG0)))].events ==
            (\old(endpoint_at[signal_endpoint(t, reg_of(t, ARG0))].events) | \old(reg_of(t, ARG1))) ||
            \exists integer r; has_event(r, \old(reg_of(t, ARG1))) && \old(queue_of[r]) == \old(signal_endpoint(t, reg_of(t, ARG0)));
    complete behaviors;
    disjoint behaviors;
*/
SELDOM status_t sys_signal(pfn_t t);

/* Lets others of t's priority run, and begins a slice for the next time t does. */
/*@ requires kernel_wf && runs(t);
    assigns thread_at[t].reg[REG_RAX], TURN_STATE(thread_at[t].cpu);
    KERNEL_WF(0)
    ensures answer: \result == ERR_NONE && reg_of(t, REG_RAX) == 0;
    ensures slice: thread_at[t].slice == SLICE_TICKS;
    behavior alone:
        assumes turn_alone(thread_at[t].cpu);
        assigns thread_at[t].reg[REG_RAX], thread_at[t].slice;
    behavior passes:
        assumes turn_passes(thread_at[t].cpu);
        ensures taken: turn_taken(thread_at[t].cpu, t, \old(turn_next(thread_at[t].cpu)));
    behavior open:
        assumes !turn_alone(thread_at[t].cpu) && !turn_passes(thread_at[t].cpu);
        ensures open: turn_open{Pre,Post}(thread_at[t].cpu, t);
    complete behaviors;
    disjoint behaviors;
*/
HANDLER status_t sys_yield(pfn_t t);

/* t ends. */
/*@ requires kernel_wf && runs(t);
    assigns KERNEL_STATE;
    KERNEL_WF(0)
    ensures \result == STATUS_BLOCKED; */
SELDOM status_t sys_thread_exit(pfn_t t);

/* t's process ends. */
/*@ requires kernel_wf && runs(t);
    assigns KERNEL_STATE;
    KERNEL_WF(0)
    ensures \result == STATUS_BLOCKED; */
SELDOM status_t sys_process_exit(pfn_t t);

/*@ // What is wrong with the handle of the thread that t's call is about, and which thread that is.
    logic integer thread_error{L}(integer t) = find_error(t, reg_of(t, ARG0), KIND_THREAD, RIGHT_WRITE);
    logic integer named_thread{L}(integer t) = found_object(t, reg_of(t, ARG0));
    predicate is_seated{L}(integer n) = thread_at[n].state == THREAD_READY || thread_at[n].state == THREAD_RUNNING;
    logic integer resume_error{L}(integer t) = thread_error(t) != ERR_NONE ? thread_error(t) :
        thread_at[named_thread(t)].suspended == 0 || process_at[frame_owner[named_thread(t)]].dying != 0 ? ERR_STATE :
        ERR_NONE;
*/

/* A thread stops: at once, or when what it waits for comes. If t stops itself, 0 is its answer when it goes on. */
/*@ requires kernel_wf && runs(t);
    assigns thread_at[t].reg[REG_RAX], thread_at[named_thread(t)].suspended, thread_at[named_thread(t)].state,
            queue_of[named_thread(t)], queue_next[0 .. FRAMES_MAX - 1], queue_prev[0 .. FRAMES_MAX - 1],
            endpoint_at[run_queue(named_thread(t))].first, endpoint_at[run_queue(named_thread(t))].last,
            cpu_at[thread_at[named_thread(t)].cpu].current, cpu_at[thread_at[named_thread(t)].cpu].ready;
    KERNEL_WF(0)
    behavior refused:
        assumes thread_error(t) != ERR_NONE;
        assigns \nothing;
        ensures \result == \old(thread_error(t));
    behavior stops:
        assumes thread_error(t) == ERR_NONE && is_seated(named_thread(t));
        ensures answer: \result == (\old(named_thread(t)) == t ? STATUS_BLOCKED : ERR_NONE);
        ensures own: \old(named_thread(t)) == t ==> reg_of(t, REG_RAX) == 0;
        ensures others: \old(named_thread(t)) != t ==> reg_of(t, REG_RAX) == \old(reg_of(t, REG_RAX));
        ensures parked: is_parked(\old(named_thread(t)));
        ensures runs: runs_but{Pre,Post}(\old(thread_at[named_thread(t)].cpu), \old(named_thread(t)));
    behavior later:
        assumes thread_error(t) == ERR_NONE && !is_seated(named_thread(t));
        assigns thread_at[named_thread(t)].suspended;
        ensures \result == ERR_NONE;
        ensures later: thread_at[\old(named_thread(t))].suspended == 1;
    complete behaviors;
    disjoint behaviors;
*/
SELDOM status_t sys_suspend(pfn_t t);

/* A suspended thread goes on: behind the ready ones of its priority, or with what it waits for. */
/*@ requires kernel_wf && runs(t);
    assigns thread_at[named_thread(t)].suspended, thread_at[named_thread(t)].state, queue_of[named_thread(t)],
            queue_next[0 .. FRAMES_MAX - 1], queue_prev[named_thread(t)], queue_key[named_thread(t)], queue_clock,
            endpoint_at[run_queue(named_thread(t))].first, endpoint_at[run_queue(named_thread(t))].last,
            cpu_at[thread_at[named_thread(t)].cpu].current, cpu_at[thread_at[named_thread(t)].cpu].ready;
    KERNEL_WF(0)
    behavior refused:
        assumes resume_error(t) != ERR_NONE;
        assigns \nothing;
        ensures \result == \old(resume_error(t));
    behavior ready:
        assumes resume_error(t) == ERR_NONE && thread_at[named_thread(t)].state == THREAD_SUSPENDED;
        ensures \result == ERR_NONE;
        ensures ready: is_ready(\old(named_thread(t))) && thread_at[\old(named_thread(t))].suspended == 0;
        ensures current: cpu_at[thread_at[\old(named_thread(t))].cpu].current ==
            \old(cpu_at[thread_at[named_thread(t)].cpu].current);
    behavior later:
        assumes resume_error(t) == ERR_NONE && thread_at[named_thread(t)].state != THREAD_SUSPENDED;
        assigns thread_at[named_thread(t)].suspended;
        ensures \result == ERR_NONE;
        ensures goes: thread_at[\old(named_thread(t))].suspended == 0;
    complete behaviors;
    disjoint behaviors;
*/
SELDOM status_t sys_resume(pfn_t t);

/* A thread's registers into t's memory. */
/*@ requires kernel_wf && runs(t);
    assigns KERNEL_STATE;
    KERNEL_WF(0) */
SELDOM status_t sys_regs_read(pfn_t t);

/* A stopped thread's registers from t's memory. */
/*@ requires kernel_wf && runs(t);
    assigns KERNEL_STATE;
    KERNEL_WF(0) */
SELDOM status_t sys_regs_write(pfn_t t);

/*@ // The container of the thread named. No container lets a thread be above all priorities.
    logic integer named_container{L}(integer t) = frame_owner[frame_owner[named_thread(t)]];
    predicate ceilings_wf{L} = \forall integer c; is_container(c) ==> container_at[c].ceiling < PRIORITIES;
    logic integer priority_error{L}(integer t) = thread_error(t) != ERR_NONE ? thread_error(t) :
        reg_of(t, ARG1) > container_at[named_container(t)].ceiling ? ERR_PRIORITY : ERR_NONE;
    logic integer affinity_error{L}(integer t) = thread_error(t) != ERR_NONE ? thread_error(t) :
        reg_of(t, ARG1) >= CPUS_MAX || (container_at[named_container(t)].cpus >> reg_of(t, ARG1)) % 2 == 0 ||
        cpu_at[reg_of(t, ARG1)].run == 0 ? ERR_CPU : ERR_NONE;
*/

/* Another priority for a thread, up to its container's ceiling. */
/*@ requires kernel_wf && runs(t) && ceilings_wf;
    assigns PLACE_STATE(named_thread(t), reg_of(t, ARG1), thread_at[named_thread(t)].cpu);
    KERNEL_WF(0)
    behavior refused:
        assumes priority_error(t) != ERR_NONE;
        assigns \nothing;
        ensures \result == \old(priority_error(t));
    behavior placed:
        assumes priority_error(t) == ERR_NONE;
        ensures \result == ERR_NONE;
        ensures placed: placed{Pre,Post}(\old(named_thread(t)), \old(reg_of(t, ARG1)), \old(thread_at[named_thread(t)].cpu));
    complete behaviors;
    disjoint behaviors;
*/
SELDOM status_t sys_priority(pfn_t t);

/* Another CPU for a thread, in its container's set. It may be t that moves: 0 is its answer then. */
/*@ requires kernel_wf && runs(t);
    assigns thread_at[t].reg[REG_RAX], PLACE_STATE(named_thread(t), thread_at[named_thread(t)].priority, reg_of(t, ARG1));
    KERNEL_WF(0)
    behavior refused:
        assumes affinity_error(t) != ERR_NONE;
        assigns \nothing;
        ensures \result == \old(affinity_error(t));
    behavior placed:
        assumes affinity_error(t) == ERR_NONE;
        ensures \result == ERR_NONE;
        ensures answer: reg_of(t, REG_RAX) == 0;
        ensures placed: placed{Pre,Post}(\old(named_thread(t)), \old(thread_at[named_thread(t)].priority), \old(reg_of(t, ARG1)));
    complete behaviors;
    disjoint behaviors;
*/
SELDOM status_t sys_affinity(pfn_t t);

/* t's FS base. */
/*@ requires kernel_wf && runs(t);
    assigns thread_at[t].reg[REG_FS_BASE], ghost_machine;
    KERNEL_WF(0)
    behavior outside:
        assumes reg_of(t, ARG0) >= USER_TOP;
        assigns \nothing;
        ensures \result == ERR_RANGE;
    behavior done:
        assumes reg_of(t, ARG0) < USER_TOP;
        ensures \result == ERR_NONE;
        ensures base: reg_of(t, REG_FS_BASE) == reg_of(t, ARG0);
    complete behaviors;
    disjoint behaviors;
*/
SELDOM status_t sys_fs_base(pfn_t t);

/* The time. */
/*@ requires kernel_wf && runs(t);
    assigns thread_at[t].reg[ARG0], ghost_machine;
    KERNEL_WF(0)
    ensures \result == ERR_NONE; */
SELDOM status_t sys_clock(pfn_t t);

/*@ // A handle to devices names a range of numbers: lines, ports or physical pages that there can be.
    predicate range_ok{L}(integer h) =
        (handle_at[h].kind == KIND_IRQS ==> handle_at[h].object <= handle_at[h].badge < IRQS_MAX) &&
        (handle_at[h].kind == KIND_PORTS ==> handle_at[h].object <= handle_at[h].badge < 65536) &&
        (handle_at[h].kind == KIND_MEMORY ==> handle_at[h].object == 0 &&
            handle_at[h].badge + handle_at[h].generation <= PTE_FRAMES);
    predicate ranges_wf{L} = \forall integer h; is_slot(h) ==> range_ok(h);
    logic integer range_first{L}(integer h) =
        handle_at[h].kind == KIND_MEMORY ? handle_at[h].badge : handle_at[h].object;
    logic integer range_end{L}(integer h) =
        handle_at[h].kind == KIND_MEMORY ? handle_at[h].badge + handle_at[h].generation : handle_at[h].badge + 1;
    logic integer range_error{L}(integer h, integer first, integer count) =
        range_first(h) <= first && first < range_end(h) && first + count <= range_end(h) ? ERR_NONE : ERR_ARGUMENT;
    // What is wrong with t's use of numbers [first, first + count) of the range that its handle names.
    logic integer device_error{L}(integer t, integer kind, integer rights, integer first, integer count) =
        find_error(t, reg_of(t, ARG0), kind, rights) != ERR_NONE ? find_error(t, reg_of(t, ARG0), kind, rights) :
        range_error(open_slot(frame_owner[t], reg_of(t, ARG0)), first, count);
    logic integer line_error{L}(integer t) = device_error(t, KIND_IRQS, RIGHT_WRITE, reg_of(t, ARG1), 1);

    // What is wrong with the arguments of sys_irq_claim, sys_irq_message, sys_port_in and sys_port_out.
    logic integer irq_claim_error{L}(integer t) =
        line_error(t) != ERR_NONE ? line_error(t) :
        find_error(t, reg_of(t, ARG2), KIND_ENDPOINT, RIGHT_SIGNAL) != ERR_NONE ?
            find_error(t, reg_of(t, ARG2), KIND_ENDPOINT, RIGHT_SIGNAL) :
        reg_of(t, ARG3) == 0 ? ERR_ARGUMENT : ERR_NONE;
    logic integer irq_message_error{L}(integer t) =
        line_error(t) != ERR_NONE ? line_error(t) :
        reg_of(t, ARG1) < IRQ_MESSAGE_FIRST || reg_of(t, ARG1) >= IRQ_MESSAGE_FIRST + IRQ_MESSAGES ? ERR_ARGUMENT :
            ERR_NONE;
    logic integer width_error(integer width) = width == 1 || width == 2 || width == 4 ? ERR_NONE : ERR_ARGUMENT;
    logic integer port_in_error{L}(integer t) =
        device_error(t, KIND_PORTS, RIGHT_READ, reg_of(t, ARG1), reg_of(t, ARG2)) != ERR_NONE ?
            device_error(t, KIND_PORTS, RIGHT_READ, reg_of(t, ARG1), reg_of(t, ARG2)) : width_error(reg_of(t, ARG2));
    logic integer out_width{L}(integer t) = reg_of(t, ARG2) % 256;
    logic integer out_items{L}(integer t) = reg_of(t, ARG2) / 256;
    logic integer port_out_error{L}(integer t) =
        device_error(t, KIND_PORTS, RIGHT_WRITE, reg_of(t, ARG1), out_width(t)) != ERR_NONE ?
            device_error(t, KIND_PORTS, RIGHT_WRITE, reg_of(t, ARG1), out_width(t)) :
        out_items(t) == 0 || out_items(t) * out_width(t) > 8 ? ERR_ARGUMENT : width_error(out_width(t));
*/

/* An interrupt line as events on an endpoint. */
/*@ requires kernel_wf && ranges_wf && irqs_wf && runs(t);
    assigns irq_at[reg_of(t, ARG1)], ghost_machine;
    KERNEL_WF(0)
    ensures irqs_wf: irqs_wf;
    behavior refused:
        assumes irq_claim_error(t) != ERR_NONE;
        assigns \nothing;
        ensures \result == \old(irq_claim_error(t));
    behavior busy:
        assumes irq_claim_error(t) == ERR_NONE && irq_is_busy(reg_of(t, ARG1), found_object(t, reg_of(t, ARG2)));
        ensures \result == ERR_BUSY;
        ensures same: irq_at[reg_of(t, ARG1)] == \old(irq_at[reg_of(t, ARG1)]);
    behavior done:
        assumes irq_claim_error(t) == ERR_NONE && !irq_is_busy(reg_of(t, ARG1), found_object(t, reg_of(t, ARG2)));
        ensures \result == ERR_NONE;
        ensures open: irq_is_open(reg_of(t, ARG1), found_object(t, reg_of(t, ARG2)), reg_of(t, ARG3));
    complete behaviors;
    disjoint behaviors;
*/
SELDOM status_t sys_irq_claim(pfn_t t);

/* Lets a line fire again. */
/*@ requires kernel_wf && ranges_wf && runs(t);
    assigns irq_at[reg_of(t, ARG1)].fired, ghost_machine;
    KERNEL_WF(0)
    behavior refused:
        assumes line_error(t) != ERR_NONE;
        assigns \nothing;
        ensures \result == \old(line_error(t));
    behavior idle:
        assumes line_error(t) == ERR_NONE && irq_at[reg_of(t, ARG1)].fired == 0;
        ensures \result == ERR_STATE;
        ensures fired: irq_at[reg_of(t, ARG1)].fired == 0;
    behavior done:
        assumes line_error(t) == ERR_NONE && irq_at[reg_of(t, ARG1)].fired != 0;
        ensures \result == ERR_NONE;
        ensures fired: irq_at[reg_of(t, ARG1)].fired == 0;
    complete behaviors;
    disjoint behaviors;
*/
SELDOM status_t sys_irq_ack(pfn_t t);

/* Reads a port. */
/*@ requires kernel_wf && ranges_wf && runs(t);
    assigns thread_at[t].reg[ARG0], ghost_machine;
    KERNEL_WF(0)
    behavior refused:
        assumes port_in_error(t) != ERR_NONE;
        assigns \nothing;
        ensures \result == \old(port_in_error(t));
    behavior done:
        assumes port_in_error(t) == ERR_NONE;
        ensures \result == ERR_NONE;
        ensures value: reg_of(t, ARG0) <= UINT32_MAX;
    complete behaviors;
    disjoint behaviors;
*/
SELDOM status_t sys_port_in(pfn_t t);

/* Writes a port. */
/*@ requires kernel_wf && ranges_wf && runs(t);
    assigns ghost_machine;
    KERNEL_WF(0)
    behavior refused:
        assumes port_out_error(t) != ERR_NONE;
        assigns \nothing;
        ensures \result == \old(port_out_error(t));
    behavior done:
        assumes port_out_error(t) == ERR_NONE;
        ensures \result == ERR_NONE;
    complete behaviors;
    disjoint behaviors;
*/
SELDOM status_t sys_port_out(pfn_t t);

/* A handle to part of a device range. */
/*@ requires kernel_wf && runs(t);
    assigns KERNEL_STATE;
    KERNEL_WF(0) */
SELDOM status_t sys_device_narrow(pfn_t t);

/*@ logic integer dma_error{L}(integer t) = find_error(t, reg_of(t, ARG0), KIND_MEMORY, RIGHT_WRITE);
    logic integer dma_entry{L}(integer t) = resolve(process_at[frame_owner[t]].root, reg_of(t, ARG1));
*/

/* Where own memory is for a device: the caller's choice of address, the caller's own page table, and nothing else. */
/*@ requires kernel_wf && runs(t);
    assigns thread_at[t].reg[ARG0 .. ARG1];
    KERNEL_WF(0)
    behavior refused:
        assumes dma_error(t) != ERR_NONE;
        assigns \nothing;
        ensures \result == \old(dma_error(t));
    behavior outside:
        assumes dma_error(t) == ERR_NONE && !user_page(reg_of(t, ARG1));
        assigns \nothing;
        ensures \result == ERR_RANGE;
    behavior unmapped:
        assumes dma_error(t) == ERR_NONE && user_page(reg_of(t, ARG1));
        assumes dma_entry(t) == 0 || dma_entry(t) / PTE_DEVICE % 2 == 1;
        assigns \nothing;
        ensures \result == ERR_UNMAPPED;
    behavior mapped:
        assumes dma_error(t) == ERR_NONE && user_page(reg_of(t, ARG1));
        assumes dma_entry(t) != 0 && dma_entry(t) / PTE_DEVICE % 2 == 0;
        assigns thread_at[t].reg[ARG0 .. ARG1];
        ensures \result == ERR_NONE;
        ensures small: !entry_super(\old(dma_entry(t))) ==>
            reg_of(t, ARG0) == entry_pfn(\old(dma_entry(t))) * PAGE_SIZE + \old(reg_of(t, ARG1)) % SPAN_4K &&
            reg_of(t, ARG1) == SPAN_4K - \old(reg_of(t, ARG1)) % SPAN_4K;
        ensures big: entry_super(\old(dma_entry(t))) && \old(dma_entry(t)) / PTE_GIGA % 2 == 0 ==>
            reg_of(t, ARG0) == entry_pfn(\old(dma_entry(t))) * PAGE_SIZE + \old(reg_of(t, ARG1)) % SPAN_2M &&
            reg_of(t, ARG1) == SPAN_2M - \old(reg_of(t, ARG1)) % SPAN_2M;
        ensures giga: entry_super(\old(dma_entry(t))) && \old(dma_entry(t)) / PTE_GIGA % 2 == 1 ==>
            reg_of(t, ARG0) == entry_pfn(\old(dma_entry(t))) * PAGE_SIZE + \old(reg_of(t, ARG1)) % SPAN_1G &&
            reg_of(t, ARG1) == SPAN_1G - \old(reg_of(t, ARG1)) % SPAN_1G;
    complete behaviors;
    disjoint behaviors;
*/
SELDOM status_t sys_dma_address(pfn_t t);

/* What raises a message-signalled line. */
/*@ requires kernel_wf && ranges_wf && runs(t);
    assigns thread_at[t].reg[ARG0 .. ARG1];
    KERNEL_WF(0)
    behavior refused:
        assumes irq_message_error(t) != ERR_NONE;
        assigns \nothing;
        ensures \result == \old(irq_message_error(t));
    behavior done:
        assumes irq_message_error(t) == ERR_NONE;
        assigns thread_at[t].reg[ARG0 .. ARG1];
        ensures \result == ERR_NONE;
    complete behaviors;
    disjoint behaviors;
*/
SELDOM status_t sys_irq_message(pfn_t t);

#endif
