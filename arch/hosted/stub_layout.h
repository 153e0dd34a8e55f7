/* SPDX-License-Identifier: MIT */
/*
 * Where things are in an address-space process (a stub): shared by stub_program.S, its linker script and stub.c. All of it is
 * above USER_TOP, so no address a program may use is taken.
 */
#ifndef HOSTED_STUB_LAYOUT_H
#define HOSTED_STUB_LAYOUT_H

#define STUB_BASE                                                                                  \
    0x700000200000 /* the stub's one page: ELF header, code, filter, list; read and execute */
#define STUB_GATE 0x700000200200       /* syscall: the only one that acts */
#define STUB_GATE_AFTER 0x700000200202 /* the instruction pointer the filter sees */
#define STUB_NEXT 0x700000200240 /* makes the calls of the list from r12 to r13, then stops, */
#define STUB_DONE 0x700000200281 /* with this instruction pointer */
#define STUB_EXIT 0x7000002002c0 /* ends the process, with status r15 */
#define STUB_LIST 0x700000200800 /* calls: number, six arguments, the result it must have */
#define STUB_LIST_AT 0x800       /* in the page */
#define STUB_CALLS_MAX 32
#define STUB_ALT_STACK 0x700000300000 /* there only while an error code is read (fault.c) */
#define STUB_ALT_BYTES 0x10000
#define STUB_HOST_TOP 0x7ffffffff000 /* end of a host process's addresses */

#endif
