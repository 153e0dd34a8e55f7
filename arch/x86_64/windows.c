/* SPDX-License-Identifier: MIT */
/* The bases of the typed windows; see windows.h. */
#include "arch/x86_64/asm.h"
#undef WINDOW
#define WINDOW(type, name, slot, count)                                                            \
    type *const name = (type *)(X86_WINDOW_BASE + X86_WINDOW_STRIDE * (slot));
#include "core/window.h"
