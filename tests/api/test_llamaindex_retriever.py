"""The casebook under LlamaIndex's own machinery, over a real service and in this process."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from llama_index.core.callbacks import CallbackManager, CBEventType, LlamaDebugHandler
from llama_index.core.llms import MockLLM
from llama_index.core.postprocessor import SimilarityPostprocessor
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.response_synthesizers import get_response_synthesizer
from llama_index.core.retrievers import QueryFusionRetriever
from llama_index.core.schema import MetadataMode, NodeWithScore

from api.llamaindex_retriever import CasebookRetriever, PassageNode
from api.schemas import SearchRequest, SearchResponse
from api.scope import RequestRefusedError
from api.searcher import METADATA_KEYS, IndexSearcher
from api.service import ServiceUnavailableError
from rag.assistant import Assistant
from rag.types import Source

pytestmark = pytest.mark.usefixtures("only_loopback")

ROOT = Path(__file__).parents[2]
REFUND = "静安区𠮷祥大厦推行智能退税，三天到账。"
LABEL = "静安区《智能退税一键到账》（上海市2022年度各区优化营商环境优秀案例，排名1）"


@pytest.fixture(params=["service", "index"])
def casebook(request: pytest.FixtureRequest, port: int, assistant: Assistant) -> CasebookRetriever:
    if request.param == "service":
        return CasebookRetriever.from_service(f"http://127.0.0.1:{port}")
    return CasebookRetriever(IndexSearcher(assistant))


def ids(nodes: list[NodeWithScore]) -> list[str]:
    return [node.node_id for node in nodes]


def test_a_node_is_the_passage_at_its_place_in_the_file(
    casebook: CasebookRetriever, source: Source
) -> None:
    found = casebook.with_options(top_k=1).retrieve("智能退税")[0]
    node = found.node
    assert isinstance(node, PassageNode)
    assert (node.node_id, node.text, found.score) == ("c33adef876c:42-61", REFUND, 1.0)
    assert source.text[node.start_char_idx : node.end_char_idx] == node.text
    assert node.source_node is not None
    assert (node.source_node.node_id, node.source_node.hash) == (source.name, source.sha256)
    metadata = json.loads(json.dumps(node.metadata))
    assert metadata.keys() == METADATA_KEYS
    assert metadata["label"] == LABEL
    assert metadata["source"] == {
        "file": "cases.txt",
        "sha256": source.sha256,
        "start": 42,
        "end": 61,
    }
    assert PassageNode.from_dict(node.to_dict()) == node


def test_asking_asynchronously_gives_the_same_each_time(casebook: CasebookRetriever) -> None:
    found = casebook.retrieve("营业执照当场领取")
    assert ids(found)[0] == "c2f29831262:111-133"
    for _ in range(2):  # each on an event loop of its own
        assert asyncio.run(casebook.aretrieve("营业执照当场领取")) == found


def test_options_make_another_retriever(casebook: CasebookRetriever) -> None:
    pudong = casebook.with_options(district="浦东新区", nearest=True)
    assert ids(pudong.retrieve("智能退税")) == ["c2f29831262:111-133"]
    assert ids(pudong.with_options(district=()).retrieve("智能退税")) == ids(
        casebook.retrieve("智能退税")
    )
    with pytest.raises(TypeError, match="districts"):
        casebook.with_options(districts=["浦东新区"])  # type: ignore[call-arg]


def test_a_question_without_an_answer_brings_nothing_unless_asked_for(
    casebook: CasebookRetriever,
) -> None:
    assert casebook.retrieve("火星移民计划") == []
    assert asyncio.run(casebook.aretrieve("火星移民计划")) == []
    nearest = casebook.with_options(nearest=True).retrieve("火星移民计划")
    assert len(nearest) == 4
    assert {node.metadata["abstained"] for node in nearest} == {True}


def test_metadata_reaches_a_model_only_where_it_is_named(
    port: int, casebook: CasebookRetriever
) -> None:
    (plain, *_) = casebook.retrieve("智能退税")
    assert plain.node.get_content(MetadataMode.LLM) == REFUND
    assert plain.node.get_content(MetadataMode.EMBED) == REFUND

    labelled = CasebookRetriever.from_service(
        f"http://127.0.0.1:{port}", shown_to_model=["label"]
    ).with_options(top_k=1)
    (found,) = labelled.retrieve("智能退税")
    assert found.node.get_content(MetadataMode.LLM) == f"label: {LABEL}\n\n{REFUND}"
    assert found.node.get_content(MetadataMode.EMBED) == REFUND


def test_metadata_that_passages_do_not_have_cannot_be_shown(assistant: Assistant) -> None:
    with pytest.raises(ValueError, match=r"^no such metadata: lable; there are abstained, case_id"):
        CasebookRetriever(IndexSearcher(assistant), shown_to_model=["lable", "title"])


def test_a_query_engine_answers_from_the_passages_and_gives_them_as_sources(
    casebook: CasebookRetriever,
) -> None:
    # This model repeats its prompt.
    engine = RetrieverQueryEngine.from_args(
        casebook,
        llm=MockLLM(),
        node_postprocessors=[SimilarityPostprocessor(similarity_cutoff=0.5)],
    )
    answer = engine.query("智能退税")
    assert f"---------------------\n{REFUND}\n---------------------" in str(answer)
    assert ids(answer.source_nodes) == ["c33adef876c:42-61"]
    assert str(asyncio.run(engine.aquery("智能退税"))) == str(answer)


def test_a_synthesizer_given_nothing_says_so(casebook: CasebookRetriever) -> None:
    synthesizer = get_response_synthesizer(llm=MockLLM())
    answer = synthesizer.synthesize("火星移民计划", casebook.retrieve("火星移民计划"))
    assert str(answer) == "Empty Response"


def test_fusion_knows_a_passage_that_two_scopes_found_at_different_ranks(
    casebook: CasebookRetriever,
) -> None:
    second, third = "c2f29831262:111-133", "c9ae695db15:165-185"
    practice = casebook.with_options(collection="良好实践", nearest=True)
    assert ids(casebook.retrieve("智能退税"))[-2:] == [second, third]
    assert ids(practice.retrieve("智能退税")) == [third]

    fused = QueryFusionRetriever(
        [casebook, practice],
        llm=MockLLM(),
        num_queries=1,
        similarity_top_k=10,
        mode="reciprocal_rerank",
        use_async=False,
    ).retrieve("智能退税")

    assert sorted(ids(fused)) == sorted(ids(casebook.retrieve("智能退税")))
    assert ids(fused)[0] == third


@dataclass(frozen=True)
class Repeating:
    """Gives the first passage of an answer twice, the second time from elsewhere in the file."""

    searcher: IndexSearcher

    def search(self, request: SearchRequest) -> SearchResponse:
        answer = self.searcher.search(request)
        first = answer.passages[0]
        second = first.model_copy(update={"passage_id": "c33adef876c:142-161", "rank": 2})
        return answer.model_copy(update={"passages": [first, second]})

    async def asearch(self, request: SearchRequest) -> SearchResponse:
        return self.search(request)


def test_equal_text_at_two_places_is_two_nodes(assistant: Assistant) -> None:
    nodes = CasebookRetriever(Repeating(IndexSearcher(assistant))).retrieve("智能退税")
    assert ids(nodes) == ["c33adef876c:42-61", "c33adef876c:142-161"]
    assert nodes[0].text == nodes[1].text
    assert nodes[0].node.hash != nodes[1].node.hash


def test_callbacks_see_the_nodes(casebook: CasebookRetriever) -> None:
    seen = LlamaDebugHandler(print_trace_on_end=False)
    casebook.callback_manager = CallbackManager([seen])
    nodes = casebook.retrieve("智能退税")
    (_, ended) = seen.get_event_pairs(CBEventType.RETRIEVE)[0]
    assert ended.payload == {"nodes": nodes}


def test_what_goes_wrong_comes_out_in_words(casebook: CasebookRetriever) -> None:
    with pytest.raises(RequestRefusedError, match="query：是空的，请填写内容"):
        casebook.retrieve(" ")
    down = CasebookRetriever.from_service("http://127.0.0.1:1", api_key="s3cret")
    with pytest.raises(ServiceUnavailableError, match=r"连接出错（ConnectError: .*casebook serve"):
        asyncio.run(down.aretrieve("智能退税"))
    assert "s3cret" not in repr(vars(down))


def test_without_the_extra_the_import_says_what_to_install() -> None:
    # What is None in sys.modules is not there to import.
    code = "import sys; sys.modules['llama_index'] = None; import api.llamaindex_retriever"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "ImportError: api.llamaindex_retriever 需要 llama-index-core；请在 Casebook 的文件夹里运行："
        "pip install --constraint constraints.txt --editable '.[llamaindex]'"
    )


@pytest.mark.model
def test_an_index_is_opened_with_the_model_that_it_names(real_index: Path, models: Path) -> None:
    casebook = CasebookRetriever.from_index(real_index, models, top_k=1, shown_to_model=["label"])
    (found,) = casebook.retrieve("静安退税几天到账")
    assert found.metadata["title"] == "智能退税一键式 “双动”创新提效能"
    assert casebook.retrieve("今天晚饭吃什么") == []


def test_the_example_of_the_guide_runs(run_example: Callable[[str], str]) -> None:
    assert REFUND in run_example("api.llamaindex_retriever")
