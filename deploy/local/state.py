"""What an installation remembers between commands, in `instance.json`: its ports."""

import json
from pathlib import Path

from deploy.local.ports import free_port, free_port_from, is_free

GATEWAY = "gateway"
GATEWAY_FIRST_PORT = 8000


class Ports:
    """Ports by name, chosen once and kept as long as nobody else has taken them.

    `well_known`: the gateway gets 8000, or the next free port; else any free one, as the rest do. Of several
    installations that start at the same time only one may want 8000: it is for the one in the project itself.
    """

    def __init__(self, file: Path, *, well_known: bool = True) -> None:
        self._file = file
        self._well_known = well_known
        try:
            self._ports: dict[str, int] = json.loads(file.read_text())["ports"]
        except FileNotFoundError:
            self._ports = {}

    def __getitem__(self, name: str) -> int:
        if name not in self._ports:
            self._choose(name)
        return self._ports[name]

    def renew_taken(self) -> list[str]:
        """For a stopped installation: choose anew where somebody else listens now; a sentence for each."""
        said = []
        for name, port in list(self._ports.items()):
            if not is_free(port):
                self._choose(name)
                said.append(f"port {port} of {name} is taken by another program; using {self._ports[name]}")
        return said

    def _choose(self, name: str) -> None:
        taken = set(self._ports.values())
        if name == GATEWAY and self._well_known:
            self._ports[name] = free_port_from(GATEWAY_FIRST_PORT, taken)
        else:
            self._ports[name] = free_port(taken)
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.write_text(json.dumps({"ports": self._ports}, indent=2) + "\n")
