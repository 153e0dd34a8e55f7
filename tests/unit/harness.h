/* SPDX-License-Identifier: MIT */
/*
 * A small machine for tests, driven by real system calls. machine_setup boots the kernel with a first process of two
 * instructions and carves a container, the box, in which a test does all it does. machine_teardown destroys the box and
 * fails when a frame, a unit of quota or a handle slot is not back.
 *
 * sys(thread, number, a0, ...) puts registers into a thread, makes it the running one and enters the kernel as an
 * architecture would. After every entry all invariants are checked; a call that fails must list its error in
 * syscalls.def and must have changed nothing but the caller's rax, rcx and r11.
 */
#ifndef TESTS_HARNESS_H
#define TESTS_HARNESS_H

#include "arch/hosted/hosted.h"
#include "core/kernel.h"
#include "tests/unit/calls.h"
#include "tests/unit/memory.h"

#define MACHINE_FRAMES 8192u /* 32 MiB */
#define BOX_PAGES 4096u
#define BOX_CEILING 40u
#define ACTOR_PRIORITY 10u

/* What sys returns beside errors. */
#define OK 0
#define BLOCKED (-1) /* the thread waits; its status comes later */
#define GONE (-2)    /* the thread, or its process, is no more */
#define STOPPED (-3) /* it is suspended, or its process has ended */

extern pfn_t init_thread; /* the first process's thread; has the handles of abi.h with all rights */
extern uint64_t box;      /* init's handle to the box */
extern pfn_t box_frame;

int machine_setup(void **state);
int machine_teardown(void **state);
#define machine_test(f) cmocka_unit_test_setup_teardown(f, machine_setup, machine_teardown)

/* ---- entering the kernel ---- */

/* number, a0 .. a5; those left out are 0. */
#define sys(thread, ...) sys_array(thread, (uint64_t[7]){__VA_ARGS__})
int sys_array(pfn_t thread, const uint64_t *number_and_args);

/* Result register r0 .. r5 as it is in the thread now. */
uint64_t result(pfn_t thread, uint32_t i);

/* How the wait of a blocked thread ended: OK or an error, or BLOCKED if it has not. */
int outcome(pfn_t thread);

/* Sets the deadline register of a thread, for calls with TAG_DEADLINE. */
void deadline(pfn_t thread, uint64_t time);

/* The running thread faults; a timer entry after some time; an interrupt. Each returns the thread to run. */
pfn_t fault(pfn_t thread, uint32_t kind, uint64_t address);
pfn_t tick(uint64_t nanoseconds);
pfn_t interrupt(uint32_t line);

/* Makes a ready thread the running one, as if the scheduler had picked it. */
void make_current(pfn_t thread);

/* 0: failed calls are not held to having changed nothing (millions of random calls look at a part of them). */
extern uint32_t check_unchanged_every;
/* 0: invariants are looked at by the test itself. */
extern uint32_t check_invariants_every;

/* ---- actors: a process with one thread, made by init in a container ---- */

#define ACTOR_CODE 0x400000u
#define ACTOR_DATA 0x500000u    /* one page, read and write */
#define ACTOR_MESSAGE 0x600000u /* message page */
#define ACTOR_RECEIVE 0x700000u /* where it likes to receive pages; nothing is mapped */
#define ACTOR_STACK 0x800000u

struct actor {
    pfn_t process;
    pfn_t thread;
    uint64_t process_handle; /* init's */
    uint64_t thread_handle;  /* init's */
};

/* In the container of init's handle; made by init, priority ACTOR_PRIORITY; it has no handles. */
struct actor actor_new(uint64_t container);

/* One more thread in its process; *handle (may be NULL) is init's. */
pfn_t actor_thread(struct actor a, uint64_t setup, uint64_t *handle);

/* Copies init's handle to it; returns its number there. */
uint64_t actor_give(struct actor a, uint64_t handle, uint64_t rights, uint64_t badge);

/* An endpoint owned by init, as init's handle. Closed by the teardown, destroyed too. */
uint64_t endpoint_new(void);

/* Destroys by init until it is done. */
void destroy_all(uint64_t handle);

/* What a process's handle names: frame or endpoint. */
uint32_t object_of(pfn_t process, uint64_t handle);

/* Open handles of a process. */
uint32_t handles_open(pfn_t process);

/* User memory of a process through its page tables. The page must be mapped. */
uint64_t peek(pfn_t process, uint64_t va);
void poke(pfn_t process, uint64_t va, uint64_t value);
bool is_mapped(pfn_t process, uint64_t va);

/* Item i of an actor's message page; address of word i there. */
void item_set(struct actor a, uint32_t i, struct atm_item item);
struct atm_item item_get(struct actor a, uint32_t i);
void receive_window(struct actor a, uint64_t va, uint64_t pages);

/* Fails the test, with names, unless sys gave what was expected. */
#define expect(expected, got) expect_at((got), (expected), __FILE__, __LINE__)
void expect_at(int got, int expected, const char *file, int line);

#endif
