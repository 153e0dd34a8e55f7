/* SPDX-License-Identifier: MIT */
/* The stub's ELF file as a part of the kernel's: it is run from memory, so no path is needed. */
        .section .rodata
        .globl  stub_image, stub_image_end
        .balign 16
stub_image:
        .incbin STUB_ELF
stub_image_end:
        .section .note.GNU-stack, "", @progbits
