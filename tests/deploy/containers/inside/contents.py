"""The image's own code, and what it should not have: tools to build with, installers."""

import json
import os
import shutil
import sysconfig
from pathlib import Path


def folders(directory: str) -> set[str]:
    return {each.name for each in os.scandir(directory) if each.is_dir() and each.name != "__pycache__"}


packages = Path(sysconfig.get_path("purelib"))
print(
    json.dumps(
        {
            "code": sorted((folders(".") - {"services"}) | folders("services")),
            "tools": [tool for tool in ("gcc", "cc", "make", "git", "node", "npm") if shutil.which(tool)],
            "installers": [each.name for each in packages.glob("pip*")],
        }
    )
)
