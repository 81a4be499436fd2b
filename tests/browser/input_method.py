"""Typing as Chinese is typed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class InputMethod:
    """Types as an input method does, through the browser's own protocol.

    Source:
        https://chromedevtools.github.io/devtools-protocol/tot/Input/
    """

    send: Callable[..., Any]

    def compose(self, *steps: str) -> None:
        """Show one after another as text that is still being composed."""
        for text in steps:
            place = {"selectionStart": len(text), "selectionEnd": len(text)}
            self.send("Input.imeSetComposition", {"text": text, **place})

    def commit(self, text: str) -> None:
        """End the composition with a text."""
        self.send("Input.insertText", {"text": text})

    def key(self, key: str, code: int, *, windows: bool = False) -> None:
        """Press a key: as it is, or as Windows reports one that the input method has taken."""
        name, number = ("Process", 229) if windows else (key, code)
        shape = {"key": name, "code": key, "windowsVirtualKeyCode": number}
        self.send("Input.dispatchKeyEvent", {"type": "rawKeyDown", **shape})
        self.send("Input.dispatchKeyEvent", {"type": "keyUp", **shape})
