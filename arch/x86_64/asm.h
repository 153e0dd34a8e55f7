/* SPDX-License-Identifier: MIT */
/*
 * Numbers that C, assembly and the linker script share: the address-space layout, segment selectors, vectors, and the
 * places of fields that assembly reads. cpu.c asserts that the field places match the structures.
 *
 *   PML4 slot 256..262   the typed windows: all of RAM, once per object type, through one shared table
 *             264        device registers of the kernel's own (LAPIC, IOAPIC, HPET) and a passage to ACPI tables
 *             511        the kernel image at -2 GiB, and behind it the per-frame arrays, 64 MiB of addresses each
 */
#ifndef X86_ASM_H
#define X86_ASM_H

#define X86_WINDOW_BASE 0xffff800000000000
#define X86_WINDOW_STRIDE 0x8000000000
#define X86_WINDOW_SLOT 256
#define X86_PHYS_WINDOW 6 /* page_at: also how this folder reaches physical memory */
#define X86_ARRAY_BASE 0xffffffff84000000
#define X86_ARRAY_STRIDE 0x4025140 /* 64 MiB, 37 pages, 5 lines: see windows.h */
#define X86_DEVICE_BASE 0xffff840000000000
#define X86_DEVICE_SLOT 264
#define X86_IMAGE_SLOT 511
#define X86_IMAGE_BASE 0xffffffff80000000
#define X86_IMAGE_LOAD 0x200000 /* physical address of the image */

/* Selectors. SYSRET takes CS = base + 16 and SS = base + 8 from STAR, so user data comes before
   user code. There is no 32-bit user code segment. */
#define X86_KERNEL_CODE 0x08
#define X86_KERNEL_DATA 0x10
#define X86_USER_DATA 0x1b
#define X86_USER_CODE 0x23
#define X86_TSS 0x28
#define X86_SYSRET_BASE 0x13

#define X86_STACK_BYTES 16384
#define X86_STACK_STRIDE (4096 + X86_STACK_BYTES) /* with the guard page below */

/* Vectors. The two 8259s are masked but may still raise spurious interrupts at 0x27 and 0x2f. */
#define X86_VECTOR_LINE 0x30 /* first interrupt line */
#define X86_LINES 192
#define X86_VECTOR_ERROR 0xfc
#define X86_VECTOR_KICK 0xfd
#define X86_VECTOR_TIMER 0xfe
#define X86_VECTOR_SPURIOUS 0xff

/* The system calls call, reply_receive, receive and this one, 0 to 3, have ways of their own. */
#define SYS_SIGNAL 3
#define X86_REGISTER_WORDS 4 /* REGISTER_WORDS */
#define X86_SWITCH 0x1000000 /* FRAMES_MAX: x86_syscall answers this and a frame, or a status */

/* struct x86_cpu */
#define CPU_SELF 0
#define CPU_SCRATCH 8
#define CPU_REGS 16
#define CPU_STACK 24
#define CPU_CURRENT 32
#define CPU_SMAP 40
#define CPU_FPU_MASK 48
#define CPU_FPU_AREA 56

/* struct thread */
#define THREAD_FPU 1024
#define THREAD_FPU_USED 262

/* enum atm_reg, times 8. CPU_REGS points to rip, so that one PUSH stores rsp below it. */
#define R_RAX 0
#define R_RDI 8
#define R_RSI 16
#define R_RDX 24
#define R_R10 32
#define R_R8 40
#define R_R9 48
#define R_RBX 56
#define R_RBP 64
#define R_R12 72
#define R_R13 80
#define R_R14 88
#define R_R15 96
#define R_RCX 104
#define R_R11 112
#define R_RSP 120
#define R_RIP 128
#define R_RFLAGS 136

#endif
