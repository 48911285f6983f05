// Command aif-pause is the first process of a process namespace: it waits, and collects what ends there.
package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	received := make(chan os.Signal, 16)
	signal.Notify(received, syscall.SIGCHLD, syscall.SIGINT, syscall.SIGTERM)
	for one := range received {
		if one != syscall.SIGCHLD {
			return
		}
		collect()
	}
}

// collect takes the exit status of every process that has ended; one signal may stand for several of them.
func collect() {
	for {
		pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
		if pid <= 0 && err != syscall.EINTR {
			return
		}
	}
}
