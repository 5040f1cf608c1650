//go:build !linux && !darwin && !windows

package cli

import "context"

// watchKeys is nil: keys are listened to on other systems only.
var watchKeys func(ctx context.Context, press func(key byte)) (stop func(), err error)
