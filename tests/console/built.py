"""Where the built console and its tools lie, and who is passed by without them."""

import os
import shutil

import pytest

from tests.support.paths import ROOT

CONSOLE = ROOT / "console"
BUILT = ROOT / "api" / "console"
PATH = f"{ROOT / '.node' / 'bin'}:{os.environ['PATH']}"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

needs_tools = pytest.mark.skipif(
    not (CONSOLE / "node_modules" / ".installed").exists() or not shutil.which("node", path=PATH),
    reason="the console's tools are not there: make console",
)
needs_built = pytest.mark.skipif(
    not (BUILT / "index.html").exists(), reason="the console has not been built: make console"
)
needs_browser = pytest.mark.skipif(
    CHROMIUM is None, reason="there is no browser: apt-get install chromium"
)
