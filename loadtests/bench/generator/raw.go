package main

import (
	"syscall"
	"unsafe"
)

// The system calls of the loop, without a word to Go's scheduler: there is nothing else that it could run meanwhile, and
// its watching over threads that wait costs more than the calls.

func rawRead(fd int, into []byte) (int, syscall.Errno) {
	count, _, failed := syscall.RawSyscall(
		syscall.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(into))), uintptr(len(into)))
	return int(count), failed
}

func rawWrite(fd int, data []byte) (int, syscall.Errno) {
	count, _, failed := syscall.RawSyscall(
		syscall.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(data))), uintptr(len(data)))
	if failed != 0 {
		return 0, failed
	}
	return int(count), 0
}

func rawWait(epoll int, events []syscall.EpollEvent, milliseconds int) (int, syscall.Errno) {
	count, _, failed := syscall.RawSyscall6(syscall.SYS_EPOLL_PWAIT, uintptr(epoll),
		uintptr(unsafe.Pointer(unsafe.SliceData(events))), uintptr(len(events)), uintptr(milliseconds), 0, 0)
	if failed != 0 {
		return 0, failed
	}
	return int(count), 0
}

// rawAlarm sets a timer off once, after some nanoseconds.
func rawAlarm(timer int, after int64) {
	spec := [4]int64{0, 0, after / 1e9, after % 1e9}
	_, _, _ = syscall.RawSyscall6(
		syscall.SYS_TIMERFD_SETTIME, uintptr(timer), 0, uintptr(unsafe.Pointer(&spec)), 0, 0, 0)
}
