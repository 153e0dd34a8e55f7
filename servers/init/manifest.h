/* SPDX-License-Identifier: MIT */
/*
 * The manifest: which programs init starts and what each may do. servers/etc/manifest says how it
 * is written. A line with an error is reported and left out, the rest is used.
 */
#ifndef INIT_MANIFEST_H
#define INIT_MANIFEST_H

#include <stddef.h>
#include <stdint.h>

#define MANIFEST_PROGRAMS 32u
#define MANIFEST_NAME 17u /* bytes of a name with its ending 0 */
#define MANIFEST_LIST 8u  /* arguments, ranges, devices or environment strings a program */
#define MANIFEST_USES 16u /* endpoints a program may call */
#define MANIFEST_TEXT 64u /* bytes of a path or argument */

enum restart_policy { RESTART_NEVER, RESTART_ON_FAULT, RESTART_ON_FAILURE, RESTART_ALWAYS };
enum system_access { SYSTEM_NONE, SYSTEM_READ, SYSTEM_DESTROY };

/* Device resources: a range of ports, interrupt lines or physical pages. */
enum grant_kind { GRANT_PORTS, GRANT_IRQS, GRANT_MEMORY };
struct manifest_grant {
    enum grant_kind kind;
    uint64_t first;
    uint64_t count;
};

/* An endpoint the program may call. */
struct manifest_use {
    char name[MANIFEST_NAME];
    int marked; /* 1: with its badge */
    int needed; /* 1: without it the program is not started */
};

/* A PCI function the program may open: the one of this kind with this number, in bus order. */
struct manifest_device {
    uint16_t vendor;
    uint16_t device;
    uint32_t index;
};

struct manifest_program {
    char name[MANIFEST_NAME];
    char file[MANIFEST_TEXT];
    char argument[MANIFEST_LIST][MANIFEST_TEXT];
    size_t arguments;
    uint64_t quota;         /* pages */
    uint64_t quota_percent; /* of what all programs' pages leave, on top */
    uint64_t cpus;          /* bit n: CPU n; 0: all */
    uint64_t ceiling;
    uint64_t priority;
    int priority_given;
    char serves[MANIFEST_NAME]; /* "": nothing */
    struct manifest_use use[MANIFEST_USES];
    size_t uses;
    struct manifest_grant grant[MANIFEST_LIST];
    size_t grants;
    struct manifest_device device[MANIFEST_LIST];
    size_t devices;
    char environment[MANIFEST_LIST][MANIFEST_TEXT];
    size_t environments;
    int initrd;    /* 1: the archive is mapped */
    int container; /* 1: gets a handle to its own container */
    int main;      /* 1: the system ends with it */
    enum system_access system;
    enum restart_policy restart;
    uint64_t restart_limit;
};

struct manifest {
    struct manifest_program program[MANIFEST_PROGRAMS];
    size_t programs;
    size_t errors; /* lines left out */
};

/* Called for each error: line number from 1, what is wrong, and the word it is about ("" for none).
   */
typedef void manifest_complain(unsigned line, const char *wrong, const char *word);

/* Reads the whole text; any bytes are legal. */
void manifest_read(const char *text, size_t bytes, struct manifest *m, manifest_complain *complain);

#endif
