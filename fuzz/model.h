/* SPDX-License-Identifier: MIT */
/*
 * What fuzz targets of the hosted machine's device models share: the input as numbers, and steps of a driver that does
 * anything: any bytes in its rings and buffers, any register, any place of config space and windows written.
 */
#ifndef FUZZ_MODEL_H
#define FUZZ_MODEL_H

#include <stddef.h>
#include <stdint.h>

void model_input(const uint8_t *data, size_t size);
/* True while there is some left. */
int model_more(void);
/* The next so many bytes as a number; 0 beyond the end. */
uint32_t model_next(uint32_t bytes);

/* One step: 0 .. MODEL_STEPS - 1. queues: of the model; shorter than: bytes of a piece. */
#define MODEL_STEPS 6u
void model_step(uint32_t what, uint32_t queues, uint32_t piece_bytes);

#endif
