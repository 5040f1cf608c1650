package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

const (
	checksumDiffers = "the line is damaged (its checksum differs)"
	tailWindow      = 64 << 10
)

// DamageError says that a journal holds a line that was not written so. The
// journal is then refused whole: a guess could send a row twice.
type DamageError struct {
	Path   string
	Line   int // from 1
	Reason string
}

func (e *DamageError) Error() string {
	return fmt.Sprintf("%s, line %d: %s; put back an undamaged copy of the file, "+
		"or start a new run: what was recorded from this line on cannot be trusted", e.Path, e.Line, e.Reason)
}

// CreateWriter starts the journal of a new run in dir. It fails with
// fs.ErrExist when there is one already.
func CreateWriter(dir string, o Options) (*Writer, error) {
	f, err := openFile(filepath.Join(dir, FileName), os.O_WRONLY|os.O_APPEND|os.O_CREATE|os.O_EXCL)
	if err != nil {
		return nil, err
	}
	// Without the directory's own sync a power cut could take the whole file,
	// with all that was synced into it.
	if err := errors.Join(f.Sync(), syncDir(dir)); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return newWriter(f, o), nil
}

// OpenWriter goes on with the journal in dir, or starts it if the run was killed
// before there was one. A torn tail is cut off first; damage there is a
// *DamageError. Damage further up is Load's to find: call it before.
func OpenWriter(dir string, o Options) (*Writer, error) {
	path := filepath.Join(dir, FileName)
	switch _, err := repair(path); {
	case errors.Is(err, fs.ErrNotExist):
		return CreateWriter(dir, o)
	case err != nil:
		return nil, err
	}
	f, err := openFile(path, os.O_WRONLY|os.O_APPEND)
	if err != nil {
		return nil, err
	}
	return newWriter(f, o), nil
}

// torn reports whether what follows the last intact line may be cut off, since
// a kill or a power cut explains it: either it is the beginning of a line, or
// some of its blocks never reached the disk and read as NULs. Anything else is
// damage.
func torn(tail []byte) bool {
	return len(tail) <= maxLine+maxPending && (bytes.IndexByte(tail, '\n') < 0 || bytes.IndexByte(tail, 0) >= 0)
}

// repair cuts the torn tail off the journal at path and returns how many bytes
// it had. A tail that is not torn is a *DamageError, and the file stays as it is.
func repair(path string) (cut int64, err error) {
	f, err := openFile(path, os.O_RDWR)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return 0, err
	}
	tail, err := readTail(f, size)
	if err != nil || len(tail) == 0 {
		return 0, err
	}
	end := size - int64(len(tail))
	if !torn(tail) {
		in := newLineScanner(io.NewSectionReader(f, 0, end))
		line := 1
		for in.Scan() {
			line++
		}
		return 0, errors.Join(in.Err(), &DamageError{Path: path, Line: line, Reason: checksumDiffers})
	}
	if err := f.Truncate(end); err != nil {
		return 0, err
	}
	return int64(len(tail)), f.Sync()
}

// readTail returns what follows the last intact line, of which it reads no more
// than a tail that a Writer left could have.
func readTail(f io.ReaderAt, size int64) ([]byte, error) {
	for window := int64(tailWindow); ; window *= 2 {
		window = min(window, size)
		buf := make([]byte, window)
		if _, err := f.ReadAt(buf, size-window); err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		if end, found := lastIntact(buf, window == size); found {
			return buf[end:], nil
		}
		if window == size || window > 2*maxLine {
			return buf, nil
		}
	}
}

// lastIntact returns the end of the last intact line in buf, which begins with a
// line only if it holds the whole file.
func lastIntact(buf []byte, whole bool) (end int, found bool) {
	for end = bytes.LastIndexByte(buf, '\n'); end >= 0; {
		start := bytes.LastIndexByte(buf[:end], '\n')
		if start < 0 && !whole {
			return 0, false
		}
		if intact(buf[start+1 : end]) {
			return end + 1, true
		}
		end = start
	}
	return 0, false
}
