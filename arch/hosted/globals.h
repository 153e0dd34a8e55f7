/* SPDX-License-Identifier: MIT */
/*
 * Puts the core's own variables into sections that hosted_snapshot finds by their names. For fuzz targets: compile core/
 * with clang and -include arch/hosted/globals.h. Only clang has this pragma.
 */
#ifdef __clang__
#pragma clang section bss = "core_bss" data = "core_data"
#else
#error "arch/hosted/globals.h needs clang"
#endif
