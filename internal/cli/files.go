package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"nermbulk/internal/journal"
)

// writable checks that a file can be written at path, before there is anything
// to write.
func writable(path string) error {
	if err := regular(path); err != nil {
		return err
	}
	f, err := journal.Scratch(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("no file can be written there: %w", cause(err))
	}
	return f.Close()
}

// regular refuses what is there and no file, such as a pipe.
func regular(path string) error {
	switch info, err := os.Lstat(path); {
	case err == nil && info.IsDir():
		return fmt.Errorf("it is a directory; name a file in it")
	case err == nil && !info.Mode().IsRegular() && info.Mode()&fs.ModeSymlink == 0:
		return fmt.Errorf("it is no regular file; name one")
	}
	return nil
}

// freeBeside returns a name after dir's that nothing has.
func freeBeside(dir string) string {
	for n := 2; ; n++ {
		name := fmt.Sprintf("%s-%d", filepath.Clean(dir), n)
		if _, err := os.Lstat(name); err != nil {
			return name
		}
	}
}

// cause returns an error without its file's name, which the user did not type.
func cause(err error) error {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return path.Err
	}
	return err
}

// exportPath returns the file to write, so that a link to a sheet stays a link;
// "" for standard output.
func exportPath(output string) (string, error) {
	if output == "-" || output == "" {
		return "", nil
	}
	path, err := filepath.EvalSymlinks(output)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		path = output
	case err != nil:
		return "", cause(err)
	}
	return path, writable(path)
}

// keepInput copies r into a file of its own. It can hold personal data: nothing
// is left of it once it is closed or the process has ended.
func keepInput(ctx context.Context, r io.Reader) (*os.File, error) {
	file, err := journal.Scratch(os.TempDir())
	if err == nil {
		err = await(ctx, func() error {
			_, err := io.Copy(file, r)
			return err
		})
		if err == nil {
			return file, nil
		}
		_ = file.Close() // what is wrong is known
	}
	return nil, fmt.Errorf("keep standard input in a file: %w", err)
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
