"""Finds Chromium for the browser tests; ``python -m tests.browser`` installs it where it may: Debian, as root."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PACKAGES = ("chromium", "fonts-liberation")


def find_chromium() -> str | None:
    """The browser's path: ``CHROMIUM`` names one, else it is looked for on the PATH."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


def main() -> int:
    """Have a Chromium; the exit code."""
    if find_chromium():
        return 0
    install = ["apt-get", "install", "-y", "--no-install-recommends", *PACKAGES]
    if os.geteuid() != 0 or not Path("/etc/debian_version").exists():
        sys.stderr.write(
            f"the tests need Chromium: sudo {' '.join(install)}, or CHROMIUM=/path/to/chromium names one\n"
        )
        return 1
    sys.stdout.write("installing Chromium\n")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update", "-q"], install):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.stderr.write(done.stdout[-2000:] + done.stderr[-2000:])
            return 1
    return 0 if find_chromium() else 1


if __name__ == "__main__":
    sys.exit(main())
