package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
)

// input is a sheet as it was named: a file, or standard input kept in a file
// of its own, since a sheet is read more than once.
type input struct {
	name  string // for people and for the run directory
	path  string
	stdin bool
}

// stdinName is what a sheet from standard input is called.
const stdinName = "stdin"

func openInput(ctx context.Context, s Streams, path string) (*input, error) {
	if path != "-" {
		return &input{name: path, path: path}, nil
	}
	file, err := os.CreateTemp("", "nermbulk-*.csv")
	if err != nil {
		return nil, fmt.Errorf("keep standard input in a file: %w", err)
	}
	in := &input{name: stdinName, path: file.Name(), stdin: true}
	err = await(ctx, func() error {
		_, err := io.Copy(file, s.In)
		return err
	})
	if err = cmp.Or(err, file.Close()); err != nil {
		return nil, cmp.Or(fmt.Errorf("keep standard input in a file: %w", err), in.close())
	}
	return in, nil
}

// await calls read and returns its error, or the context's when that ends first.
// A read cannot be called off: after an interrupt its goroutine ends with the
// process, which follows at once.
func await(ctx context.Context, read func() error) error {
	done := make(chan error, 1)
	go func() { done <- read() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// close removes what was kept of standard input: it can hold personal data.
func (in *input) close() error {
	if in.stdin {
		return os.Remove(in.path)
	}
	return nil
}
