package cli

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"nermbulk/internal/api"
)

// spool keeps sessions on disk until all of them are known, one JSON object a
// line. It holds personal data: the file is the user's alone and gone at the
// end, where the system allows it already while it is open.
type spool struct {
	file *os.File
	w    *bufio.Writer
	enc  *json.Encoder
}

func newSpool(dir string) (*spool, error) {
	file, err := os.CreateTemp(dir, ".nermbulk-*")
	if err != nil {
		return nil, err
	}
	// Unix lets go of the name of an open file, so that not even a kill
	// leaves it behind.
	_ = os.Remove(file.Name())
	w := bufio.NewWriterSize(file, 64<<10)
	return &spool{file: file, w: w, enc: json.NewEncoder(w)}, nil
}

// add appends a session, without the text that it came in.
func (s *spool) add(session *api.Session) error {
	bare := *session
	bare.Raw = nil
	if err := s.enc.Encode(&bare); err != nil {
		return fmt.Errorf("keep the sessions on disk: %w", err)
	}
	return nil
}

// each reads the sessions back in their order. The session that visit gets is
// its own until it returns.
func (s *spool) each(visit func(*api.Session) error) error {
	if err := s.w.Flush(); err != nil {
		return fmt.Errorf("keep the sessions on disk: %w", err)
	}
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("read the sessions back: %w", err)
	}
	lines := json.NewDecoder(bufio.NewReaderSize(s.file, 64<<10))
	for {
		var session api.Session
		switch err := lines.Decode(&session); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("read the sessions back: %w", err)
		}
		if err := visit(&session); err != nil {
			return err
		}
	}
}

func (s *spool) close() error {
	err := s.file.Close()
	if gone := os.Remove(s.file.Name()); !errors.Is(gone, fs.ErrNotExist) {
		err = cmp.Or(err, gone)
	}
	return err
}
