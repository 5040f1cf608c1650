.PHONY: build test lint bench profile release release-check
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

# What is handed out, in dist/: a binary for each system in an archive with its
# documents and manual pages, a bill of materials beside it, and SHA256SUMS.
release:
	rm -rf dist
	go run ./scripts/release -o dist

# The same, made again from a clone with an empty build cache and compared.
release-check:
	rm -rf dist
	go run ./scripts/release -o dist -check
