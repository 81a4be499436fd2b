"""The workbench: what systems share, and that they are the product."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from eval.crossencoder import RerankerError
from eval.dataset import Dataset
from eval.questions import Question, QuestionsError
from eval.systems import System, SystemsError
from eval.trace import WatchedEncoder
from eval.workbench import Built, Workbench, forget_peak, peak_rss_mb
from index.build import build
from index.store import current_version, open_version
from rag.encoder import Encoder
from rag.expansions import Expansion, ExpansionsError
from rag.lexicon import Lexicon, LexiconError, read_lexicon
from rag.ranking import Scores
from rag.retrieve import HybridRetriever
from rag.source import read
from rag.tuning import DEFAULT_WEIGHTS, Tuning
from rag.types import Span

QUESTIONS = (
    Question("Q1", "fact", "静安退税几天到账", ("三日到账",), "any"),
    Question("Q2", "fact", "谁来帮办", ("帮办员现场服务",), "any"),
    Question("Q3", "none", "红烧肉", (), "any"),
)


@pytest.fixture
def loaded(monkeypatch, make_encoder) -> list[str]:
    """Names of the encoders that were loaded; each name is the alphabet it counts."""
    names: list[str] = []

    def load(name: str, _models: Path) -> Encoder:
        names.append(name)
        return make_encoder(name)

    monkeypatch.setattr("eval.workbench.load_encoder", load)
    return names


@pytest.fixture
def dataset(collection: Path) -> Dataset:
    sources = read([collection]).sources
    text = sources[0].text
    start = text.index("静安区税务局")
    run = Span(start, start + 20)
    asked = Expansion(sources[0].name, run, ("多缴的钱什么时候还我",))
    return Dataset("小集", QUESTIONS, sources, {}, "d" * 64, (asked,))


@pytest.fixture
def bench(tmp_path: Path, dataset: Dataset, loaded) -> Iterator[Workbench]:
    assert loaded == []
    with Workbench(dataset, tmp_path, tmp_path / "深" / "v.sqlite", lambda *_: None) as bench:
        yield bench


def system(name: str = "s", **changes: object) -> System:
    return replace(System(name, encoder="退税帮办企业", expansions=False), **changes)


def hits(built: Built, question: str) -> list[tuple[str, float, float, float]]:
    found = built.retriever.retrieve(question, limit=10)
    return [(hit.passage.text, hit.score, hit.dense, hit.lexical) for hit in found.hits]


def test_a_quote_that_is_nowhere_is_an_error_before_anything_is_opened(
    tmp_path: Path, dataset: Dataset
) -> None:
    wrong = replace(dataset, questions=(replace(QUESTIONS[0], quotes=("四日到账",)),))
    with pytest.raises(QuestionsError, match="引文“四日到账”不在原文中"):
        Workbench(wrong, tmp_path, tmp_path / "v.sqlite", lambda *_: None)
    assert not (tmp_path / "v.sqlite").exists()


@pytest.mark.parametrize(
    "changes", [{}, {"dense": 0.8}, {"max_tokens": 16, "k1": 1.5}, {"keys": "passage"}]
)
def test_a_system_answers_as_the_product_built_the_same_way(
    bench: Workbench, tmp_path: Path, collection: Path, encoder, changes: dict[str, object]
) -> None:
    declared = system(**changes)
    build([collection], tmp_path / "index", encoder, recipe=declared.recipe)
    product = open_version(
        current_version(tmp_path / "index"),
        encoder,
        Tuning(replace(DEFAULT_WEIGHTS, dense=declared.dense)),
    )

    built = bench.build(declared)

    for question in ("静安退税几天到账", "帮办", "企业"):
        found = product.search(question, limit=10).findings
        assert hits(built, question) == [
            (f.hit.passage.text, f.hit.score, f.hit.dense, f.hit.lexical) for f in found
        ]


def test_systems_of_one_recipe_share_encoder_index_and_cost(bench: Workbench, loaded) -> None:
    one, other = bench.build(system("a")), bench.build(system("b", dense=0.9))
    assert loaded == ["退税帮办企业"]
    assert one.encoder is other.encoder
    assert one.assembly is other.assembly
    assert one.cost is other.cost
    assert one.clocks is not other.clocks


def test_another_recipe_takes_known_vectors_from_the_cache(bench: Workbench) -> None:
    first = bench.build(system())
    second = bench.build(system(k1=2.0))
    assert first.assembly is not second.assembly
    assert (first.cost.encoded, second.cost.encoded) == (5, 0)
    assert second.cost.encode_s == 0 < first.cost.encode_s < first.cost.build_s


def test_another_encoder_is_another_index(bench: Workbench, loaded) -> None:
    bench.build(system())
    other = bench.build(system(encoder="静安"))
    assert loaded == ["退税帮办企业", "静安"]
    assert other.encoder.identity.dimension == 3
    assert other.cost.encoded == 5


@pytest.mark.usefixtures("loaded")
def test_vectors_are_kept_for_the_next_run(tmp_path: Path, dataset: Dataset) -> None:
    costs = []
    for _ in range(2):
        with Workbench(dataset, tmp_path, tmp_path / "v.sqlite", lambda *_: None) as bench:
            costs.append(bench.build(system()).cost)
    assert [cost.encoded for cost in costs] == [5, 0]


def test_the_cost_is_what_was_built(bench: Workbench) -> None:
    built = bench.build(system())
    files = built.assembly.content.to_files(bench.dataset.sources)
    assert built.cost.index_bytes == sum(map(len, files.values()))
    assert built.cost.peak_rss_mb is None or built.cost.peak_rss_mb > 10


@pytest.mark.usefixtures("loaded")
def test_progress_is_reported(tmp_path: Path, dataset: Dataset) -> None:
    seen: list[tuple[str, int, int]] = []
    with Workbench(
        dataset, tmp_path, tmp_path / "v.sqlite", lambda *step: seen.append(step)
    ) as bench:
        bench.build(system())
    assert seen == [("切分案例", 1, 2), ("切分案例", 2, 2), ("编码句子", 5, 5)]


def test_a_system_of_both_kinds_can_be_asked_by_each_alone(bench: Workbench) -> None:
    built = bench.build(system())
    by_dense, by_lexical = built.by_dense, built.by_lexical
    assert by_dense is not None
    assert by_lexical is not None
    for hit in by_dense.retrieve("退税到账", limit=5).hits:
        assert (hit.score, hit.lexical) == (hit.dense, 0.0)
    for hit in by_lexical.retrieve("退税到账", limit=5).hits:
        assert (hit.score, hit.dense) == (hit.lexical, 0.0)


@pytest.mark.parametrize("dense", [0.0, 1.0])
def test_a_system_of_one_kind_leaves_the_other_out(bench: Workbench, dense: float) -> None:
    built = bench.build(system(dense=dense))

    found = built.retriever.retrieve("静安退税几天到账", limit=5).hits

    assert (built.by_dense, built.by_lexical) == (None, None)
    assert found[0].passage.text.startswith("静安区税务局")
    assert all((hit.dense if dense == 0 else hit.lexical) == 0 for hit in found)
    assert (built.clocks.dense.seconds > 0) == (dense == 1)
    assert (built.clocks.lexical.seconds > 0) == (dense == 0)


def test_asking_one_kind_alone_does_not_run_the_clocks(bench: Workbench) -> None:
    built = bench.build(system())
    assert built.by_dense is not None
    built.by_dense.retrieve("退税", limit=5)
    assert (built.clocks.dense.seconds, built.clocks.lexical.seconds) == (0, 0)


def test_expansions_are_used_by_the_systems_that_ask_for_them(bench: Workbench) -> None:
    question = "多缴的钱什么时候还我"
    without, with_ = bench.build(system("a")), bench.build(system("b", expansions=True))
    assert without.assembly.content.known is None
    assert with_.assembly.content.known is not None
    assert hits(with_, question)[0][0].startswith("静安区税务局")
    assert hits(with_, question)[0][1] > hits(without, question)[0][1]


@pytest.mark.usefixtures("loaded")
def test_an_expansion_that_the_encoder_cannot_take_is_named(
    tmp_path: Path, dataset: Dataset
) -> None:
    (asked,) = dataset.expansions
    long = replace(dataset, expansions=(replace(asked, questions=("退" * 513,)),))
    with Workbench(long, tmp_path, tmp_path / "v.sqlite", lambda *_: None) as bench:
        bench.build(system())
        with pytest.raises(ExpansionsError, match=r"某市\.txt：预设问法“退+……”有 513 个词元"):
            bench.build(system(expansions=True))


def test_a_lexicon_finds_what_the_question_says_otherwise(bench: Workbench, tmp_path: Path) -> None:
    file = tmp_path / "词.tsv"
    file.write_text("收到钱\t到账", encoding="utf-8")
    plain, worded = (bench.build(system(dense=0.0, lexicon=lexicon)) for lexicon in ("", str(file)))
    assert read_lexicon(file) == Lexicon({"收到钱": ("到账",)})
    assert hits(plain, "何时收到钱")[0][3] < hits(worded, "何时收到钱")[0][3]


@dataclass
class Backwards:
    """A reranker of a name: what mentions 帮办 comes first."""

    name: str
    asked: int = 0

    def score(self, question: str, texts: Sequence[str]) -> Scores:
        self.asked += 1
        return np.array(["帮办站" in text for text in texts], dtype=np.float32)


@pytest.fixture
def rerankers(monkeypatch) -> list[Backwards]:
    """The rerankers that were made."""
    made: list[Backwards] = []

    def make(name: str) -> Backwards:
        made.append(Backwards(name))
        return made[-1]

    monkeypatch.setattr("eval.workbench.CrossEncoderReranker", make)
    return made


def first(retriever: HybridRetriever) -> str:
    return retriever.retrieve("静安退税几天到账", limit=10).hits[0].passage.text[:3]


def test_a_system_reranks_and_can_be_asked_as_fused_and_by_each_kind_alone(
    bench: Workbench, rerankers: list[Backwards]
) -> None:
    built = bench.build(system(reranker="甲"))
    assert built.by_dense is not None
    assert built.by_lexical is not None
    assert built.fused is not None
    assert rerankers[0].asked == 0
    assert first(built.retriever) == "嘉定区"
    assert built.retriever.retrieve("退税", limit=1).hits[0].score == 1.0
    assert {first(one) for one in (built.fused, built.by_dense, built.by_lexical)} == {"静安区"}
    assert rerankers[0].asked == 2
    plain = bench.build(system("b"))
    assert plain.fused is None
    assert built.fused.retrieve("退税", limit=9) == plain.retriever.retrieve("退税", limit=9)


def test_systems_of_one_reranker_share_it(bench: Workbench, rerankers: list[Backwards]) -> None:
    for name, reranker in (("a", "甲"), ("b", "甲"), ("c", "乙"), ("d", "")):
        bench.build(system(name, reranker=reranker))
    assert [one.name for one in rerankers] == ["甲", "乙"]


@pytest.mark.usefixtures("rerankers")
def test_the_clock_of_reranking_runs_for_the_system_that_reranks(bench: Workbench) -> None:
    with_, without = bench.build(system("a", reranker="甲")), bench.build(system("b"))
    for built in (with_, without):
        built.retriever.retrieve("退税", limit=1)
    assert with_.clocks.rerank.seconds > 0 == without.clocks.rerank.seconds
    before = with_.clocks.rerank.seconds
    assert with_.fused is not None
    with_.fused.retrieve("退税", limit=1)
    assert with_.clocks.rerank.seconds == before


def test_a_reranker_that_is_not_there_is_found_before_anything_is_encoded(
    bench: Workbench, tmp_path: Path, loaded
) -> None:
    with pytest.raises(RerankerError, match=r"重排模型 .+没有 不存在"):
        bench.build(system(reranker=str(tmp_path / "没有")))
    assert loaded == []


@pytest.mark.parametrize("size", [1, 15])
def test_passages_too_short_for_a_sentence_are_refused_before_anything_is_loaded(
    bench: Workbench, loaded, size: int
) -> None:
    with pytest.raises(SystemsError, match=f"^s 的 max_tokens 是 {size}，应不小于 16：再短的段落"):
        bench.build(system(max_tokens=size))
    assert loaded == []


def test_a_lexicon_that_is_not_there_is_found_before_anything_is_encoded(
    bench: Workbench, tmp_path: Path, loaded
) -> None:
    with pytest.raises(LexiconError, match=r"没有\.tsv：读不了"):
        bench.build(system(lexicon=str(tmp_path / "没有.tsv")))
    assert loaded == []


@pytest.mark.usefixtures("loaded")
def test_holders_cases_and_repeats_are_those_of_the_index(tmp_path: Path, dataset: Dataset) -> None:
    (source,) = dataset.sources
    twice = replace(dataset, sources=(source, replace(source, name="又一份.txt")))
    with Workbench(twice, tmp_path, tmp_path / "v.sqlite", lambda *_: None) as bench:
        built = bench.build(system())
    first, second, third, fourth = built.assembly.content.cases
    ids = [passage.passage_id for passage in built.assembly.content.passages]
    assert [held.ways for held in built.holders] == [((ids[0],),), ((ids[2],),)]
    assert built.repeats == {first.case_id: (third,), second.case_id: (fourth,)}
    assert set(built.cases) == {case.case_id for case in (first, second, third, fourth)}


def test_the_encoder_that_is_shared_is_the_one_that_is_watched(bench: Workbench) -> None:
    built = bench.build(system())
    assert isinstance(built.encoder, WatchedEncoder)
    assert built.encoder.encoded == 5
    built.retriever.retrieve("退税", limit=1)
    assert built.encoder.last_s > 0


def test_a_peak_is_forgotten_before_the_next_is_measured() -> None:
    if not forget_peak():
        pytest.skip("this system does not forget peaks")
    base = peak_rss_mb()
    block = np.ones(192 * 2**20 // 8)  # far more than the system takes back meanwhile
    high = peak_rss_mb()
    del block
    assert forget_peak()
    low = peak_rss_mb()
    assert base is not None
    assert high is not None
    assert low is not None
    assert high > base + 32
    assert low < high - 32


def test_a_peak_that_cannot_be_forgotten_is_not_reported(
    bench: Workbench, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr("eval.workbench._CLEAR", tmp_path / "clear_refs")
    assert not forget_peak()
    assert not (tmp_path / "clear_refs").exists()
    assert bench.build(system()).cost.peak_rss_mb is None


@pytest.mark.parametrize("text", [None, "Name:\tpython\n"])
def test_where_the_system_does_not_tell_there_is_no_peak(
    tmp_path: Path, monkeypatch, text: str | None
) -> None:
    file = tmp_path / "status"
    if text is not None:
        file.write_text(text, encoding="utf-8")
    monkeypatch.setattr("eval.workbench._STATUS", file)
    assert peak_rss_mb() is None


def test_a_peak_is_read_in_mib(tmp_path: Path, monkeypatch) -> None:
    file = tmp_path / "status"
    file.write_text("VmPeak:\t  9999 kB\nVmHWM:\t  2560 kB\n", encoding="utf-8")
    monkeypatch.setattr("eval.workbench._STATUS", file)
    assert peak_rss_mb() == 2.5
