# SPDX-License-Identifier: MIT
# Proofs of core/: see proofs/README.md.

.PHONY: verify verify-smoke verify-planted verify-mutants

verify: ## proves the core with Frama-C; fails if a proved function stops being proved
	@proofs/verify

verify-smoke: ## no contract, assumption or branch of a proved function is contradictory
	@proofs/verify --smoke

verify-planted: ## checks that each planted bug makes a proof fail
	@proofs/verify --planted

verify-mutants: ## N=200 SEED=1: small bugs made by rule, one at a time; at least 95 of 100 must make a proof fail
	@proofs/verify --mutants $(or $(N),200) --seed $(or $(SEED),1)
