"""``make bench``: speed and memory against sentence-transformers and FAISS called directly.

Every contender is a process of its own, started in turn, several rounds in one run; the medians
are compared as ratios, because machines differ and drift while ratios within a run hold. The same
model, the same sentences and the same questions go to all. The direct contender does less: it
embeds the question and searches one FAISS index, without BM25, fusion, filters or citations.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median, quantiles

from rich.console import Console
from rich.progress import track
from rich.table import Table

from rag.models import DEFAULT_MODEL

_ROOT = Path(__file__).parent.parent
_ROUNDS = 3
_WARM_UP = 10
"""Questions asked before the clock runs: the first ones fill caches of the allocator."""
_DIRECT, _PROCESS, _HTTP = "sentence-transformers + FAISS", "Casebook, in process", "Casebook, HTTP"


@dataclass(frozen=True, slots=True)
class Figures:
    """One contender, medians over the rounds.

    Attributes:
        ready_s: Seconds from the start of the process until it can answer.
        p50_ms: Milliseconds of a question, median.
        p95_ms: The same, 95th percentile.
        rss_mb: Peak resident memory of the process, in MiB.
    """

    ready_s: float
    p50_ms: float
    p95_ms: float
    rss_mb: float


def main() -> None:
    """Run all contenders and print their figures and the ratios to the direct one."""
    console = Console()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        with console.status("preparing the same model and sentences for all"):
            subprocess.run(_self("prepare", folder), check=True)  # noqa: S603 -- our own module
        contenders: dict[str, Callable[[], Figures]] = {
            _DIRECT: lambda: _measure_child(_self("direct", folder)),
            _PROCESS: lambda: _measure_child(_self("casebook", folder)),
            _HTTP: lambda: _measure_server(folder),
        }
        rounds: dict[str, list[Figures]] = {name: [] for name in contenders}
        for _ in track(range(_ROUNDS), description="rounds", console=console, transient=True):
            for name, measure in contenders.items():
                rounds[name].append(measure())
    medians = {name: _median(figures) for name, figures in rounds.items()}
    if "--json" in sys.argv:
        console.print_json(json.dumps({name: asdict(f) for name, f in medians.items()}))
        return
    base = medians[_DIRECT]
    table = Table(title=f"{DEFAULT_MODEL}, {os.cpu_count()} cores, medians of {_ROUNDS} rounds")
    for column in ("", "ready s", "p50 ms", "p95 ms", "RSS MB", "start ×", "query ×", "memory ×"):
        table.add_column(column, justify="left" if not column else "right")
    for name, f in medians.items():
        ratios = (base.ready_s / f.ready_s, base.p50_ms / f.p50_ms, base.rss_mb / f.rss_mb)
        cells = (f"{f.ready_s:.2f}", f"{f.p50_ms:.1f}", f"{f.p95_ms:.1f}", f"{f.rss_mb:.0f}")
        table.add_row(name, *cells, *(f"{ratio:.1f}" for ratio in ratios))
    console.print(table)


def _self(role: str, folder: Path) -> list[str]:
    return [sys.executable, "-m", "eval.bench", role, str(folder)]


def _median(rounds: Sequence[Figures]) -> Figures:
    return Figures(
        ready_s=median(f.ready_s for f in rounds),
        p50_ms=median(f.p50_ms for f in rounds),
        p95_ms=median(f.p95_ms for f in rounds),
        rss_mb=median(f.rss_mb for f in rounds),
    )


def _measure_child(command: list[str]) -> Figures:
    """Start a contender; it says ``ready`` in one line and its times in the next."""
    started = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:  # noqa: S603
        assert child.stdout is not None  # noqa: S101 -- a pipe was asked for
        child.stdout.readline()
        ready_s = time.perf_counter() - started
        times = json.loads(child.stdout.readline())
        return _figures(ready_s, times, child)


def _measure_server(folder: Path) -> Figures:
    """Start the service as a user does, and ask over one connection."""
    import httpx  # noqa: PLC0415 -- not for the contenders that this module also is

    command = [sys.executable, "-m", "casebook", "serve", "--port", "0"]
    command += ["--index", str(folder / "index"), "--models", str(_ROOT / "var" / "models")]
    started = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:  # noqa: S603
        assert child.stdout is not None  # noqa: S101 -- a pipe was asked for
        url = child.stdout.readline().partition("http")[2].partition("（")[0]
        with httpx.Client(base_url=f"http{url}", trust_env=False) as client:
            client.get("/readyz").raise_for_status()
            ready_s = time.perf_counter() - started
            times = _timed(lambda question: client.post("/api/v1/search", json={"query": question}))
        child.terminate()
        return _figures(ready_s, times, child)


def _figures(ready_s: float, times_ms: Sequence[float], child: subprocess.Popen[str]) -> Figures:
    """Wait for a contender's end; the system then tells its peak memory."""
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode not in (0, -15):
        message = f"a contender failed with exit code {child.returncode}"
        raise RuntimeError(message)
    unit = 2**20 if sys.platform == "darwin" else 2**10  # ru_maxrss: bytes there, KiB elsewhere
    p95 = quantiles(times_ms, n=20)[-1]
    return Figures(ready_s, median(times_ms), p95, usage.ru_maxrss / unit)


def _timed(ask: Callable[[str], object]) -> list[float]:
    """Milliseconds of each development question, after some to warm up."""
    from eval.questions import read_questions  # noqa: PLC0415 -- see _measure_server

    questions = [q.text for q in read_questions(_ROOT / "eval" / "dev_questions.jsonl")]
    for question in questions[:_WARM_UP]:
        ask(question)
    times: list[float] = []
    for question in questions:
        started = time.perf_counter()
        ask(question)
        times.append((time.perf_counter() - started) * 1000)
    return times


def _prepare(folder: Path) -> None:
    """Build the index, and write the original model and the same sentences for the direct one."""
    from index.assemble import text_keys  # noqa: PLC0415
    from index.build import build  # noqa: PLC0415
    from index.store import read_content  # noqa: PLC0415
    from index.versions import current_version  # noqa: PLC0415
    from rag.encoders import load_encoder  # noqa: PLC0415
    from rag.preparation.catalogue import KNOWN_MODELS  # noqa: PLC0415
    from rag.preparation.parity import BUILT_IN_SENTENCES  # noqa: PLC0415
    from rag.preparation.prepare import rebuild_known  # noqa: PLC0415

    encoder = load_encoder(DEFAULT_MODEL, _ROOT / "var" / "models")
    build([_ROOT / "data"], folder / "index", encoder)
    content = read_content(current_version(folder / "index"))
    spans = [passage.sentences for passage in content.passages]
    keys = text_keys(content.cases, content.passages, spans, encoder)
    (folder / "sentences.json").write_text(json.dumps(keys), encoding="utf-8")
    original = rebuild_known(KNOWN_MODELS[DEFAULT_MODEL], folder, BUILT_IN_SENTENCES)
    original.folder.rename(folder / "original")


def _direct(folder: Path) -> None:
    """The contender without Casebook."""
    import faiss  # noqa: PLC0415
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415

    from rag.preparation.catalogue import KNOWN_MODELS  # noqa: PLC0415

    known = KNOWN_MODELS[DEFAULT_MODEL]
    stored = folder / "direct.faiss"
    model = SentenceTransformer(str(folder / "original"), device="cpu")
    if not stored.exists():  # the first round builds it; the others start as a service would
        keys = json.loads((folder / "sentences.json").read_text(encoding="utf-8"))
        passages = [known.passage_prompt + key for key in keys]
        vectors = model.encode(passages, normalize_embeddings=True)
        index = faiss.IndexFlatIP(vectors.shape[1])
        index.add(vectors)
        faiss.write_index(index, str(stored))
    index = faiss.read_index(str(stored))
    sys.stdout.write("ready\n")
    sys.stdout.flush()

    def ask(question: str) -> object:
        asked = [known.query_prompt + question]
        vector = model.encode(asked, normalize_embeddings=True, show_progress_bar=False)
        return index.search(vector, 10)

    sys.stdout.write(json.dumps(_timed(ask)))


def _casebook(folder: Path) -> None:
    """Casebook, called as a library."""
    from index.store import open_index  # noqa: PLC0415

    assistant = open_index(folder / "index", _ROOT / "var" / "models").assistant
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdout.write(json.dumps(_timed(assistant.search)))


if __name__ == "__main__":
    roles = {"prepare": _prepare, "direct": _direct, "casebook": _casebook}
    if len(sys.argv) > 2 and sys.argv[1] in roles:  # noqa: PLR2004 -- a role and its folder
        roles[sys.argv[1]](Path(sys.argv[2]))
    else:
        main()
