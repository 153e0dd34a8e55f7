/* SPDX-License-Identifier: MIT */
/*
 * Other names for the functions of lib/'s C library, so that it can be linked into a test beside the host's. lib/ is
 * compiled with this header in front; a test includes it after the host's headers and before lib/'s.
 */
#ifndef TESTS_LIB_NAMES_H
#define TESTS_LIB_NAMES_H

#define memcpy lib_memcpy
#define memmove lib_memmove
#define memset lib_memset
#define memcmp lib_memcmp
#define memchr lib_memchr
#define strlen lib_strlen
#define strnlen lib_strnlen
#define strcmp lib_strcmp
#define strncmp lib_strncmp
#define strcpy lib_strcpy
#define strncpy lib_strncpy
#define strlcpy lib_strlcpy
#define strcat lib_strcat
#define strncat lib_strncat
#define strchr lib_strchr
#define strrchr lib_strrchr
#define strstr lib_strstr
#define strspn lib_strspn
#define strcspn lib_strcspn
#define strpbrk lib_strpbrk
#define strtok_r lib_strtok_r
#define strdup lib_strdup
#define malloc lib_malloc
#define calloc lib_calloc
#define realloc lib_realloc
#define free lib_free
#define strtol lib_strtol
#define strtoul lib_strtoul
#define strtoll lib_strtoll
#define strtoull lib_strtoull
#define atoi lib_atoi
#define atol lib_atol
#define abs lib_abs
#define labs lib_labs
#define qsort lib_qsort
#define bsearch lib_bsearch
#define abort lib_abort
#define vsnprintf lib_vsnprintf
#define snprintf lib_snprintf
#define gmtime_r lib_gmtime_r
#define timegm lib_timegm

#endif
