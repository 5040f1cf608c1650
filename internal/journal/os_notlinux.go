//go:build !linux

package journal

import (
	"errors"
	"os"
)

// Files without a name cannot be given one here.

func openUnnamed(_, _ string) (*os.File, error) { return nil, errors.ErrUnsupported }

func linkUnnamed(*os.File, string) error { return errors.ErrUnsupported }
