/* SPDX-License-Identifier: MIT */
/*
 * The first instructions of every program: ends the chain of frames, aligns the stack, goes to C.
 */
    .section .text._start, "ax"
    .globl _start
    .type _start, @function
_start:
    xorl %ebp, %ebp
    andq $-16, %rsp
    call start_main
    ud2
    .size _start, . - _start
    .section .note.GNU-stack, "", @progbits
