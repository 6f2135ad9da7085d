"""Pictures of everything that the pages show, wide and on a phone, light and dark, to be looked at.

They land in ./screenshots, or in the folder that is named; states that are named after it are shown alone.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from browser import NARROW, WIDE, Browser
from conftest import make_site
from states import STATES, Stage, furnish

FOLDER = Path(__file__).resolve().parents[2] / "screenshots"


def main(folder: Path, names: list[str]) -> None:
    # A folder that somebody names may hold what they want to keep.
    if folder == FOLDER:
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as data:
        site = make_site(Path(data) / "site")
        try:
            furnish(site)
            browser = Browser(site.url, Path(data) / "profile")
            try:
                for name in names:
                    browser.begin()
                    STATES[name](Stage(site, browser))
                    for width in (WIDE, NARROW):
                        for dark in (False, True):
                            browser.set_width(width)
                            browser.set_dark(dark)
                            browser.screenshot(folder / f"{name}-{width}-{'dark' if dark else 'light'}.png")
            finally:
                browser.quit()
        finally:
            site.server.stop()
    print(f"{len(list(folder.iterdir()))} pictures in {folder}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER, sys.argv[2:] or list(STATES))
