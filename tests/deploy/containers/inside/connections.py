"""Which of the arguments, `host:port`, a connection can be opened to."""

import json
import socket
import sys
from concurrent.futures import ThreadPoolExecutor


def opens(target: str) -> bool:
    host, port = target.rsplit(":", 1)
    try:
        socket.create_connection((host, int(port)), timeout=1).close()
    except OSError:
        return False
    return True


targets = sys.argv[1:]
with ThreadPoolExecutor(len(targets)) as pool:
    found = list(pool.map(opens, targets))
print(json.dumps([target for target, open_ in zip(targets, found, strict=True) if open_]))
