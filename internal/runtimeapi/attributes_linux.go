package runtimeapi

import "syscall"

// attributes put the runtime into a process group of its own, and in a
// container under a user without rights.
func attributes(contained bool) *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if contained {
		a.Credential = &syscall.Credential{Uid: userID, Gid: groupID}
	}
	return a
}
