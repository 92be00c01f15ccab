//go:build !windows

package main

import (
	"errors"
	"os"
	"syscall"
)

// lock locks a file until it is closed, also by the end of the process. It reports false
// if another run has locked it.
func lock(file *os.File) (bool, error) {
	err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return false, nil
	}
	return err == nil, err
}

// remove deletes a file that is locked, and then unlocks it: another run may wait for it.
func remove(file *os.File) error {
	return errors.Join(os.Remove(file.Name()), file.Close())
}
