"""Who takes part: Casebook, its libraries called directly, and its peers."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from eval.bench.contender import Contender, Service
from eval.bench.prepare import MODELS, ROOT

PEERS = ROOT / "var" / "peers" / "bin" / "python"
"""The Python that peers are installed for; see `peers/requirements.txt`."""
CASEBOOK, SERVICE = "Casebook", "Casebook, casebook serve"
DIRECT = "sentence-transformers + FAISS"
"""The encoder as it was published: what others find is compared with what it finds."""
INSTALL = "make bench PEERS=1"


@dataclass(frozen=True, slots=True)
class Entry:
    """One that takes part.

    Attributes:
        name: As tables show it.
        command: Starts it: the interpreter, a module, and what follows the folder.
        ways: What it can be asked in process, and how tables call it.
        vectors: The way that searches one vector a passage; empty if there is none.
        served: What serves it over HTTP, as tables call it; empty if nothing does.
        builds: Whether it builds an index of its own.
    """

    name: str
    python: Path
    module: str
    options: tuple[str, ...] = ()
    ways: tuple[tuple[str, str], ...] = (("dense", ""), ("hybrid", ", hybrid"))
    vectors: str = "dense"
    served: str = ""
    builds: bool = True

    def task(self, task: str, folder: Path) -> list[str]:
        """The command of a task: ``build`` or ``answer``."""
        return [str(self.python), "-m", self.module, task, str(folder), *self.options]

    def start(self, folder: Path, errors: Path) -> Contender:
        """Start it, with an index that is built.

        Raises:
            ContenderError: If it ends before it is ready.
        """
        if self.name != SERVICE:
            return Contender(self.task("answer", folder), errors)
        command = [str(self.python), "-m", self.module, "serve", "--port", "0"]
        command += ["--index", str(folder / "index"), "--models", str(MODELS)]
        return Service([*command, "--state", str(folder / "state")], errors)


def entries() -> tuple[Entry, ...]:
    """All that can take part: peers only where their environment has been made."""
    ours = Path(sys.executable)
    own = (
        Entry(CASEBOOK, ours, "eval.bench.in_process", ways=(("whole", ""),), builds=False),
        Entry(SERVICE, ours, "casebook", ways=(), vectors="", served=SERVICE, builds=False),
        Entry(DIRECT, ours, "eval.bench.direct", ways=(("dense", ""),)),
    )
    return (*own, *peers()) if PEERS.exists() else own


def peers() -> tuple[Entry, ...]:
    """The peers, each with what its own documentation recommends."""
    folder = "eval.bench.peers"
    return (
        Entry("txtai", PEERS, f"{folder}.txtai", ("plain",), served="txtai, txtai.api"),
        Entry(
            "txtai, its 8-bit ONNX export",
            PEERS,
            f"{folder}.txtai",
            ("onnx",),
            served="txtai, its 8-bit ONNX export, txtai.api",
        ),
        Entry("LlamaIndex", PEERS, f"{folder}.llamaindex", served="LlamaIndex, FastAPI"),
        Entry("LangChain", PEERS, f"{folder}.langchain", served="LangChain, FastAPI"),
        Entry("Haystack", PEERS, f"{folder}.haystack", served="Haystack, Hayhooks"),
    )
