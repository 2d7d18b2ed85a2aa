"""Headless Chromium through its own driver, over plain HTTP: enough of WebDriver to open a page and use it."""

import contextlib
import json
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
]  # fmt: skip


class Page:
    """One browser window."""

    def __init__(self, base: str, profile: Path, width: int, height: int, dark: bool) -> None:
        flags = [*FLAGS, f"--user-data-dir={profile}", f"--window-size={width},{height}"]
        if dark:
            flags.append("--force-dark-mode")
        options = {"binary": CHROMIUM, "args": flags}
        wanted = {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
        self._base = base
        session = self._call("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        self._base = f"{base}/session/{session['sessionId']}"
        if width < 500:  # windows have a smallest width; the device's metrics do not
            metrics = {"width": width, "height": height, "deviceScaleFactor": 2, "mobile": True}
            self._call("POST", "/goog/cdp/execute", {"cmd": "Emulation.setDeviceMetricsOverride", "params": metrics})
        scheme = {"features": [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]}
        self._call("POST", "/goog/cdp/execute", {"cmd": "Emulation.setEmulatedMedia", "params": scheme})

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        data = json.dumps(body or {}).encode() if method == "POST" else None
        request = urllib.request.Request(
            f"{self._base}{path}", data, {"Content-Type": "application/json"}, method=method
        )
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.load(answer)["value"]

    def open(self, file: Path) -> None:
        self._call("POST", "/url", {"url": file.resolve().as_uri()})
        self.wait("document.documentElement.dataset.ready === 'yes' && document.querySelector('.pair') !== null")

    def js(self, expression: str) -> Any:
        return self._call("POST", "/execute/sync", {"script": f"return ({expression});", "args": []})

    def wait(self, condition: str, seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        while not self.js(condition):
            assert time.monotonic() < end, f"never true: {condition}"
            time.sleep(0.05)

    def press(self, *keys: str) -> None:
        """Type keys one after the other, to wherever the focus is."""
        actions = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self._call("POST", "/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})

    def console(self) -> list[str]:
        """Errors and warnings since the last call: blocked scripts and failed requests are among them."""
        entries = self._call("POST", "/se/log", {"type": "browser"})
        return [entry["message"] for entry in entries if entry["level"] in ("SEVERE", "WARNING")]

    def requests(self) -> list[str]:
        """Everything the page loaded besides itself."""
        return self.js("performance.getEntriesByType('resource').map((entry) => entry.name)")

    def screenshot(self, file: Path) -> None:
        import base64

        file.write_bytes(base64.b64decode(self._call("GET", "/screenshot")))

    def close(self) -> None:
        self._call("DELETE", "")


@contextlib.contextmanager
def browser(profile: Path, *, width: int = 1200, height: int = 900, dark: bool = False) -> Iterator[Page]:
    """A page in a browser that is gone afterwards."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    driver = subprocess.Popen([str(DRIVER), f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            assert time.monotonic() < end, "chromedriver did not start"
            time.sleep(0.1)
        page = Page(f"http://127.0.0.1:{port}", profile, width, height, dark)
        try:
            yield page
        finally:
            page.close()
    finally:
        driver.terminate()
        driver.wait(timeout=30)
