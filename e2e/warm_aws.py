"""Answers for the aws command with its imports already made.

Usage: warm_aws.py AWS SOCKET, where AWS is the command of the distribution, a
Python script. Each connection to SOCKET brings the standard input, output and
error of a call as descriptors with its first byte, and one line of JSON with its arguments,
environment and directory. A child forked for the call runs AWS itself,
unmodified, with these; the connection gets its exit status, or ends without one
if the child dies. The server ends when its own standard input does.
"""
import json
import os
import runpy
import select
import signal
import socket
import sys

before = dict(os.environ)

# Half of what a short call costs is these imports.
import awscli.clidriver
import botocore.auth
import botocore.httpsession
import botocore.parsers
import botocore.retries.standard

awscli.clidriver.create_clidriver()  # imports what the command's own plug-ins need

# The import says by a variable where the command's data is.
added = {name: value for name, value in os.environ.items() if before.get(name) != value}


def call(aws, connection):
    """Runs one call in this process and returns its exit status."""
    message, descriptors, _, _ = socket.recv_fds(connection, 1 << 20, 3)
    while not message.endswith(b"\n"):
        message += connection.recv(1 << 20)
    request = json.loads(message)
    for to, descriptor in enumerate(descriptors):
        os.dup2(descriptor, to)
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(request["env"] | added)
    os.chdir(request["dir"])
    sys.argv = [aws] + request["args"]
    try:
        runpy.run_path(aws, run_name="__main__")
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)
        return 1
    return 0


def serve(aws, path):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(64)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the children
    while True:
        ready, _, _ = select.select([listener, 0], [], [])
        if 0 in ready:
            return
        connection, _ = listener.accept()
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            listener.close()
            status = 255
            try:
                status = call(aws, connection)
                sys.stdout.flush()
                sys.stderr.flush()
                connection.sendall(b"%d\n" % status)
            finally:
                os._exit(status)
        connection.close()


serve(sys.argv[1], sys.argv[2])
