# The face for people; everything it does is in scripts/ and CMakePresets.json.
.DEFAULT_GOAL := help
SHELL := /bin/bash
SEEDS ?= 10000
MINUTES ?= 1
ARGUMENTS ?=
.PHONY: help demo run build test bench sim fuzz cluster chaos check format clean packages

help: ## what can be made (this text)
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' \
	  $(MAKEFILE_LIST)

demo: berth ## install, build, and watch a worked example run to its end
	examples/demo.sh build/berth

run: berth ## install, build, start `berth dev` and leave it up
	build/berth dev

build: packages ## build everything; the binary is build/berth
	cmake --preset dev
	cmake --build --preset dev

test: ## install, build and run all tests; the last line counts them
	@scripts/test.sh

bench: packages ## build optimised, measure beside the machine's own limits
	cmake --preset release
	cmake --build --preset release --target berth berth_bench
	build-release/berth_bench

sim: ## run SEEDS simulated clusters (default 10000), with faults, and check them
	cmake --preset dev
	cmake --build --preset dev --target berth_sim
	build/berth_sim --fresh $(SEEDS) --jobs $$(nproc)

fuzz: ## feed each parser for MINUTES (default 1) with bytes that libFuzzer makes up
	scripts/install_packages.sh --tests
	scripts/fuzz.sh --build
	scripts/fuzz.sh $$(($(MINUTES) * 60))

cluster: berth ## a whole cluster on this machine: Kafka brokers, nodes, agents
	@scripts/install_packages.sh --tests
	@tests/cluster/run.sh start $(ARGUMENTS)

chaos: berth ## load and faults on a cluster for MINUTES (default 1); then accounts
	@scripts/install_packages.sh --tests
	@tests/cluster/run.sh chaos --minutes $(MINUTES) $(ARGUMENTS)

check: ## format, layering, words and sizes of the sources
	@scripts/check.sh

format: ## let clang-format write the sources
	@scripts/format.sh

clean: ## remove what was built
	rm -rf build build-asan build-release build-fuzz

# Not in the help: parts of the above.
.PHONY: berth
berth: packages
	cmake --preset dev
	cmake --build --preset dev --target berth

packages:
	@scripts/install_packages.sh
