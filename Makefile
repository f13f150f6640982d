# seedbed. `make quickstart` ends with a synced cluster; `make test` passes the tests.

PROFILE ?= dev
BIN := target/$(if $(filter dev,$(PROFILE)),debug,$(PROFILE))
SEEDBED := $(BIN)/seedbed
# What scripts/prepare installs lies there.
export PATH := $(HOME)/.cargo/bin:/usr/local/go/bin:$(PATH)

.PHONY: quickstart tools build workstation test format lint deny lint-nightly programs unit page schema e2e e2e-two e2e-release e2e-existing e2e-fresh bench help

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

quickstart: workstation ## sets up what is missing and ends with a synced cluster of one node
	[ -e quickstart/seedbed.yaml ] || $(SEEDBED) init quickstart
	scripts/prepare run $(SEEDBED) up quickstart $(UP)
	@echo; echo "The repository is quickstart/gitops. Use the cluster with:"
	@command -v kubectl >/dev/null || echo "  $(SEEDBED) artifacts copy ~/.local/bin kubectl"
	@echo "  export KUBECONFIG=$$($(SEEDBED) kubeconfig quickstart --path)"

tools: ## installs what building and testing needs
	scripts/prepare tools

build: tools ## builds seedbed and seedbed-libvirt
	cargo build --workspace --locked --profile $(PROFILE)

workstation: build ## installs what running needs, as `seedbed doctor` says, and starts libvirt
	scripts/prepare workstation $(SEEDBED)

test: format lint deny unit ## every test that needs no machine; the schema's is one of them

format:
	cargo fmt --all --check

lint: ## clippy, pedantic; warnings are errors
	cargo clippy --workspace --all-targets --locked -- -D warnings

deny: ## licences, sources and duplicates of the dependencies, and advisories where they can be had
	scripts/deny

lint-nightly: tools ## the nightly's workflow, units and script
	scripts/lint-nightly

# The real programs that tests run, and Flux's manifests; a second time nothing is built.
SOURCE ?= auto
FLUX := $(addsuffix -controller,source kustomize helm notification)
programs: build ## what tests run: an API server, Flux's controllers, two images, a registry, containerd
	$(SEEDBED) artifacts copy --source $(SOURCE) target/test-programs kubeadm kubectl containerd ctr registry kube-scheduler pause flux-rbac flux-policies \
		$(addsuffix -program,kube-apiserver etcd $(FLUX)) $(addsuffix -crds,$(FLUX)) $(addsuffix -deployment,$(FLUX))
	scripts/starter-crds target/test-programs/starter-crds.yaml

unit: programs
	cargo test --workspace --locked

page: build ## the page that `seedbed evaluate` writes, in a headless browser without a network
	tests/page/run $(SEEDBED)

schema: ## writes seedbed.schema.json anew
	cargo run --quiet --locked -- schema > seedbed.schema.json

e2e: tools ## the real thing: machines, Kubernetes, Flux; about half an hour where there is no KVM
	scripts/prepare machines
	tests/e2e/run

e2e-two: tools ## the same with a worker; about an hour where there is no KVM
	scripts/prepare machines
	tests/e2e/run --nodes 2

e2e-release: tools ## one node with the release process too: a registry, an image pushed, `seedbed evaluate`
	scripts/prepare machines
	E2E_RELEASE=1 tests/e2e/run

e2e-existing: tools ## on a machine that exists, which another spec lends; about half an hour where there is no KVM
	scripts/prepare machines
	tests/e2e/run --existing

e2e-fresh: tools ## `make quickstart` in a root where nothing is installed; about an hour where there is no KVM
	tests/e2e/fresh

bench: ## start time, and a cold `up` beside the same steps by hand
	bench/help
	bench/up
