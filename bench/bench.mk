# SPDX-License-Identifier: MIT
#
# Figures: instructions per operation in QEMU, beside seL4's; and how long people wait for a start.

.PHONY: bench bench-hosted
bench: $(KERNEL) $(INITRD) ## instructions per operation in QEMU, beside seL4's
	@bench/table

bench-hosted: $(HOSTED) $(KERNEL) $(INITRD) ## how long a start takes, hosted and to the prompt in QEMU
	@bench/start
