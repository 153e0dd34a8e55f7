# SPDX-License-Identifier: MIT
#
# Figures: instructions per operation in QEMU, beside seL4's; and how long people wait for a start.

.PHONY: bench bench-hosted
bench: ## instructions per operation in QEMU, beside seL4's
	@$(call build_quietly,$(KERNEL) $(INITRD))
	@bench/table

bench-hosted: ## how long a start takes, hosted and to the prompt in QEMU
	@$(call build_quietly,$(HOSTED) $(KERNEL) $(INITRD))
	@bench/start
