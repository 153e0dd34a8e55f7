/* SPDX-License-Identifier: MIT */
/* System calls on objects: containers, processes, threads, endpoints, handles. */
#include "core/endpoint.h"
#include "core/sched.h"
#include "core/sys.h"
#include "core/thread.h"

#define QUOTA_MAX 0x100000000u /* pages: more than any machine has */

/* Opens a handle to an object that has an owner, for t, and answers t its number; there is room for it. */
/*@ requires kernel_wf && runs(t) && (is_container(object) || is_process(object) || is_thread(object));
    ensures kernel_wf; */
static RARE void object_open(pfn_t t, uint8_t kind, pfn_t object, uint8_t rights)
{
    struct handle h = handle_to(kind, object, frame_generation[object]);
    h.rights = rights;
    reg_set(t, ARG0, process_handle_open(frame_owner[t], h));
}

status_t sys_container_create(pfn_t t)
{
    struct found c = find(t, reg_get(t, ARG0), KIND_CONTAINER, RIGHT_WRITE);
    if (c.status != ERR_NONE)
        return c.status;
    uint64_t pages = reg_get(t, ARG1);
    uint64_t cpus = reg_get(t, ARG2);
    uint64_t ceiling = reg_get(t, ARG3);
    if (cpus == 0 || (cpus & ~container_at[C(c.object)].cpus) != 0)
        return ERR_CPU;
    if (ceiling > container_at[C(c.object)].ceiling)
        return ERR_PRIORITY;
    if (pages >= QUOTA_MAX)
        return ERR_QUOTA;
    if (container_at[C(c.object)].dying != 0)
        return ERR_DYING;
    status_t status = room_check(frame_owner[t], c.object, pages + 1);
    if (status != ERR_NONE)
        return status;
    pfn_t child = container_create(c.object, pages, cpus, (uint8_t)ceiling);
    container_at[C(child)].name[0] = reg_get(t, ARG4);
    container_at[C(child)].name[1] = reg_get(t, ARG5);
    object_open(t, KIND_CONTAINER, child, RIGHTS_ALL);
    return ERR_NONE;
}

status_t sys_process_create(pfn_t t)
{
    struct found c = find(t, reg_get(t, ARG0), KIND_CONTAINER, RIGHT_WRITE);
    if (c.status != ERR_NONE)
        return c.status;
    struct found e = {ERR_NONE, 0};
    if (reg_get(t, ARG1) != 0)
        e = find(t, reg_get(t, ARG1), KIND_ENDPOINT, RIGHT_SIGNAL);
    if (e.status != ERR_NONE)
        return e.status;
    if (container_at[C(c.object)].dying != 0)
        return ERR_DYING;
    status_t status = room_check(frame_owner[t], c.object, PROCESS_FRAMES);
    if (status != ERR_NONE)
        return status;
    pfn_t p = process_create(c.object);
    process_at[P(p)].name[0] = reg_get(t, ARG3);
    process_at[P(p)].name[1] = reg_get(t, ARG4);
    if (e.object != 0) {
        process_at[P(p)].death_endpoint = e.object;
        process_at[P(p)].death_generation = endpoint_at[E(e.object)].generation;
        process_at[P(p)].death_bits = reg_get(t, ARG2);
    }
    object_open(t, KIND_PROCESS, p, RIGHTS_ALL);
    return ERR_NONE;
}

/* Whether a thread of container c may have this priority and run on this CPU: PRIORITY, CPU. */
/*@ requires is_container(c);
    assigns \nothing;
    ensures status: \result == (priority > container_at[c].ceiling ? ERR_PRIORITY :
        cpu >= CPUS_MAX || (container_at[c].cpus >> cpu) % 2 == 0 || cpu_at[cpu].run == 0 ? ERR_CPU : ERR_NONE);
    ensures place: \result == ERR_NONE ==> priority <= container_at[c].ceiling && cpu_started(cpu); */
static status_t thread_place_check(pfn_t c, uint64_t priority, uint64_t cpu)
{
    if (priority > container_at[C(c)].ceiling)
        return ERR_PRIORITY;
    if (cpu >= CPUS_MAX || (container_at[C(c)].cpus >> cpu) % 2 == 0 || cpu_at[cpu].run == 0)
        return ERR_CPU;
    return ERR_NONE;
}

/* Checks ip, stack and message page: ARGUMENT, ALIGN, RANGE. */
/*@ requires is_thread(t);
    assigns \nothing;
    ensures \result == (reg_of(t, ARG4) >= 2 * SETUP_SUSPENDED ? ERR_ARGUMENT :
        reg_of(t, ARG5) % PAGE_SIZE != 0 ? ERR_ALIGN :
        reg_of(t, ARG5) != 0 && !(USER_BASE <= reg_of(t, ARG5) && reg_of(t, ARG5) + PAGE_SIZE <= USER_TOP) ?
            ERR_RANGE :
        reg_of(t, ARG1) >= USER_TOP || reg_of(t, ARG2) > USER_TOP ? ERR_RANGE : ERR_NONE); */
static status_t thread_addresses_check(pfn_t t)
{
    uint64_t message = reg_get(t, ARG5);
    if (reg_get(t, ARG4) >= 2 * SETUP_SUSPENDED)
        return ERR_ARGUMENT;
    if (message % PAGE_SIZE != 0)
        return ERR_ALIGN;
    if (message != 0 && !user_range(message, 1))
        return ERR_RANGE;
    if (reg_get(t, ARG1) >= USER_TOP || reg_get(t, ARG2) > USER_TOP)
        return ERR_RANGE;
    return ERR_NONE;
}

status_t sys_thread_create(pfn_t t)
{
    struct found p = find_process(t, reg_get(t, ARG0), RIGHT_WRITE);
    if (p.status != ERR_NONE)
        return p.status;
    status_t status = thread_addresses_check(t);
    if (status != ERR_NONE)
        return status;
    uint64_t setup = reg_get(t, ARG4);
    pfn_t c = frame_owner[p.object];
    status = thread_place_check(c, setup % 256, setup / 256 % 256);
    if (status != ERR_NONE)
        return status;
    if (process_at[P(p.object)].dying != 0)
        return ERR_DYING;
    status = room_check(frame_owner[t], c, 1);
    if (status != ERR_NONE)
        return status;
    pfn_t n = thread_create(p.object, (uint8_t)(setup % 256), (uint8_t)(setup / 256 % 256));
    reg_set(n, REG_RIP, reg_get(t, ARG1));
    reg_set(n, REG_RSP, reg_get(t, ARG2));
    reg_set(n, REG_RDI, reg_get(t, ARG3));
    thread_at[T(n)].message_va = reg_get(t, ARG5);
    object_open(t, KIND_THREAD, n, RIGHTS_ALL);
    if ((setup & SETUP_SUSPENDED) == 0) {
        thread_at[T(n)].suspended = 0;
        sched_ready(n);
    }
    return ERR_NONE;
}

/* Gives process p, which has no free handle number, more of them: FULL, QUOTA. */
/*@ requires kernel_wf && is_process(p) && process_at[p].handle_free == 0;
    ensures kernel_wf;
    ensures \result == ERR_NONE ==> process_at[p].handle_free > 0; */
static RARE status_t handles_grow(pfn_t p)
{
    status_t status = room_check(p, frame_owner[p], 0);
    if (status == ERR_NONE)
        process_handles_grow(p);
    return status;
}

/* Process p has a free handle number, perhaps after it got more of them: FULL, QUOTA. */
/*@ requires kernel_wf && is_process(p);
    ensures kernel_wf;
    ensures \result == ERR_NONE ==> process_at[p].handle_free > 0; */
INDEX_GUARD status_t handles_room(pfn_t p)
{
    return process_at[P(p)].handle_free != 0 ? ERR_NONE : handles_grow(p);
}

/* A handle to a new endpoint of process p, for t, whose process has a free number. */
/*@ requires kernel_wf && runs(t) && is_process(p) && process_at[p].endpoint_free > 0;
    requires process_at[frame_owner[t]].handle_free > 0;
    ensures kernel_wf; */
INDEX_GUARD status_t endpoint_open(pfn_t t, pfn_t p)
{
    endpoint_t e = endpoint_create(p);
    struct handle h = handle_to(KIND_ENDPOINT, e, endpoint_at[E(e)].generation);
    reg_set(t, ARG0, handle_install(frame_owner[t], h));
    return ERR_NONE;
}

/* A new endpoint of process p, for t. */
/*@ requires kernel_wf && runs(t) && is_process(p);
    ensures kernel_wf; */
static __attribute__((noinline)) status_t endpoint_make(pfn_t t, pfn_t p)
{
    if (process_at[P(p)].dying != 0)
        return ERR_DYING;
    if (process_at[P(p)].endpoint_free == 0)
        return ERR_FULL;
    status_t status = handles_room(frame_owner[t]);
    return status != ERR_NONE ? status : endpoint_open(t, p);
}

/* sys_endpoint_create in another process than t's. */
/*@ requires kernel_wf && runs(t);
    ensures kernel_wf; */
static RARE status_t endpoint_make_away(pfn_t t)
{
    struct found p = find(t, reg_get(t, ARG0), KIND_PROCESS, RIGHT_WRITE);
    return p.status != ERR_NONE ? p.status : endpoint_make(t, p.object);
}

status_t sys_endpoint_create(pfn_t t)
{
    return reg_get(t, ARG0) == 0 ? endpoint_make(t, frame_owner[t]) : endpoint_make_away(t);
}

/* Destroys an endpoint in pieces. */
/*@ requires kernel_wf && is_queue(e);
    ensures kernel_wf; */
INDEX_GUARD status_t endpoint_destroy(endpoint_t e)
{
    pfn_t p = endpoint_owner(e);
    if (endpoint_at[E(e)].first != 0 && !endpoint_drain(e))
        return ERR_AGAIN;
    endpoint_end(e);
    if (process_at[P(p)].dying == 0)
        endpoint_free(p, e);
    return ERR_NONE;
}

/* Destroys a process in pieces. */
/*@ requires kernel_wf && is_process(p);
    ensures kernel_wf; */
static status_t process_destroy_piece(pfn_t p)
{
    process_end(p, PROCESS_KILLED, 0);
    return process_reap(p) ? ERR_NONE : ERR_AGAIN;
}

/* sys_destroy of a container, process or thread, or of what cannot be destroyed. */
/*@ requires kernel_wf && runs(t);
    ensures kernel_wf; */
static RARE status_t destroy_other(pfn_t t)
{
    slot_t slot = slot_of_thread(t, reg_get(t, ARG0));
    status_t status = slot_check_any(slot, RIGHT_DESTROY);
    if (status == ERR_HANDLE || status == ERR_DEAD)
        return status;
    uint8_t kind = handle_at[H(slot)].kind;
    if (kind > KIND_ENDPOINT)
        return ERR_KIND;
    if (status != ERR_NONE)
        return status;
    uint32_t object = handle_at[H(slot)].object;
    if (kind == KIND_PROCESS)
        return process_destroy_piece(object);
    if (kind == KIND_THREAD) {
        thread_destroy(object);
        return ERR_NONE;
    }
    if (container_at[C(object)].depth == 0)
        return ERR_RIGHTS; /* the root container is for ever */
    return container_reap(object) ? ERR_NONE : ERR_AGAIN;
}

status_t sys_destroy(pfn_t t)
{
    struct fast_way way = fast_way(t, reg_get(t, ARG0), RIGHT_DESTROY);
    return way.open ? endpoint_destroy(handle_at[H(way.slot)].object) : destroy_other(t);
}

/* Opens a copy of a checked handle in process p, which has a free number, as t asks. */
/*@ requires kernel_wf && runs(t) && is_process(p) && is_slot(slot) && process_at[p].handle_free > 0;
    ensures kernel_wf; */
INDEX_GUARD status_t copy_open(pfn_t t, pfn_t p, slot_t slot)
{
    struct handle h = handle_at[H(slot)];
    h.rights &= (uint8_t)reg_get(t, ARG2);
    if (reg_get(t, ARG3) != 0)
        h.badge = reg_get(t, ARG3);
    reg_set(t, ARG0, handle_install(p, h));
    return ERR_NONE;
}

/* A copy of a live handle that may be copied, for process p. */
/*@ requires kernel_wf && runs(t) && is_process(p) && is_slot(slot);
    ensures kernel_wf; */
static __attribute__((noinline)) status_t handle_copy_live(pfn_t t, pfn_t p, slot_t slot)
{
    if (reg_get(t, ARG2) > RIGHTS_ALL)
        return ERR_ARGUMENT;
    if (reg_get(t, ARG3) != 0 &&
        (handle_at[H(slot)].kind != KIND_ENDPOINT || handle_at[H(slot)].badge != 0))
        return ERR_ARGUMENT;
    if (process_at[P(p)].dying != 0)
        return ERR_DYING;
    status_t status = handles_room(p);
    return status != ERR_NONE ? status : copy_open(t, p, slot);
}

/* handle_copy, where the handle is no way to an endpoint. */
/*@ requires kernel_wf && runs(t) && is_process(p);
    ensures kernel_wf; */
static RARE status_t handle_copy_other(pfn_t t, pfn_t p)
{
    slot_t slot = slot_of_thread(t, reg_get(t, ARG1));
    status_t status = slot_check_any(slot, RIGHT_COPY);
    return status != ERR_NONE ? status : handle_copy_live(t, p, slot);
}

/* A copy of the handle that t names, for process p. */
/*@ requires kernel_wf && runs(t) && is_process(p);
    ensures kernel_wf; */
INDEX_GUARD status_t handle_copy(pfn_t t, pfn_t p)
{
    struct fast_way way = way_find(t, reg_get(t, ARG1), RIGHT_COPY);
    return way.open ? handle_copy_live(t, p, way.slot) : handle_copy_other(t, p);
}

/* sys_handle_copy into another process than t's. */
/*@ requires kernel_wf && runs(t);
    ensures kernel_wf; */
static RARE status_t handle_copy_away(pfn_t t)
{
    struct found p = find(t, reg_get(t, ARG0), KIND_PROCESS, RIGHT_WRITE);
    return p.status != ERR_NONE ? p.status : handle_copy_other(t, p.object);
}

status_t sys_handle_copy(pfn_t t)
{
    return reg_get(t, ARG0) == 0 ? handle_copy(t, frame_owner[t]) : handle_copy_away(t);
}

/* Closes a reply handle, whose call is given up. */
/*@ requires kernel_wf && is_process(p) && is_slot(slot);
    ensures kernel_wf; */
static RARE status_t reply_close(pfn_t p, slot_t slot, uint32_t number)
{
    handle_abandon(slot);
    handle_remove(p, number);
    return ERR_NONE;
}

status_t sys_handle_close(pfn_t t)
{
    pfn_t p = frame_owner[t];
    uint64_t number = reg_get(t, ARG0);
    slot_t slot = handle_slot(p, number);
    if (slot == 0)
        return ERR_HANDLE;
    if (handle_at[H(slot)].kind == KIND_REPLY)
        return reply_close(p, slot, (uint32_t)number);
    handle_remove(p, (uint32_t)number);
    return ERR_NONE;
}

status_t sys_handle_info(pfn_t t)
{
    slot_t slot = slot_of_thread(t, reg_get(t, ARG0));
    if (slot == 0)
        return ERR_HANDLE;
    reg_set(t, ARG0, handle_live(slot) ? handle_at[H(slot)].kind : KIND_NONE);
    reg_set(t, ARG1, handle_at[H(slot)].rights);
    reg_set(t, ARG2, handle_at[H(slot)].kind == KIND_ENDPOINT ? handle_at[H(slot)].badge : 0);
    return ERR_NONE;
}

/*@ logic integer child_slot{L}(integer t, integer number) = open_slot(frame_owner[t], number);
    logic integer child_found{L}(integer t, integer parent, integer number) =
        number == 0 ? own_first[parent] : own_next[handle_at[child_slot(t, number)].object];
    logic integer child_error{L}(integer t, integer parent, integer number) =
        number != 0 && child_slot(t, number) == 0 ? ERR_HANDLE :
        number != 0 && life(child_slot(t, number)) == 0 ? ERR_DEAD :
        number != 0 && (handle_at[child_slot(t, number)].kind > KIND_THREAD ||
            frame_owner[handle_at[child_slot(t, number)].object] != parent) ? ERR_ARGUMENT :
        child_found(t, parent, number) == 0 ? ERR_UNMAPPED : ERR_NONE; */

/* The child of parent after the one that handle number of t names (0: the first): HANDLE, DEAD, ARGUMENT, UNMAPPED. */
/*@ requires kernel_wf && is_thread(t) && (is_container(parent) || is_process(parent));
    assigns \nothing;
    ensures status: \result.status == child_error(t, parent, number);
    ensures child: \result.status == ERR_NONE ==>
        \result.object != 0 && \result.object == child_found(t, parent, number); */
static struct found child_after(pfn_t t, pfn_t parent, uint64_t number)
{
    struct found f = {ERR_NONE, own_first[parent]};
    if (number != 0) {
        slot_t slot = slot_of_thread(t, number);
        f.status = slot_check_any(slot, 0);
        if (f.status != ERR_NONE)
            return f;
        uint32_t child = handle_at[H(slot)].object;
        if (handle_at[H(slot)].kind > KIND_THREAD || frame_owner[child] != parent)
            f.status = ERR_ARGUMENT;
        else
            f.object = own_next[child];
    }
    if (f.status == ERR_NONE && f.object == 0)
        f.status = ERR_UNMAPPED;
    return f;
}

/* The kind of handle for an object that has an owner. */
/*@ requires is_container(p) || is_process(p) || is_thread(p);
    assigns \nothing;
    ensures \result == (frame_kind[p] == FRAME_CONTAINER ? KIND_CONTAINER :
        frame_kind[p] == FRAME_PROCESS ? KIND_PROCESS : KIND_THREAD); */
static uint8_t object_kind(pfn_t p)
{
    if (frame_kind[p] == FRAME_CONTAINER)
        return KIND_CONTAINER;
    return frame_kind[p] == FRAME_PROCESS ? KIND_PROCESS : KIND_THREAD;
}

/* The slot, as object, of the handle that t names, which is one to a container or process, to read: HANDLE, DEAD, KIND, RIGHTS. */
/*@ requires kernel_wf && is_thread(t);
    assigns \nothing;
    ensures status: \result.status == owner_error(t);
    ensures slot: \result.object == owner_handle(t);
    ensures open: \result.status == ERR_NONE ==> is_slot(\result.object);
    ensures container: \result.status == ERR_NONE && handle_at[\result.object].kind == KIND_CONTAINER ==>
        is_container(handle_at[\result.object].object);
    ensures process: \result.status == ERR_NONE && handle_at[\result.object].kind != KIND_CONTAINER ==>
        handle_at[\result.object].kind == KIND_PROCESS && is_process(handle_at[\result.object].object); */
static RARE struct found owner_slot(pfn_t t)
{
    struct found f = {ERR_NONE, slot_of_thread(t, reg_get(t, ARG0))};
    f.status = slot_check_any(f.object, RIGHT_READ);
    if (f.status == ERR_HANDLE || f.status == ERR_DEAD)
        return f;
    uint8_t kind = handle_at[H(f.object)].kind;
    if (kind != KIND_CONTAINER && kind != KIND_PROCESS)
        f.status = ERR_KIND;
    return f;
}

status_t sys_child_next(pfn_t t)
{
    struct found owner = owner_slot(t);
    if (owner.status != ERR_NONE)
        return owner.status;
    slot_t slot = owner.object;
    struct found child = child_after(t, handle_at[H(slot)].object, reg_get(t, ARG1));
    if (child.status != ERR_NONE)
        return child.status;
    status_t status = handle_room_check(frame_owner[t]);
    if (status != ERR_NONE)
        return status;
    uint8_t kind_of_child = object_kind(child.object);
    reg_set(t, ARG1, kind_of_child);
    object_open(t, kind_of_child, child.object,
                handle_at[H(slot)].rights); /* as much as over the owner */
    return ERR_NONE;
}

status_t sys_object_name(pfn_t t)
{
    struct found owner = owner_slot(t);
    if (owner.status != ERR_NONE)
        return owner.status;
    uint32_t object = handle_at[H(owner.object)].object;
    bool container = handle_at[H(owner.object)].kind == KIND_CONTAINER;
    reg_set(t, ARG0, container ? container_at[C(object)].name[0] : process_at[P(object)].name[0]);
    reg_set(t, ARG1, container ? container_at[C(object)].name[1] : process_at[P(object)].name[1]);
    return ERR_NONE;
}

status_t sys_container_info(pfn_t t)
{
    struct found c = find(t, reg_get(t, ARG0), KIND_CONTAINER, RIGHT_READ);
    if (c.status != ERR_NONE)
        return c.status;
    reg_set(t, ARG0, container_at[C(c.object)].total);
    reg_set(t, ARG1, container_at[C(c.object)].used);
    reg_set(t, ARG2, container_at[C(c.object)].carved);
    reg_set(t, ARG3, container_at[C(c.object)].cpus);
    reg_set(t, ARG4, container_at[C(c.object)].ceiling);
    reg_set(t, ARG5, container_at[C(c.object)].depth);
    return ERR_NONE;
}

status_t sys_process_info(pfn_t t)
{
    struct found p = find_process(t, reg_get(t, ARG0), RIGHT_READ);
    if (p.status != ERR_NONE)
        return p.status;
    reg_set(t, ARG0, process_at[P(p.object)].state);
    reg_set(t, ARG1, process_at[P(p.object)].code);
    reg_set(t, ARG2, process_at[P(p.object)].fault_address);
    reg_set(t, ARG3, process_at[P(p.object)].fault_ip);
    reg_set(t, ARG4, process_at[P(p.object)].fault_thread);
    reg_set(t, ARG5, process_at[P(p.object)].charged);
    return ERR_NONE;
}

status_t sys_thread_info(pfn_t t)
{
    struct found n = find(t, reg_get(t, ARG0), KIND_THREAD, RIGHT_READ);
    if (n.status != ERR_NONE)
        return n.status;
    reg_set(t, ARG0, thread_at[T(n.object)].state);
    reg_set(t, ARG1, thread_at[T(n.object)].priority);
    reg_set(t, ARG2, thread_at[T(n.object)].cpu);
    reg_set(t, ARG3, thread_at[T(n.object)].ticks);
    reg_set(t, ARG4, thread_at[T(n.object)].number);
    reg_set(t, ARG5, thread_at[T(n.object)].syscalls);
    return ERR_NONE;
}
