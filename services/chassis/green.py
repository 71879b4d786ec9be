"""Making a process cooperative, before anything else in it is imported."""

import functools
import os
import socket
import warnings


def patch() -> None:
    """Replace the blocking parts of the standard library by eventlet's.

    psycopg waits in C and would stop every other greenlet. Told to wait with a selector, it connects with the
    patched one, and for all else the hub waits (`green_waiting`). It reads the variable when it is first
    imported.
    """
    # Names are looked up as everywhere else on the machine, not by eventlet's own reading of resolv.conf.
    os.environ["EVENTLET_NO_GREENDNS"] = "yes"
    os.environ["PSYCOPG_WAIT_FUNC"] = "wait_selector"
    with warnings.catch_warnings():
        # eventlet announces its retirement at import; the worker's dependence on it is one file deep, on
        # purpose.
        warnings.simplefilter("ignore")
        import eventlet
        from eventlet import tpool
        from eventlet.green import socket as green_socket
    tpool.QUIET = True  # an error is its caller's, who says what it means
    # In a thread: the name of a server that is gone takes seconds, in which heartbeats are due.
    green_socket.getaddrinfo = functools.partial(tpool.execute, socket.getaddrinfo)
    eventlet.monkey_patch()
    from services.chassis import green_waiting

    green_waiting.use()
