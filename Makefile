.PHONY: build test lint bench
build:
	go build -trimpath -o nermbulk .

test:
	go test -race ./...

lint:
	gofmt -l .
	go vet ./...
	golangci-lint run ./...

# One line of figures for each stage; compare two commits with benchstat.
bench:
	go test -run '^$$' -bench . -benchmem ./...
