package main

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// lock locks a file until it is closed, also by the end of the process. It reports false
// if another run has locked it. The lock is on a byte far behind the end, because Windows
// lets no one else read what is locked.
func lock(file *os.File) (bool, error) {
	behind := windows.Overlapped{OffsetHigh: 1 << 30}
	err := windows.LockFileEx(windows.Handle(file.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &behind)
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return false, nil
	}
	return err == nil, err
}

// remove deletes a file that is locked. Windows deletes no open file, also none that
// another run has opened meanwhile; that run finds it empty.
func remove(file *os.File) error {
	err := errors.Join(file.Truncate(0), file.Close())
	_ = os.Remove(file.Name())
	return err
}
