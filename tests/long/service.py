"""A service in a process of its own, looked at from outside."""

from __future__ import annotations

import asyncio
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.long.load import HOST


@dataclass(frozen=True, slots=True)
class Service:
    """A service that runs."""

    port: int
    process: subprocess.Popen[str]
    log: Path

    def refused_ms(self) -> list[float]:
        """How long each refusal took inside, whatever the machine does with the client."""
        lines = map(json.loads, self.log.read_text().splitlines())
        return [line["ms"] for line in lines if line.get("status") == 503]

    @property
    def rss_mb(self) -> float:
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(text.split("VmRSS:")[1].split()[0]) / 1024

    @property
    def descriptors(self) -> int:
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    @property
    def threads(self) -> int:
        return len(list(Path(f"/proc/{self.process.pid}/task").iterdir()))


async def gauge(service: Service, name: str) -> int:
    reader, writer = await asyncio.open_connection(HOST, service.port)
    writer.write(f"GET /metrics HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode())
    text = (await reader.read(-1)).decode()
    writer.close()
    return int(float(text.split(f"\n{name} ")[1].split("\n")[0]))
