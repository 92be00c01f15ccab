package main

import (
	"syscall"
	"time"
)

// cpuTime returns the CPU time that this process has used.
func cpuTime() time.Duration {
	self, _ := syscall.GetCurrentProcess() // it cannot fail
	var created, exited, kernel, user syscall.Filetime
	_ = syscall.GetProcessTimes(self, &created, &exited, &kernel, &user) // it cannot fail for this process
	return duration(kernel) + duration(user)
}

// duration converts a time span that Windows counts in units of 100 ns.
func duration(span syscall.Filetime) time.Duration {
	return time.Duration(int64(span.HighDateTime)<<32|int64(span.LowDateTime)) * 100
}
