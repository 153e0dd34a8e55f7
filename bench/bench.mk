# SPDX-License-Identifier: MIT
#
# Figures: instructions per operation in QEMU, beside seL4's; the hosted system beside the host.

# The system that measures: bench/manifest and its programs.
BENCH_INITRD := $(BUILD)/bench/initrd.cpio
BENCH_BIN := $(addprefix $(USER_DIR)/bin/,bench console init)
$(BENCH_INITRD): $(BENCH_BIN) bench/manifest bench/bench.mk
	@rm -rf $(BUILD)/bench/root && mkdir -p $(BUILD)/bench/root/bin $(BUILD)/bench/root/etc
	cp $(BENCH_BIN) $(BUILD)/bench/root/bin/
	cp bench/manifest $(BUILD)/bench/root/etc/
	$(call user_archive,$(BUILD)/bench/root,$@)

.PHONY: bench bench-hosted
bench: ## instructions per operation in QEMU, beside seL4's; fails when one got worse
	@$(call build_quietly,$(KERNEL) $(INITRD) $(BENCH_INITRD))
	@bench/table

.PHONY: profile
profile: ## OP=row of the table: where its instructions go, by function and line; LINES=45 of them; a flame graph, too
	@$(call build_quietly,$(KERNEL) $(BENCH_INITRD))
	@LINES=$(or $(LINES),45) bench/profile $(or $(OP),$(error make profile needs OP=, the name of a row of make bench)) $(ROUNDS)

.PHONY: bench-growth
bench-growth: ## the cost of calls with 1 to 100,000 threads, processes, mappings, handles, endpoints, containers; MOST=100000
	@$(call build_quietly,$(KERNEL) $(BENCH_INITRD))
	@bench/growth $(MOST)

bench-hosted: ## the hosted system beside the Linux it runs on, in time; and how long a start takes; RUNS=7
	@$(call build_quietly,$(HOSTED) $(KERNEL) $(INITRD) $(BENCH_INITRD) $(BUILD)/bench/native)
	@bench/hosted $(RUNS)

$(BUILD)/bench/native: bench/native.c
	@mkdir -p $(@D)
	$(CC) -O2 -D_GNU_SOURCE= $(WARN) -o $@ $<

.PHONY: bench-io
bench-io: ## network and disk beside Debian's Linux in the same QEMU; ROUNDS=5
	@$(call build_quietly,$(KERNEL) $(INITRD))
	@bench/io $(ROUNDS)
