/* SPDX-License-Identifier: MIT */
/*
 * The user ABI: constants and layouts shared by the kernel and every program. Plain C, no other header than
 * <stdint.h>. Numbers of system calls and errors come from syscalls.def and errors.def.
 */
#ifndef ATMOS_ABI_H
#define ATMOS_ABI_H

#include <stdint.h>

#define PAGE_SIZE 4096u
#define PAGES_2M 512u
#define PAGES_1G 262144u

/* User addresses are USER_BASE <= va < USER_TOP, on every machine the kernel runs on. */
#define USER_BASE 0x10000u
#define USER_TOP 0x700000000000u

/* Limits. All other numbers (processes, threads, containers, depth) are bounded by memory and quota alone. */
#define HANDLES_MAX 1024u     /* open handles a process, number 0 not used */
#define ENDPOINTS_MAX 128u    /* endpoints owned by one process */
#define MESSAGE_WORDS_MAX 64u /* words a message */
#define MESSAGE_ITEMS_MAX 4u  /* pages and handles a message */
#define REGISTER_WORDS 4u     /* message words carried in registers */
#define PRIORITIES 64u        /* 0 lowest .. 63 highest */
#define CPUS_MAX 64u
#define LOG_MAX 256u   /* bytes of one log line */
#define MAP_PIECE 16u  /* fresh 4 KiB pages one map call maps at most */
#define PAGE_PIECE 32u /* pages one unmap, protect, share or device_map call handles at most */

#define ERROR(number, name, text) ERR_##name = number,
enum atm_error {
    ERR_NONE = 0,
#include "errors.def"
    ERR_LAST
};
#undef ERROR

#define SYSCALL(number, name, group, nargs, args, results, errors, text) SYS_##name = number,
enum atm_syscall {
#include "syscalls.def"
    SYS_COUNT
};
#undef SYSCALL

/* Page flags: permissions, size, and (from query) the most permissions the mapping may be given. */
#define PAGE_READ 1u
#define PAGE_WRITE 2u
#define PAGE_EXECUTE 4u /* never together with PAGE_WRITE */
#define PAGE_SIZE_4K 0u
#define PAGE_SIZE_2M 16u
#define PAGE_SIZE_1G 32u
#define PAGE_MAX_WRITE 256u
#define PAGE_MAX_EXECUTE 512u
#define PAGE_DEVICE 1024u

/* Kinds of handle. */
enum atm_kind {
    KIND_NONE,
    KIND_CONTAINER,
    KIND_PROCESS,
    KIND_THREAD,
    KIND_ENDPOINT,
    KIND_REPLY,
    KIND_IRQS,
    KIND_PORTS,
    KIND_MEMORY,
    KIND_LAST
};

/* Rights of a handle; they only ever shrink. */
#define RIGHT_SEND 1u     /* endpoint: send and call */
#define RIGHT_RECEIVE 2u  /* endpoint: receive */
#define RIGHT_SIGNAL 4u   /* endpoint: signal */
#define RIGHT_GRANT 8u    /* endpoint: messages through it may carry pages and handles */
#define RIGHT_READ 16u    /* look: information, query, children, device input, share from */
#define RIGHT_WRITE 32u   /* change: map, create in, registers, priority, device output, claim */
#define RIGHT_DESTROY 64u /* destroy */
#define RIGHT_COPY 128u   /* may be copied and sent */
#define RIGHTS_ALL 255u

/*
 * A message's tag. Sent: bits 0-6 words, 8-10 items, flags NONBLOCK and DEADLINE, 32-63 label; all else 0.
 * Received: the same words, items and label, with EVENT, CALL or FAULT in place of the flags.
 */
#define TAG_WORDS(tag) ((tag) % 128u)
#define TAG_ITEMS(tag) ((tag) / 256u % 8u)
#define TAG_LABEL(tag) ((tag) >> 32)
#define TAG(label, words, items)                                                                   \
    ((uint64_t)(label) << 32 | (uint64_t)(items) << 8 | (uint64_t)(words))
#define TAG_NONBLOCK 0x1000u /* do not wait */
#define TAG_DEADLINE 0x2000u /* wait until the time in rbx (ns since boot) at most */
#define TAG_EVENT 0x4000u    /* received: event bits, in w0 */
#define TAG_CALL 0x8000u     /* received: the sender waits for an answer */
#define TAG_FAULT                                                                                  \
    0x10000u /* received: a fault of a thread; w0 kind, w1 address, w2 ip, w3 thread number */

/*
 * The answer to a fault: label FAULT_RESUME lets the thread run with its (possibly changed) registers, any other label
 * leaves it suspended.
 */
#define FAULT_RESUME 0u

/* Kinds of fault. */
enum atm_fault {
    FAULT_NONE,
    FAULT_READ,    /* read of an unmapped or forbidden address */
    FAULT_WRITE,   /* write of an unmapped or read-only address */
    FAULT_EXECUTE, /* jump to an unmapped or non-executable address */
    FAULT_ILLEGAL, /* illegal or privileged instruction, bad segment */
    FAULT_DIVIDE,
    FAULT_BREAKPOINT,
    FAULT_FLOAT,
    FAULT_ALIGNMENT,
    FAULT_OTHER,
    FAULT_LAST
};

/* Items of a message: pages and handles. */
#define ITEM_HANDLE 1u /* value: handle number; rights; badge for an unbadged endpoint handle */
#define ITEM_PAGE 2u   /* value: address of one mapped 4 KiB page; rights: page permissions */
#define ITEM_MOVE 1u   /* flag: the sender loses it */

struct atm_item {
    uint64_t kind;
    uint64_t value; /* received: the new handle's number, or the address where the page is */
    uint64_t rights;
    uint64_t badge_flags; /* handle: badge * 2 + move; page: move */
};

/* A thread's message page. Words 0 to 3 travel in registers; their places here are not used. */
struct atm_message {
    uint64_t word[MESSAGE_WORDS_MAX];
    struct atm_item item[MESSAGE_ITEMS_MAX];
    uint64_t receive_va;    /* where received pages land, one after the other; 0: none are taken */
    uint64_t receive_pages; /* how many fit there */
};

/* User registers as regs_read and regs_write see them, and their places in a thread object. */
enum atm_reg {
    REG_RAX, /* call number, then status */
    REG_RDI, /* a0 r0 */
    REG_RSI, /* a1 r1 */
    REG_RDX, /* a2 r2 */
    REG_R10, /* a3 r3 */
    REG_R8,  /* a4 r4 */
    REG_R9,  /* a5 r5 */
    REG_RBX, /* deadline */
    REG_RBP,
    REG_R12,
    REG_R13,
    REG_R14,
    REG_R15,
    REG_RCX,
    REG_R11,
    REG_RSP,
    REG_RIP,
    REG_RFLAGS,
    REG_FS_BASE,
    REG_COUNT
};
struct atm_regs {
    uint64_t reg[REG_COUNT];
};

/* States of processes and threads as process_info and thread_info report them. */
enum atm_process_state { PROCESS_ALIVE, PROCESS_EXITED, PROCESS_FAULTED, PROCESS_KILLED };
enum atm_thread_state {
    THREAD_RUNNING,
    THREAD_READY,
    THREAD_SENDING,   /* waits in an endpoint's queue to send or call */
    THREAD_RECEIVING, /* waits in an endpoint's queue to receive */
    THREAD_CALLING,   /* its call was taken, it waits for the answer */
    THREAD_FAULTED,   /* its fault was taken by a handler, it waits for the answer */
    THREAD_SUSPENDED,
    THREAD_STATES
};

/* thread_create's setup word. */
#define SETUP(priority, cpu) ((uint64_t)(priority) | (uint64_t)(cpu) << 8)
#define SETUP_SUSPENDED 0x10000u

/*
 * What the first process finds: one page of this at BOOT_INFO_VA, the initial ramdisk read-only at INITRD_VA, its stack
 * below STACK_TOP, and these handles with all rights.
 */
#define BOOT_INFO_VA 0x6ff000000000u
#define INITRD_VA 0x6f0000000000u
#define INIT_STACK_TOP 0x6fe000000000u
#define INIT_STACK_PAGES 16u
#define INIT_MESSAGE_VA 0x6ff000001000u
#define BOOT_MAGIC 0x534f4d5441u /* "ATMOS" */
enum atm_boot_handle {
    BOOT_CONTAINER = 1,
    BOOT_PROCESS,
    BOOT_THREAD,
    BOOT_IRQS,
    BOOT_PORTS,
    BOOT_MEMORY,
    BOOT_HANDLES
};
struct atm_boot_info {
    uint64_t magic;
    uint64_t initrd_bytes;
    uint64_t memory_pages; /* all RAM the kernel manages */
    uint64_t cpus;
    uint64_t rsdp;    /* physical address of the ACPI root pointer, 0: none */
    uint64_t machine; /* MACHINE_HOSTED or MACHINE_X86_64, for messages to people only */
    uint64_t ecam; /* physical address of PCI configuration space for bus 0; 0: only by ports 0xcf8, 0xcfc */
    uint64_t ecam_first; /* first and last bus it holds */
    uint64_t ecam_last;
    char command[1024]; /* what to run instead of an interactive shell, "" for none; ends in 0 */
};
enum { MACHINE_HOSTED = 1, MACHINE_X86_64 = 2 };

/*
 * Port EXIT_PORT (4 bytes wide) ends the system with a status 0..127, on both builds: QEMU's isa-debug-exit device at
 * this address, and the hosted machine. COM1 is at COM1_PORT, interrupt line COM1_IRQ.
 */
#define EXIT_PORT 0xf4u
#define COM1_PORT 0x3f8u
#define COM1_IRQ 4u

/* Interrupt lines IRQ_MESSAGE_FIRST .. + IRQ_MESSAGES - 1 are message-signalled: edges, never shared; irq_message says
   what a device writes where. */
#define IRQ_MESSAGE_FIRST 128u
#define IRQ_MESSAGES 64u

#endif
