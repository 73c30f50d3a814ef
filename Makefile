# The habits of the project, one command each.
GO      ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
COMMIT  ?= $(shell git rev-parse --short HEAD 2>/dev/null || echo unknown)
LDFLAGS  = -s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT)

.PHONY: build demo test bench lint docs

## build: the program, in bin/slipway
build:
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/slipway ./cmd/slipway

## demo: the main job, from push to production, with all set-up (DEMO_FLAGS="--yes --exit")
demo: build
	scripts/demo $(DEMO_FLAGS)

## test: every test, with all set-up
test: build
	scripts/test

## bench: ratios against baselines measured in the same run
bench: build
	scripts/bench

## lint: formatting, vet, and the arrows of the architecture
lint:
	@test -z "$$(gofmt -l cmd internal e2e bench)" || { gofmt -l cmd internal e2e bench; exit 1; }
	$(GO) vet ./...
	$(GO) test ./internal/arch

## docs: the pages that are made from the registration tables
docs: build
	bin/slipway operations --markdown docs/services
