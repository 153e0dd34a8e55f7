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

.PHONY: bench-io
bench-io: ## network and disk beside Debian's Linux in the same QEMU; ROUNDS=5
	@$(call build_quietly,$(KERNEL) $(INITRD))
	@bench/io $(ROUNDS)
