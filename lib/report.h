/* SPDX-License-Identifier: MIT */
/*
 * How a program ended, in words.
 */
#ifndef LIB_REPORT_H
#define LIB_REPORT_H

#include <stddef.h>
#include <stdint.h>

#define REPORT_BYTES 512u

/* Status of a command whose program did not exit by itself. */
#define STATUS_FAULT 100 /* + enum atm_fault */
#define STATUS_KILLED 120
#define STATUS_NOT_FOUND 127
#define STATUS_MAX 127

struct report {
    const char *name;   /* the program */
    const char *parent; /* who was told */
    uint64_t process;   /* handle of the ended process, not destroyed yet */
    const void *image;  /* its ELF file, for symbols; NULL: none */
    uint64_t bytes;
};

/* How a process ended. */
enum end_kind { END_EXIT, END_FAULT, END_KILLED };
enum end_kind report_end(uint64_t process);

/* The status of an ended process, 0..127: its exit status, STATUS_FAULT + kind, or STATUS_KILLED.
   */
int report_status(uint64_t process);

/* 1 if it ended by a fault; then text says what happened, in lines. */
int report_fault(const struct report *report, char text[REPORT_BYTES]);

#endif
