"""A real browser without a window, driven by its own protocol over two pipes.

https://chromedevtools.github.io/devtools-protocol: `--remote-debugging-pipe` needs neither a port
nor a driver.
"""

from __future__ import annotations

import base64
import json
import os
import select
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from binaries import binary

_ANSWER_SECONDS = 30.0
_OPTIONS = (
    "--headless=new",
    "--remote-debugging-pipe",
    # Its own sandbox wants what containers do not give, and root may not use it.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--hide-scrollbars",
)


class Tab:
    """One page of the browser."""

    def __init__(self, commands: int, answers: int) -> None:
        self._commands = commands
        self._answers = answers
        self._pending = b""
        self._number = 0
        self._session: str | None = None
        self.events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)[
            "sessionId"
        ]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Sends a command; what the browser answers."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + _ANSWER_SECONDS
        while (answer := self._next(deadline)).get("id") != self._number:
            self.events.append(answer)
        assert "error" not in answer, f"{method}: {answer['error']}"
        result: dict[str, Any] = answer["result"]
        return result

    def open(self, url: str, width: int = 1200, height: int = 1000, scheme: str = "light") -> None:
        """Loads a page, in a window of this size."""
        self.events.clear()
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", features=features)
        self.call("Page.navigate", url=url)
        self.wait_for("document.readyState === 'complete'")

    def ask(self, expression: str) -> Any:
        """The value of an expression in the page."""
        answer = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def text(self, place: str) -> str:
        """What can be read in the element with this id."""
        return str(self.ask(f"document.getElementById({json.dumps(place)}).innerText"))

    def wait_for(self, expression: str, seconds: float = 15.0) -> None:
        """Waits until an expression in the page is true."""
        deadline = time.monotonic() + seconds
        while not self.ask(f"Boolean({expression})"):
            shown = self.ask("document.body.innerText.slice(0, 800)")
            assert time.monotonic() < deadline, f"{expression} is not true: {shown}"
            time.sleep(0.05)

    def complaints(self) -> list[str]:
        """What scripts, policies and failed requests have put on the browser's console."""
        self.ask("1")
        told = [event["params"] for event in self.events if event.get("method") == "Log.entryAdded"]
        thrown = [e for e in self.events if e.get("method") == "Runtime.exceptionThrown"]
        return [entry["entry"]["text"] for entry in told] + [str(e["params"]) for e in thrown]

    def requests(self) -> list[str]:
        """The addresses that the page has asked for."""
        self.ask("1")
        sent = [e for e in self.events if e.get("method") == "Network.requestWillBeSent"]
        return [event["params"]["request"]["url"] for event in sent]

    def save(self, path: Path) -> None:
        """Writes what the window shows, as PNG."""
        data = self.call("Page.captureScreenshot", format="png")["data"]
        path.write_bytes(base64.b64decode(data))

    def _next(self, deadline: float) -> dict[str, Any]:
        while b"\0" not in self._pending:
            left = max(0.0, deadline - time.monotonic())
            assert select.select([self._answers], [], [], left)[0], "the browser does not answer"
            read = os.read(self._answers, 1 << 20)
            assert read, "the browser has ended"
            self._pending += read
        message, _, self._pending = self._pending.partition(b"\0")
        answer: dict[str, Any] = json.loads(message)
        return answer


@contextmanager
def chromium(directory: Path) -> Iterator[Tab]:
    """A tab of a browser of its own; the test fails where there is none."""
    from_us, commands = os.pipe()
    answers, to_us = os.pipe()
    # It reads descriptor 3 and writes 4.
    command = f'exec "$0" "$@" 3<&{from_us} 4>&{to_us}'
    options = (*_OPTIONS, f"--user-data-dir={directory / 'profile'}")
    with (directory / "chromium.log").open("wb") as log:
        process = subprocess.Popen(
            ["bash", "-c", command, binary("chromium"), *options],
            pass_fds=(from_us, to_us),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, "HOME": str(directory)},
        )
    os.close(from_us)
    os.close(to_us)
    try:
        yield Tab(commands, answers)
    finally:
        # It ends, with all its processes, when nobody holds the pipe.
        os.close(commands)
        os.close(answers)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
