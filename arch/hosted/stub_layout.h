/* SPDX-License-Identifier: MIT */
/*
 * Where things are in an address-space process (a stub): shared by stub_program.S, its linker script and stub.c. All of it is
 * above USER_TOP, so no address a program may use is taken.
 */
#ifndef HOSTED_STUB_LAYOUT_H
#define HOSTED_STUB_LAYOUT_H

#define STUB_BASE                                                                                  \
    0x700000200000 /* the stub's one page: ELF header, code, filter; read and execute */
#define STUB_GATE 0x700000200200 /* syscall; int3: the only system call instruction that acts */
#define STUB_GATE_AFTER 0x700000200202 /* the instruction pointer the filter sees */
#define STUB_GATE_DONE 0x700000200203  /* the instruction pointer at the stop after it */
#define STUB_ALT_STACK 0x700000300000  /* there only while an error code is read (fault.c) */
#define STUB_ALT_BYTES 0x10000
#define STUB_HOST_TOP 0x7ffffffff000 /* end of a host process's addresses */

#endif
