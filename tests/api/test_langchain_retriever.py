"""The casebook under LangChain's own machinery, over a real service and in this process."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.documents import Document
from langchain_core.language_models import FakeListChatModel
from langchain_core.load import dumps
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnablePassthrough

from api.langchain_retriever import CasebookRetriever
from api.scope import RequestRefusedError
from api.searcher import METADATA_KEYS, IndexSearcher
from api.service import ServiceUnavailableError
from rag.assistant import Assistant
from rag.types import Source

pytestmark = pytest.mark.usefixtures("only_loopback")

REFUND = "静安区𠮷祥大厦推行智能退税，三天到账。"
LICENCE = "浦东新区开办企业一天办结，营业执照当场领取。"


@pytest.fixture(params=["service", "index"])
def casebook(request: pytest.FixtureRequest, port: int, assistant: Assistant) -> CasebookRetriever:
    if request.param == "service":
        return CasebookRetriever.from_service(f"http://127.0.0.1:{port}")
    return CasebookRetriever(searcher=IndexSearcher(assistant))


def ids(documents: list[Document]) -> list[str | None]:
    return [document.id for document in documents]


def test_a_document_is_the_passage_with_its_citation(
    casebook: CasebookRetriever, source: Source, citation: dict[str, Any]
) -> None:
    document = casebook.invoke("智能退税", top_k=1)[0]
    assert document.id == "c33adef876c:42-61"
    assert document.page_content == REFUND == source.text[42:61]
    assert json.loads(json.dumps(document.metadata)) == {
        **citation,
        "rank": 1,
        "passage_id": "c33adef876c:42-61",
        "score": 1.0,
        "highlights": [[9, 13]],
        "other_district": False,
        "index_version": "v000007",
        "confidence": 1.0,
        "abstained": False,
        "reason": None,
    }
    assert document.metadata.keys() == METADATA_KEYS


def test_every_way_of_asking_gives_the_same(casebook: CasebookRetriever) -> None:
    questions = ["智能退税", "营业执照当场领取"]
    one_by_one = [casebook.invoke(question) for question in questions]

    async def asked() -> list[list[Document]]:
        return [await casebook.ainvoke(question) for question in questions]

    assert [documents[0].page_content for documents in one_by_one] == [REFUND, LICENCE]
    assert casebook.batch(questions) == one_by_one
    assert asyncio.run(asked()) == one_by_one
    assert asyncio.run(casebook.abatch(questions)) == one_by_one
    assert list(casebook.stream(questions[0])) == one_by_one[:1]


def test_a_call_narrows_the_scope_for_its_question_only(casebook: CasebookRetriever) -> None:
    everything = casebook.invoke("智能退税")
    assert len(everything) == 4
    assert ids(casebook.invoke("智能退税", district="浦东", nearest=True)) == [
        "c2f29831262:111-133"
    ]
    assert ids(asyncio.run(casebook.ainvoke("智能退税", year=[2021, 2022], top_k=1))) == [
        "c33adef876c:42-61"
    ]
    assert ids(casebook.bind(collection="良好实践", nearest=True).invoke("智能退税")) == [
        "c9ae695db15:165-185"
    ]
    assert casebook.invoke("智能退税") == everything


def test_a_misspelt_option_is_an_error_and_not_a_wider_search(
    casebook: CasebookRetriever,
) -> None:
    with pytest.raises(TypeError, match="districts"):
        casebook.invoke("智能退税", districts=["浦东新区"])
    with pytest.raises(TypeError, match="districts"):
        CasebookRetriever.from_service("http://127.0.0.1:8000", districts=["浦东新区"])  # type: ignore[call-arg]


def test_a_question_without_an_answer_brings_nothing_unless_asked_for(
    casebook: CasebookRetriever,
) -> None:
    assert casebook.invoke("火星移民计划") == []
    nearest = casebook.invoke("火星移民计划", nearest=True)
    assert len(nearest) == 4
    assert {document.metadata["abstained"] for document in nearest} == {True}
    assert {document.metadata["reason"] for document in nearest} == {"not_in_collection"}


class Recorder(BaseCallbackHandler):
    def __init__(self) -> None:
        self.documents: list[list[Document]] = []
        self.errors: list[BaseException] = []
        self.prompts: list[str] = []

    def on_retriever_end(self, documents: Any, **_: Any) -> None:
        self.documents.append(list(documents))

    def on_retriever_error(self, error: BaseException, **_: Any) -> None:
        self.errors.append(error)

    def on_chat_model_start(self, serialized: Any, messages: Any, **_: Any) -> None:
        self.prompts.append(messages[0][0].content)


def test_callbacks_see_the_documents_and_the_errors(casebook: CasebookRetriever) -> None:
    recorder = Recorder()
    found = casebook.invoke("智能退税", {"callbacks": [recorder]})
    assert recorder.documents == [found]
    with pytest.raises(RequestRefusedError) as refused:
        casebook.invoke(" ", {"callbacks": [recorder]})
    assert recorder.errors == [refused.value]


def test_in_a_chain_the_model_reads_passages_and_labels(casebook: CasebookRetriever) -> None:
    def cited(documents: list[Document]) -> str:
        return "\n".join(f"{d.page_content}——{d.metadata['label']}" for d in documents)

    recorder = Recorder()
    prompt = ChatPromptTemplate.from_template("{passages}\n问：{question}")
    chain = (
        {"passages": casebook.bind(top_k=1) | cited, "question": RunnablePassthrough()}
        | prompt
        | FakeListChatModel(responses=["三天。"])
        | StrOutputParser()
    )
    assert chain.invoke("智能退税", {"callbacks": [recorder]}) == "三天。"
    assert recorder.prompts == [
        f"{REFUND}——静安区《智能退税一键到账》（上海市2022年度各区优化营商环境优秀案例，排名1）\n问：智能退税"
    ]


def test_a_service_that_is_down_can_be_retried_by_langchain() -> None:
    casebook = CasebookRetriever.from_service("http://127.0.0.1:1")
    recorder = Recorder()
    patient = casebook.with_retry(
        retry_if_exception_type=(ServiceUnavailableError,),
        wait_exponential_jitter=False,
        stop_after_attempt=2,
    )
    with pytest.raises(ServiceUnavailableError, match=r"连接出错（ConnectError: .*casebook serve"):
        patient.invoke("智能退税", {"callbacks": [recorder]})
    assert len(recorder.errors) == 2


def test_no_dump_of_the_retriever_holds_the_key() -> None:
    casebook = CasebookRetriever.from_service("http://127.0.0.1:8000", api_key="s3cret")
    dumped = [repr(casebook), str(casebook), dumps(casebook), str(casebook.model_dump())]
    assert [text for text in dumped if "s3cret" in text] == []


@pytest.mark.model
def test_an_index_is_opened_with_the_model_that_it_names(real_index: Path, models: Path) -> None:
    casebook = CasebookRetriever.from_index(real_index, str(models), top_k=1)
    (document,) = casebook.invoke("静安退税几天到账")
    assert document.metadata["title"] == "智能退税一键式 “双动”创新提效能"
    assert casebook.invoke("今天晚饭吃什么") == []


def test_the_example_of_the_guide_runs(run_example: Callable[[str], str]) -> None:
    assert REFUND in run_example("api.langchain_retriever")
