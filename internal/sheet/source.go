package sheet

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"os"
	"sync/atomic"
)

// source gives a file's raw bytes from the start, once, counting and hashing
// them as they pass.
type source struct {
	r    io.Reader
	sum  hash.Hash // nil when the hash is not wanted
	read *atomic.Int64
}

// newSource reads through ReadAt, so that each pass has its own position.
func newSource(f *os.File, size int64, hashed bool, read *atomic.Int64) *source {
	s := &source{r: io.NewSectionReader(f, 0, size), read: read}
	if hashed {
		s.sum = sha256.New()
	}
	return s
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if n > 0 {
		s.read.Add(int64(n))
		if s.sum != nil {
			s.sum.Write(p[:n])
		}
	}
	return n, err
}

// skip passes over the first n bytes.
func (s *source) skip(n int) error {
	_, err := io.CopyN(io.Discard, s, int64(n))
	return err
}

// drain reads what is left, so that the hash is that of the whole file even
// where the rows ended early, and returns the hash.
func (s *source) drain() (string, error) {
	if s.sum == nil {
		return "", nil
	}
	if _, err := io.Copy(io.Discard, s); err != nil {
		return "", err
	}
	return hex.EncodeToString(s.sum.Sum(nil)), nil
}
