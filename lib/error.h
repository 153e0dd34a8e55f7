/* SPDX-License-Identifier: MIT */
/*
 * Names and texts of errors, faults, states and rights, for messages to people.
 */
#ifndef LIB_ERROR_H
#define LIB_ERROR_H

#include <stdint.h>

/* "HANDLE" for -2 or 2; "unknown" for numbers no error has. */
const char *atm_error_name(int64_t status);

/* What it means and what to do, from errors.def. */
const char *atm_error_text(int64_t status);

/* "read", "write", ... for enum atm_fault. */
const char *atm_fault_name(uint64_t kind);

/* "running", "ready", ... for enum atm_thread_state. */
const char *atm_thread_state_name(uint64_t state);

/* "alive", "exited", ... for enum atm_process_state. */
const char *atm_process_state_name(uint64_t state);

#endif
