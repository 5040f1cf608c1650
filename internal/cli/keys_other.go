//go:build !linux && !darwin && !windows

package cli

import (
	"context"
	"errors"
)

// watchKeys fails: keys are listened to on other systems only.
func watchKeys(context.Context, func(key byte)) (stop func(), err error) {
	return nil, errors.ErrUnsupported
}
