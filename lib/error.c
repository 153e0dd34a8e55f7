/* SPDX-License-Identifier: MIT */
/*
 * Tables of names, made from the lists in include/atmos.
 */
#include "lib/error.h"
#include "atmos/abi.h"

struct error_line {
    const char *name;
    const char *text;
};

#define ERROR(number, name, text) [number] = {#name, text},
static const struct error_line error_lines[] = {
    {"NONE", "no error"},
#include "atmos/errors.def"
};
#undef ERROR

static const char *const fault_names[FAULT_LAST] = {
    "no fault", "read",  "write",          "jump",      "illegal instruction",
    "divide",   "break", "floating point", "alignment", "other",
};

static const char *const thread_states[THREAD_STATES] = {
    "running", "ready", "sending", "receiving", "calling", "faulted", "suspended",
};

static const char *const process_states[] = {"alive", "exited", "faulted", "killed"};

static const struct error_line *error_find(int64_t status)
{
    static const struct error_line unknown = {"unknown", "no error has this number"};
    uint64_t number = status < 0 ? 0 - (uint64_t)status : (uint64_t)status;
    if (number >= sizeof error_lines / sizeof error_lines[0] || error_lines[number].name == 0)
        return &unknown;
    return &error_lines[number];
}

const char *atm_error_name(int64_t status) { return error_find(status)->name; }

const char *atm_error_text(int64_t status) { return error_find(status)->text; }

const char *atm_fault_name(uint64_t kind)
{
    return kind < FAULT_LAST ? fault_names[kind] : "unknown fault";
}

const char *atm_thread_state_name(uint64_t state)
{
    return state < THREAD_STATES ? thread_states[state] : "unknown";
}

const char *atm_process_state_name(uint64_t state)
{
    return state <= PROCESS_KILLED ? process_states[state] : "unknown";
}
