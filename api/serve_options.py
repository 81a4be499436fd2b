"""The options of ``casebook serve``, each with its words and its environment variable."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.keeping import AUDIT_DAYS

Host = Annotated[str, typer.Option(help="监听的地址")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="监听的端口；0 为任选")]
Index = Annotated[Path, typer.Option(envvar="CASEBOOK_INDEX", help="索引所在的文件夹")]
Models = Annotated[
    Path, typer.Option(envvar="CASEBOOK_MODELS", help="已准备的向量模型所在的文件夹")
]
Public = Annotated[bool, typer.Option("--public", help="允许监听本机以外的地址")]
PublicUrl = Annotated[
    str | None,
    typer.Option(
        envvar="CASEBOOK_PUBLIC_URL",
        help="读者打开本服务的地址，如 https://主机/路径；其他平台里的出处链接以它开头，默认取请求的地址",
    ),
]
Llm = Annotated[
    str | None,
    typer.Option(
        envvar="CASEBOOK_LLM",
        help="为回答行文的语言模型：openai:模型名@http://主机/v1（OpenAI 兼容），逐句核对；"
        "密钥放在环境变量 CASEBOOK_LLM_KEY；不给则只用原文语句。",
    ),
]
AllowHost = Annotated[
    list[str] | None,
    typer.Option(
        envvar="CASEBOOK_ALLOWED_HOSTS",
        help="读者和程序用来连接的域名，*.example 为其下各级；本机和 --public-url 的不用写；可重复",
    ),
]
AllowOrigin = Annotated[
    list[str] | None,
    typer.Option(
        envvar="CASEBOOK_ALLOWED_ORIGINS",
        help="可以嵌入检索框的网站，如 https://portal.example；可重复，默认没有",
    ),
]
TrustedProxy = Annotated[
    list[str] | None,
    typer.Option(
        envvar="CASEBOOK_TRUSTED_PROXIES",
        help="前面的代理的地址或网段，只采信它们的 X-Forwarded-For；可重复，默认没有",
    ),
]
RequireKey = Annotated[
    bool,
    typer.Option(
        "--require-key",
        envvar="CASEBOOK_REQUIRE_KEY",
        help="页面和 /api/v1 也要求密钥（casebook keys create）；默认只有 /v1、/dify、/mcp 要求",
    ),
]
PerAddress = Annotated[
    int,
    typer.Option(
        min=0, envvar="CASEBOOK_PER_ADDRESS", help="每个地址每分钟最多检索多少次；0 为不限"
    ),
]
PerKey = Annotated[
    int,
    typer.Option(min=0, envvar="CASEBOOK_PER_KEY", help="每个密钥每分钟最多检索多少次；0 为不限"),
]
Docs = Annotated[
    bool, typer.Option("--docs/--no-docs", envvar="CASEBOOK_DOCS", help="公开 /openapi.json")
]
StateFolder = Annotated[
    Path,
    typer.Option(envvar="CASEBOOK_STATE", help="存放读者意见、提问记录、审计日志和密钥的文件夹"),
]
LogQueries = Annotated[
    bool,
    typer.Option(
        "--log-queries",
        envvar="CASEBOOK_LOG_QUERIES",
        help="记录读者的提问，先遮去个人信息；默认不记录",
    ),
]
QueryDays = Annotated[
    int, typer.Option(envvar="CASEBOOK_QUERY_DAYS", min=1, help="提问记录保留几天")
]
AuditOn = Annotated[
    bool,
    typer.Option(
        "--audit/--no-audit",
        envvar="CASEBOOK_AUDIT",
        help="记审计日志：谁在何时用了哪个接口、结果如何，不含提问",
    ),
]
AuditDays = Annotated[
    int, typer.Option(envvar="CASEBOOK_AUDIT_DAYS", min=AUDIT_DAYS, help="审计日志保留几天")
]
DrainSeconds = Annotated[
    float,
    typer.Option(
        envvar="CASEBOOK_DRAIN",
        min=0,
        max=60,
        help="收到停止信号（SIGTERM）后，先让 /readyz 报 503、照常服务几秒，再停止；给负载均衡留出时间",
    ),
]
