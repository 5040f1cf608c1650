//go:build !unix

package journal

// There is no such flag; openFile looks before it opens.
const noFollow = 0

// syncDir does nothing: a directory cannot be synced here.
func syncDir(string) error { return nil }
