package journal

import (
	"bytes"
	"errors"
	"io"
)

const (
	blockSize  = 64 << 10
	blockSlots = 8
)

// blocks reads lines at given places through a few blocks that it keeps: who
// asks in the order of rows asks nearly in the order of the file.
type blocks struct {
	r       io.ReaderAt
	slots   [blockSlots]block
	clock   int
	scratch []byte
}

type block struct {
	data   []byte
	number int64
	used   int // when, by the clock; 0 is never
}

// line gives the line that begins at off, without its line break, until the
// next call.
func (b *blocks) line(off int64) ([]byte, error) {
	b.scratch = b.scratch[:0]
	for {
		data, err := b.block(off / blockSize)
		if err != nil {
			return nil, err
		}
		from := int(off % blockSize)
		if from >= len(data) {
			return nil, io.ErrUnexpectedEOF
		}
		end := bytes.IndexByte(data[from:], '\n')
		if end >= 0 && len(b.scratch) == 0 {
			return data[from : from+end], nil
		}
		if end >= 0 {
			return append(b.scratch, data[from:from+end]...), nil
		}
		b.scratch = append(b.scratch, data[from:]...)
		off += int64(len(data) - from)
	}
}

func (b *blocks) block(number int64) ([]byte, error) {
	b.clock++
	oldest := &b.slots[0]
	for i := range b.slots {
		slot := &b.slots[i]
		if slot.used > 0 && slot.number == number {
			slot.used = b.clock
			return slot.data, nil
		}
		if slot.used < oldest.used {
			oldest = slot
		}
	}
	if oldest.data == nil {
		oldest.data = make([]byte, blockSize)
	}
	oldest.used = 0
	n, err := b.r.ReadAt(oldest.data[:blockSize], number*blockSize)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	oldest.data, oldest.number, oldest.used = oldest.data[:n], number, b.clock
	return oldest.data, nil
}
