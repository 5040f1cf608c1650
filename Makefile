.PHONY: build test lint bench profile release
build:
	go build -trimpath -o nermbulk .

test:
	go test -race ./...

lint:
	gofmt -l .
	go vet ./...
	golangci-lint run ./...

# One line of figures for each stage (compare two commits with benchstat), then
# the whole binary beside vegeta; see docs/performance.md.
bench:
	go test -run '^$$' -bench . -benchmem ./internal/...
	go run ./bench

# What the compiler is told of where the time goes (default.pgo): make it anew
# after a change of what every row passes through.
profile:
	go run ./bench -profile default.pgo

# A snapshot of a release, in dist/: archives, packages, bills of materials and
# SHA256SUMS, as .goreleaser.yaml says. Compiling goreleaser takes minutes once;
# GORELEASER=goreleaser uses one that is installed. The image needs docker.
comma := ,
GORELEASER ?= go run github.com/goreleaser/goreleaser/v2@v2.15.1
release:
	$(GORELEASER) release --snapshot --clean --skip=publish$(if $(shell docker info >/dev/null 2>&1 && echo yes),,$(comma)docker)
