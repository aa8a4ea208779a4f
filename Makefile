# The front door: `make help` lists what it does. All work is done by qemu/*.sh and qemu/xtask.

# Arguments of `run`. CMD must arrive letter by letter, so it goes through the environment and is
# never expanded by make (`$?` in it is the shell's on the machine) nor read by a shell here.
override CMD := $(value CMD)
BOOT ?= cow
BOARD ?= virt
# Where `trace` and `compare` write.
trace: OUT ?= trace
compare: OUT ?= compare
# What `compare` compares; these too must arrive as they are.
override SERVICE := $(value SERVICE)
override WITH := $(value WITH)
export CMD SERVICE WITH OVERLAY ROOTFS PACKAGES BOOT SWAP BOARD MEMORY ICOUNT TIMEOUT GIC EL2
export BUILD ?= $(CURDIR)/build

XTASK = $(BUILD)/host/debug/xtask

.DEFAULT_GOAL := help
.PHONY: help doctor setup setup-tests setup-scenes build run trace compare debug examples calls test check bench numbers scenes image clean

help: ## Show this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 18
	@echo
	@echo "  Variables of run:  CMD='ls | wc'  OVERLAY=dir  BOOT=cow|eager-fork  MEMORY=512"
	@echo "                     SWAP=vfs=vfs-list  (another program for a service)"
	@echo "                     ROOTFS=debian|/a/directory  PACKAGES='procps make'"
	@echo "                     BOARD=virt|raspi3b|raspi4b"
	@echo "                     ICOUNT=1  TIMEOUT=seconds            (qemu/README.md tells more)"

doctor: ## Tell what is installed, what is missing and how to get it
	@qemu/toolchain.sh doctor

setup: ## Install what is missing
	@qemu/toolchain.sh setup

setup-tests:
	@qemu/toolchain.sh setup-tests

build: setup ## Build the kernel, the servers, the programs and the host tools
	@qemu/build.sh

run: build ## Boot to a shell, or run CMD and power off (Ctrl-A x ends it)
	@qemu/run.sh

trace: build ## Run CMD and write what messages it took: trace.html, trace.txt and more (OUT=folder)
	@ICOUNT=$${ICOUNT:-1} TRACE=$(OUT)/trace.bin qemu/run.sh
	@$(XTASK) trace show $(OUT)/trace.bin --out $(OUT)

compare: setup ## Run CMD under several programs of a SERVICE (WITH=a,b) and tell what differs
	@qemu/build.sh tools
	@$(XTASK) compare --service "$$SERVICE" --with "$$WITH" --out "$(OUT)" --check
	@qemu/build.sh
	@$(XTASK) compare --service "$$SERVICE" --with "$$WITH" --out "$(OUT)"

debug: build ## As run, but wait for a debugger and say how to attach one
	@DEBUG=1 qemu/run.sh

examples: setup ## Build the lectures' C programs (init/examples), and say how to run them
	@qemu/build.sh tools
	@$(XTASK) examples

calls: build ## Compare with Linux itself, and write libsys/linux/CALLS.md
	@$(XTASK) calls

check: setup-tests ## Formatting, clippy and host tests: seconds, before each commit
	@qemu/build.sh tools
	@$(XTASK) test --quick

setup-scenes:
	@qemu/toolchain.sh setup-scenes

test: setup-scenes build ## Everything: check, the layers, and the scenes on QEMU
	@$(XTASK) test

scenes: build ## Only the scenes; SCENE=name for one of them, UNDER=vfs-list for those of a program
	@$(XTASK) scenes $(SCENE) $(if $(UNDER),--under $(UNDER))

image: build ## Write what goes on the SD card of BOARD=raspi3b|raspi4b to build/BOARD
	@qemu/sdcard.sh

bench: build ## Count instructions of the system's operations, beside seL4's and Linux's
	@$(XTASK) bench

numbers: setup ## Sizes of functions and files, share of documentation, arguments of unsafe blocks
	@qemu/build.sh tools
	@$(XTASK) numbers

clean: ## Remove everything that was built
	rm -rf $(BUILD)
