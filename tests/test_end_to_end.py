"""The service as a user starts it: one process, real model, real corpus, real HTTP."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from eval.questions import read_questions
from rag.confidence import DEFAULT
from rag.models import DEFAULT_MODEL

pytestmark = pytest.mark.model

ROOT = Path(__file__).parent.parent

# Loaded before anything else in the server's process: every way out but loopback is an error.
NO_NETWORK = """
import socket, runpy, sys
real_connect, real_getaddrinfo = socket.socket.connect, socket.getaddrinfo
def connect(self, address):
    if self.family != socket.AF_UNIX and address[0] not in ("127.0.0.1", "::1"):
        raise AssertionError(f"network: {address}")
    return real_connect(self, address)
def getaddrinfo(host, *rest, **more):
    if host not in ("127.0.0.1", "localhost", "::1"):
        raise AssertionError(f"network: {host}")
    return real_getaddrinfo(host, *rest, **more)
socket.socket.connect, socket.getaddrinfo = connect, getaddrinfo
sys.argv = ["casebook", *sys.argv[1:]]
runpy.run_module("casebook", run_name="__main__")
"""

DISTRICTS = [
    *["嘉定区", "浦东新区", "闵行区", "徐汇区", "虹口区", "黄浦区"],
    *["奉贤区", "金山区", "青浦区", "宝山区", "杨浦区"],
    *["浦东新区", "闵行区", "虹口区", "虹口区", "奉贤区", "金山区"],
    *["静安区", "长宁区", None, "崇明区", "普陀区"],
]


@dataclass
class Service:
    client: httpx.Client
    process: subprocess.Popen[str]
    imports: Path


@pytest.fixture(scope="module")
def service(
    real_index: Path, models: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("service")
    imports = folder / "stderr.txt"
    command = [sys.executable, "-X", "importtime", "-c", NO_NETWORK, "serve", "--port", "0"]
    command += ["--index", str(real_index), "--models", str(models)]
    command += ["--state", str(folder / "state")]
    with (
        imports.open("w") as stderr,
        subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=stderr, text=True
        ) as process,
    ):
        assert process.stdout is not None
        line = process.stdout.readline()
        match = re.search(r"http://127\.0\.0\.1:\d+", line)
        assert match, line + imports.read_text()[-2000:]
        with httpx.Client(base_url=match.group(), trust_env=False, timeout=30) as client:
            yield Service(client, process, imports)
        process.terminate()
        assert process.wait(timeout=30) == 0


def search(service: Service, question: str, **more: object) -> dict:
    response = service.client.post("/api/v1/search", json={"query": question, **more})
    assert response.status_code == 200, response.text
    return response.json()


def test_an_everyday_question_finds_its_districts_case_first(service: Service) -> None:
    answer = search(service, "静安退税几天到账")
    first = answer["passages"][0]
    assert first["citation"]["district"] == "静安区"
    assert first["citation"]["title"] == "智能退税一键式 “双动”创新提效能"
    assert first["citation"]["case_rank"] == 5
    assert not answer["abstained"]
    assert answer["confidence"] > 0.9


def test_all_22_entries_are_listed_with_their_districts_and_21_are_distinct(
    service: Service,
) -> None:
    listing = service.client.get("/api/v1/cases").json()
    assert [case["district"] for case in listing["cases"]] == DISTRICTS
    assert sum(case["duplicate_of"] is None for case in listing["cases"]) == 21
    assert listing["cases"][8]["districts"] == ["青浦区", "吴江区", "嘉善县"]


def test_every_citation_cuts_exactly_its_passage_out_of_the_file(
    service: Service, corpus: Path
) -> None:
    text = corpus.read_text(encoding="utf-8")
    seen = 0
    for question in read_questions(ROOT / "eval" / "dev_questions.jsonl"):
        for passage in search(service, question.text, top_k=10)["passages"]:
            source = passage["citation"]["source"]
            assert text[source["start"] : source["end"]] == passage["text"]
            seen += 1
    assert seen == 1600


def test_the_documented_example_is_what_the_service_answers(service: Service) -> None:
    document = service.client.get("/openapi.json").json()
    operation = document["paths"]["/api/v1/search"]["post"]
    request = operation["requestBody"]["content"]["application/json"]["example"]
    expected = operation["responses"]["200"]["content"]["application/json"]["example"]

    answer = service.client.post("/api/v1/search", json=request).json()

    # FastAPI leaves nulls out of the document.
    assert {key for key, value in answer.items() if value is not None} == expected.keys()
    assert answer["confidence"] == pytest.approx(expected["confidence"], abs=1e-3)
    (passage,), (expected_passage,) = answer["passages"], expected["passages"]
    for key in ("passage_id", "text", "highlights", "citation"):
        assert passage[key] == expected_passage[key]
    assert passage["other_district"] is expected_passage["other_district"] is False
    assert answer["named_districts"] == expected["named_districts"] == ["静安区"]
    assert answer["cases"] == expected["cases"]
    explained, expected_explained = passage["explain"], expected_passage["explain"]
    assert explained.pop("matched_terms") == expected_explained.pop("matched_terms")
    assert explained == pytest.approx(expected_explained, abs=1e-3)


def test_the_documented_answer_is_what_the_service_answers(service: Service) -> None:
    document = service.client.get("/openapi.json").json()
    operation = document["paths"]["/api/v1/ask"]["post"]
    request = operation["requestBody"]["content"]["application/json"]["example"]
    expected = operation["responses"]["200"]["content"]["application/json"]["example"]

    answer = service.client.post("/api/v1/ask", json=request).json()

    assert answer["answer"] == expected["answer"]
    assert answer["confidence"] == pytest.approx(expected["confidence"], abs=1e-3)
    (passage,), (expected_passage,) = answer["citations"], expected["citations"]
    for key in ("number", "passage_id", "text", "citation"):
        assert passage[key] == expected_passage[key]


GREETINGS = (
    *("你好", "谢谢", "您好呀", "再见", "晚上好", "大家好", "辛苦了", "好久不见", "拜拜", "吃了吗"),
    *(
        "红烧肉怎么做才好吃",
        "你会说英语吗",
        "你是机器人吗",
        "陪我聊聊天",
        "我睡不着怎么办",
        "你真棒",
    ),
    *("哈哈", "嗯", "啊", "好", "我", "是", "x", "0", "%", "…", "？？？", "!!!", "——", "、、、"),
    *("asdfgh", "qqqqqq", "zzz xxx ccc", "foo bar baz", "111222333", "3.1415926", "ababab"),
    *("滴滴滴滴", "呜呜呜", "锟斤拷", "赵钱孙李周吴郑王", "😂😂", "🚀", "❤️❤️❤️", "(╯°□°）╯"),
    *(
        "hey",
        "Good evening",
        "Nice to meet you",
        "What time is it?",
        "I love pizza",
        "See you later",
    ),
    *(
        "Can you speak English?",
        "the quick brown fox jumps over the lazy dog",
        "bonjour",
        "ありがとう",
    ),
)


def test_a_greeting_or_nonsense_is_never_answered_with_confidence(service: Service) -> None:
    assert len(set(GREETINGS)) == len(GREETINGS) > 50
    for text in GREETINGS:
        answer = search(service, text)
        assert answer["abstained"], text
        assert answer["reason"] in {"not_in_collection", "low_confidence"}, text
        assert answer["confidence"] < DEFAULT.low, text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("静安的企业所得税智能退税，多大金额以下系统自动审批？", None),
        ("松江区的首席代办员怎么联系？", "not_in_district"),
        ("“小嘉帮办”的服务热线号码是多少？", "low_confidence"),
        ("长颈鹿一天睡几个小时？", "not_in_collection"),
    ],
)
def test_the_reasons_are_told_apart(service: Service, text: str, reason: str | None) -> None:
    assert search(service, text)["reason"] == reason


def test_what_another_district_answers_is_not_in_the_one_that_is_filtered_for(
    service: Service,
) -> None:
    text = "企业所得税智能退税几天到账？"
    assert search(service, text)["reason"] is None
    answer = search(service, text, filters={"district": ["普陀区"]})
    assert (answer["reason"], bool(answer["passages"])) == ("not_in_district", True)


def test_what_another_district_offers_is_returned_and_marked_as_such(service: Service) -> None:
    answer = search(service, "嘉定的智能退税几天到账", by_case=True)

    assert answer["named_districts"] == ["嘉定区"]
    tax = "智能退税一键式 “双动”创新提效能"
    found = [p for p in answer["passages"] if p["citation"]["title"] == tax]
    assert found
    assert all(p["citation"]["district"] == "静安区" for p in found)
    for passage in answer["passages"]:
        districts = passage["citation"]["districts"]
        assert passage["other_district"] is (bool(districts) and "嘉定区" not in districts)
    (case,) = (case for case in answer["cases"] if case["title"] == tax)
    assert case["ranks"] == [p["rank"] for p in found]


def test_the_command_line_gives_the_same_json_as_the_service(
    service: Service, real_index: Path, models: Path
) -> None:
    question = "嘉定的智能退税几天到账"
    expected = search(service, question, by_case=True)
    del expected["took_ms"]
    command = [sys.executable, "-m", "casebook", "search", question, "--by-case", "--json"]
    command += ["--index", str(real_index), "--models", str(models)]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    answer = json.loads(said)

    assert answer.keys() == expected.keys()
    for passage, other in zip(answer["passages"], expected["passages"], strict=True):
        assert passage.pop("score") == pytest.approx(other.pop("score"), abs=1e-6)
    assert answer.pop("confidence") == pytest.approx(expected.pop("confidence"), abs=1e-6)
    assert answer == expected


def test_a_duplicate_is_never_returned_twice(service: Service) -> None:
    passages = search(service, "虹口三所联动旧改调解", top_k=50)["passages"]
    texts = [passage["text"] for passage in passages]
    assert len(texts) == 50
    assert len(set(texts)) == 50


def test_a_language_models_tool_gives_the_same_answer(service: Service) -> None:
    question = "静安退税几天到账"
    expected = search(service, question, top_k=3)
    message = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "search_cases", "arguments": {"query": question, "top_k": 3}},
    }
    headers = {"Accept": "application/json, text/event-stream"}
    answer = service.client.post("/mcp", json=message, headers=headers).json()
    said = answer["result"]["structuredContent"]

    for result in (said, expected):
        del result["took_ms"]
    assert said == expected


def test_serving_never_imports_torch_or_what_drags_it_in(service: Service) -> None:
    search(service, "静安退税几天到账")
    imported = {
        line.rpartition("|")[2].strip().partition(".")[0]
        for line in service.imports.read_text().splitlines()
        if line.startswith("import time:")
    }
    assert {"onnxruntime", "faiss", "fastapi", "mcp"} <= imported
    heavy = {"torch", "sentence_transformers", "transformers", "langchain_text_splitters", "scipy"}
    assert imported & heavy == set()


def test_what_serves_never_opens_the_graph_of_passages(
    real_index: Path, models: Path, tmp_path: Path
) -> None:
    copy = tmp_path / DEFAULT_MODEL
    shutil.copytree(models / DEFAULT_MODEL, copy)
    (copy / "model.onnx").unlink()  # to open it would be an error
    command = [sys.executable, "-m", "casebook", "search", "静安退税几天到账", "-k", "1"]
    command += ["--index", str(real_index), "--models", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("1. 静安区《智能退税一键式")
