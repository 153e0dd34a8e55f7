/* SPDX-License-Identifier: MIT */
/*
 * From the loader to C. Owns the PVH note, the multiboot2 header, and the tables and stack used
 * until paging.c has built the final ones. Both loaders enter in 32-bit protected mode, paging off,
 * with a physical address in ebx: PVH's start info or multiboot2's tags. The early tables map the
 * first 4 GiB at 0 and in the window for physical memory, and the first GiB at the kernel's base.
 * Linked at its load address; everything else is linked high.
 */
#include "asm.h"

#define PHYS(symbol) (symbol - X86_IMAGE_BASE)
#define CR0_BITS 0x80050033 /* PG AM WP NE ET MP PE */
#define CR4_PAE 0x20
#define EFER 0xc0000080
#define EFER_BITS 0x901 /* NXE LME SCE */

    .section .boot, "ax"
    .balign 8
header:
    .long 0xe85250d6, 0, header_end - header
    .long -(0xe85250d6 + (header_end - header))
    .balign 8
    .word 6, 0 /* modules on page boundaries */
    .long 8
    .balign 8
    .word 3, 0 /* entry */
    .long 12, multiboot_start
    .balign 8
    .word 0, 0
    .long 8
header_end:

    .section .note.pvh, "a", @note
    .balign 4
    .long 4, 8, 18 /* XEN_ELFNOTE_PHYS32_ENTRY */
    .asciz "Xen"
    .quad pvh_start

    .section .boot, "ax"
    .code32
    .globl pvh_start, multiboot_start
pvh_start:
    movl $1, %ebp
    jmp start
multiboot_start:
    movl $2, %ebp
    cmpl $0x36d76289, %eax
    je start
    xorl %ebp, %ebp
start:
    cli
    cld
    movl $PHYS(early_stack_top), %esp
    movl %ebx, %edi

    /* A processor without long mode and NX cannot run this kernel: say so. */
    movl $0x80000000, %eax
    cpuid
    cmpl $0x80000001, %eax
    jb unfit
    movl $0x80000001, %eax
    cpuid
    andl $0x20100000, %edx
    cmpl $0x20100000, %edx
    jne unfit

    /* Four directories of 2 MiB pages, then the tables above them. */
    movl $PHYS(early_directories), %ebx
    movl $0x83, %eax
    xorl %ecx, %ecx
1:  movl %eax, (%ebx,%ecx,8)
    addl $0x200000, %eax
    incl %ecx
    cmpl $2048, %ecx
    jb 1b
    movl $PHYS(early_pdpt), %esi
    leal 3(%ebx), %eax
    xorl %ecx, %ecx
2:  movl %eax, (%esi,%ecx,8)
    addl $4096, %eax
    incl %ecx
    cmpl $4, %ecx
    jb 2b
    leal 3(%ebx), %eax
    movl %eax, PHYS(early_pdpt_high) + 510 * 8
    movl $PHYS(early_pml4), %edx
    leal 3(%esi), %eax
    movl %eax, (%edx)
    movl %eax, (X86_WINDOW_SLOT + X86_PHYS_WINDOW) * 8(%edx)
    movl $PHYS(early_pdpt_high) + 3, %eax
    movl %eax, 511 * 8(%edx)

    movl $CR4_PAE, %eax
    movl %eax, %cr4
    movl %edx, %cr3
    movl $EFER, %ecx
    rdmsr
    orl $EFER_BITS, %eax
    wrmsr
    movl $CR0_BITS, %eax
    movl %eax, %cr0
    lgdt early_gdt_pointer
    ljmp $X86_KERNEL_CODE, $start64

unfit:
    movl $unfit_text, %esi
    movw $0x3f8, %dx
3:  lodsb
    testb %al, %al
    jz 4f
    outb %al, %dx
    jmp 3b
4:  hlt
    jmp 4b
unfit_text:
    .asciz "atmos: this processor has no 64-bit mode or no NX bit\n"

    .code64
start64:
    xorl %eax, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movl %eax, %fs
    movl %eax, %gs
    movq $early_stack_top, %rsp
    movl %edi, %esi
    movl %ebp, %edi
    xorl %ebp, %ebp
    movabsq $x86_boot, %rax
    call *%rax
    ud2

    .balign 8
early_gdt:
    .quad 0, 0x00af9b000000ffff, 0x00cf93000000ffff
early_gdt_pointer:
    .word 23
    .long early_gdt

    .section .bss.early, "aw", @nobits
    .balign 4096
early_pml4:
    .skip 4096
early_pdpt:
    .skip 4096
early_pdpt_high:
    .skip 4096
early_directories:
    .skip 4 * 4096
early_stack:
    .skip X86_STACK_BYTES
early_stack_top:
