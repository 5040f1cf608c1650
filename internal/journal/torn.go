package journal

import (
	"bytes"
	"errors"
	"io"
	"os"
)

// A tail is torn, and may be cut off, when a kill or a power cut explains it:
// no line in it is intact, and either it is the beginning of a line or some of
// its blocks never reached the disk and read as NULs. Anything else is damage.
func torn(tail []byte) bool {
	return bytes.IndexByte(tail, '\n') < 0 || bytes.IndexByte(tail, 0) >= 0
}

const (
	checksumDiffers = "the line is damaged (its checksum differs)"
	tailWindow      = 64 << 10
)

// repair cuts the torn tail off the journal at path and tells how many bytes it
// had. A tail that is not torn is a *DamageError, and the file stays as it is.
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
	if int64(len(tail)) > maxLine+maxPending || !torn(tail) {
		n, err := countLines(io.NewSectionReader(f, 0, end))
		if err != nil {
			return 0, err
		}
		return 0, &DamageError{Path: path, Line: n + 1, Reason: checksumDiffers}
	}
	if err := f.Truncate(end); err != nil {
		return 0, err
	}
	return int64(len(tail)), f.Sync()
}

// readTail gives what stands behind the last intact line, of which it reads no
// more than a tail that a Writer left could have.
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

// lastIntact finds the end of the last intact line in buf, which begins with a
// line only if it holds the whole file.
func lastIntact(buf []byte, whole bool) (end int, found bool) {
	end = bytes.LastIndexByte(buf, '\n')
	for end >= 0 {
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

func countLines(r io.Reader) (n int, err error) {
	buf := make([]byte, tailWindow)
	for {
		k, err := r.Read(buf)
		n += bytes.Count(buf[:k], []byte{'\n'})
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
}
