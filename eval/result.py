"""What one system did on one dataset: the value that every later step reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Self, TypeAlias

from eval.dataset import Qrels
from eval.evidence import Holders
from eval.questions import Question
from rag.retrieve import Reason
from rag.types import Source

SHOWN = 3
"""Units of each ranking whose text is kept."""
_EXCERPT = 600
"""Characters of a document that are kept."""

Values: TypeAlias = Mapping[str, Mapping[str, float]]
"""Measure name (``nDCG@10``) -> question id -> value. A question that a measure does not apply to
is absent from it; an absent value is never a 0."""

MissClass = Literal[
    "not_indexed", "cut", "dense_only", "lexical_only", "lost_in_fusion", "unfound", "demoted"
]
"""Why the top 10 do not answer a question; see `eval.diagnosis`."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """One unit of a ranking: a passage id or document id, and its score."""

    unit_id: str
    score: float


@dataclass(frozen=True, slots=True)
class Stages:
    """Milliseconds that one question took, by stage.

    Attributes:
        encode: Question to vector.
        dense: Search by vector.
        lexical: Search by terms.
        fuse: Everything else: filters, fusion, confidence.
        rerank: Reading the first passages together with the question; 0 without a reranker.
    """

    encode: float
    dense: float
    lexical: float
    fuse: float
    rerank: float = 0.0

    @property
    def total(self) -> float:
        """The whole question."""
        return self.encode + self.dense + self.lexical + self.fuse + self.rerank


@dataclass(frozen=True, slots=True)
class Miss:
    """Where the evidence of a missed question was lost.

    Attributes:
        kind: The class.
        dense: Rank, from 1, of the quote that decides the class, or of the first relevant
            document, by vectors alone; None if not ranked there.
        lexical: The same by terms alone.
        fused: The same after fusion, before any reranking.
    """

    kind: MissClass
    dense: int | None
    lexical: int | None
    fused: int | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one question brought up.

    Attributes:
        question_id: The question.
        ranking: Best first, each unit once; scores strictly decrease.
        confidence: In [0, 1], of the first passage; None in an imported run, which has none.
        reason: Why the system abstained, or None.
        evidence: For each quote, the rank (from 1) by which all of it has been read: that of the
            first passage that holds it, or, where a boundary cuts it, of the last of those that
            do together; None if it is not found. Empty for a question without quotes.
        case_found: Whether the first passage is of a case that holds evidence; None where unknown.
        districts: Districts of the cases that hold evidence; empty where none is stated.
        district_found: District of the first passage's case; None where none is stated.
        stages: Its latency; None in an imported run.
        miss: Diagnosis if the top 10 do not answer it (hit@10, or Success@10, is 0); None
            otherwise and for unanswerable ones.
        holders: For each quote, the passages that hold it: with the ranking, `evidence` and
            `case_found` follow from them. None where that is not known, so that nobody can
            compute the two again.
    """

    question_id: str
    ranking: tuple[Ranked, ...]
    confidence: float | None
    reason: Reason | None
    evidence: tuple[int | None, ...]
    case_found: bool | None
    districts: tuple[str, ...]
    district_found: str | None
    stages: Stages | None
    miss: Miss | None
    holders: tuple[Holders, ...] | None = None

    @property
    def units(self) -> list[str]:
        """Ids of the ranking, best first."""
        return [ranked.unit_id for ranked in self.ranking]


@dataclass(frozen=True, slots=True)
class Cost:
    """What a system takes.

    Attributes:
        build_s: Seconds to read, cut, encode (cached vectors excepted) and index.
        encoded: Texts that had to be encoded; the others came from the cache.
        index_bytes: Size of the index on disk.
        peak_rss_mb: Peak resident memory while it was built and asked, in MiB, the encoder and
            the evaluation itself included; None where the system does not tell.
        encode_s: Seconds of `build_s` that encoding took; 0 if every vector was cached.
    """

    build_s: float
    encoded: int
    index_bytes: int
    peak_rss_mb: float | None
    encode_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Fault:
    """A quote that no passage holds whole: a fault of the cutting, not of the ranking.

    It is found when the passages that hold it together are.
    """

    question_id: str
    quote: str


@dataclass(frozen=True, slots=True)
class Ceiling:
    """How good a later stage could be, given what this one brings up.

    Attributes:
        name: ``dense@100``, ``lexical@100``, ``either@100``, ``fused@20``: the candidates looked
            at.
        recall: Mean share of evidence among them, in [0, 1].
    """

    name: str
    recall: float


@dataclass(frozen=True, slots=True)
class Excerpt:
    """The text of a unit that a report shows.

    Attributes:
        unit_id: Passage or document.
        label: Whose it is: district, case title, section; a document's title or id.
        text: The passage; for a document, its beginning.
    """

    unit_id: str
    label: str
    text: str

    @classmethod
    def of_document(cls, source: Source) -> Self:
        """Keep what a report shows of a document."""
        return cls(source.name, source.name, source.text[:_EXCERPT])


@dataclass(frozen=True, slots=True)
class Provenance:
    """Enough to run it again: equal provenance gives equal numbers, latencies excepted.

    Attributes:
        system: Its name.
        configuration: Every field of the declared system.
        dataset: The dataset's name.
        questions_sha256: `Dataset.digest`.
        corpus_sha256: Digest over the sources' digests, in order.
        encoder: `EncoderIdentity` as JSON; weights digest, prompts and pooling included.
        index_code_sha256: Digest of the code that decides an index's content.
        commit: Git commit, with ``+`` behind it if the tree was changed; empty outside git.
        lock_sha256: Digest of ``constraints.txt``; empty where it is not there.
        python: Version.
        cpu: Model name of the processor; empty where the system does not tell.
        threads: Processors this process may use.
        seed: Of every random choice.
        started: UTC, ISO 8601, to the second.
        command: What reproduces it.
    """

    system: str
    configuration: Mapping[str, object]
    dataset: str
    questions_sha256: str
    corpus_sha256: str
    encoder: Mapping[str, object]
    index_code_sha256: str
    commit: str
    lock_sha256: str
    python: str
    cpu: str
    threads: int
    seed: int
    started: str
    command: str


@dataclass(frozen=True, slots=True)
class Result:
    """One system on one dataset, complete: measures can be recomputed from it without a model.

    Attributes:
        provenance: How it came about.
        above: Name of the system whose row it is compared with; empty for the first.
        about: One line on the system, for tables.
        questions: All of them, unanswerable ones included.
        qrels: Units judged, by question; only questions with judgments.
        outcomes: One for each question, in the same order.
        values: The measures, question by question.
        groups: Slice (``type``) -> question id -> group (``paraphrase``), for tables by group.
        faults: Quotes that no passage holds.
        ceilings: What the stages could reach at most.
        excerpts: Units among the first few of a ranking, or judged relevant.
        cost: Time and space; None for an imported run.
        notes: What was left out, or counts 0 for lack of a ranking, and why, in Chinese; empty if
            nothing was.
    """

    provenance: Provenance
    above: str
    about: str
    questions: tuple[Question, ...]
    qrels: Qrels
    outcomes: tuple[Outcome, ...]
    values: Values
    groups: Mapping[str, Mapping[str, str]]
    faults: tuple[Fault, ...]
    ceilings: tuple[Ceiling, ...]
    excerpts: tuple[Excerpt, ...]
    cost: Cost | None
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """``system@dataset``."""
        return f"{self.provenance.system}@{self.provenance.dataset}"

    @property
    def latencies_ms(self) -> list[float]:
        """Milliseconds of each question; none in an imported run."""
        return [outcome.stages.total for outcome in self.outcomes if outcome.stages]

    @property
    def document_judged(self) -> bool:
        """Whether documents rather than passages were judged: then no question has quotes."""
        return not any(question.quotes for question in self.questions)
