"""Carries out a Dockerfile's steps without an engine: real commands, as the real user, in a root folder of their own.

    python tests/container_steps.py [FOLDER]

Needs Linux and root: namespaces and chroot stand in for the container. The base image is stood in for by this
machine's /usr and the Python that runs this script, so `pip install` finds the packages installed here, and nothing is
downloaded. The start command runs without a network, with everything read-only but /data and /tmp.
"""

import fnmatch
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BASE_USER = "0:0"
_LOOPBACK = "import fcntl, socket, struct; fcntl.ioctl(socket.socket(), 0x8914, struct.pack('16sh', b'lo', 65))"


@dataclass
class Image:
    """What the steps so far have made.

    Attributes:
        folder: the root of its files.
        environment, user, workdir, command, healthcheck, volumes: as the Dockerfile sets them.
    """

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    arguments: dict[str, str] = field(default_factory=dict)
    user: str = BASE_USER
    workdir: str = "/"
    command: list[str] = field(default_factory=list)
    healthcheck: list[str] = field(default_factory=list)
    volumes: list[str] = field(default_factory=list)

    def inside(self, path: str) -> Path:
        """A path of the image, as a path here."""
        return self.folder / str(Path(self.workdir) / path).lstrip("/")


def instructions(dockerfile: Path) -> list[tuple[str, str]]:
    """(instruction, its words), with continued lines joined and comments left out."""
    lines = [line for line in dockerfile.read_text(encoding="utf-8").splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [(one.split(None, 1)[0], one.split(None, 1)[1].strip()) for one in joined.splitlines() if one.strip()]


def build(context: Path, folder: Path, arguments: dict[str, str] | None = None) -> Image:
    """Carry out the steps of `context`/Dockerfile up to the command that starts the app."""
    image = Image(folder, arguments=dict(arguments or {}))
    for name, words in instructions(context / "Dockerfile"):
        print(f"{name} {words}", flush=True)
        _STEPS[name](image, words, context)
    return image


def ignored(context: Path, path: Path) -> bool:
    """Whether .dockerignore leaves a file of the context out; the last pattern that fits decides."""
    name, out = path.relative_to(context).as_posix(), False
    for line in (context / ".dockerignore").read_text(encoding="utf-8").splitlines():
        pattern = line.strip()
        if not pattern or pattern.startswith("#"):
            continue
        kept, pattern = pattern.startswith("!"), pattern.lstrip("!").removeprefix("**/")
        parents = [name, *(str(parent) for parent in Path(name).parents)]
        if any(fnmatch.fnmatch(one, pattern) or fnmatch.fnmatch(Path(one).name, pattern) for one in parents):
            out = not kept
    return out


def run(image: Image, command: list[str], read_only: bool = False, **options) -> subprocess.Popen:
    """Start a command in the image, without a network, as its user; the steps of a build may write everywhere."""
    folder = str(image.folder)
    lines = [f"{shlex.quote(sys.executable)} -c {shlex.quote(_LOOPBACK)}"]
    if read_only:  # first, for what is lent may lie under /tmp
        lines.append(f"mount --bind {folder} {folder}")
        lines += [f"mount --bind {folder}{volume} {folder}{volume}" for volume in image.volumes]
        lines.append(f"mount -t tmpfs none {folder}/tmp && chmod 1777 {folder}/tmp")
    for source in _lent():
        target = shlex.quote(folder + source)
        lines.append(f"mkdir -p {target} && mount --rbind {shlex.quote(source)} {target}")
        if source not in ("/dev", "/proc"):
            lines.append(f"mount -o remount,bind,ro {target}")
    if read_only:
        lines.append(f"mount -o remount,bind,ro {folder}")
    words = shlex.join(["env", "-i", *(f"{key}={value}" for key, value in image.environment.items()), *command])
    script = f"cd {shlex.quote(image.workdir)} && exec {words}"
    lines.append(f"exec chroot --userspec={image.user} --groups= {folder} /bin/sh -c {shlex.quote(script)}")
    return subprocess.Popen(
        ["unshare", "--mount", "--net", "--propagation", "private", "sh", "-ec", "\n".join(lines)], **options
    )


def run_beside(image: Image, process: subprocess.Popen, command: list[str]) -> subprocess.CompletedProcess:
    """A command in the namespaces of one that runs already, as its user: what `docker exec` does."""
    user, group = image.user.split(":")
    enter = ["nsenter", "--target", str(process.pid), "--mount", "--net", "--root", "--setuid", user, "--setgid", group]
    words = ["env", "-i", *(f"{key}={value}" for key, value in image.environment.items()), *command]
    return subprocess.run([*enter, "--", *words], capture_output=True, text=True, timeout=60)


def possible() -> bool:
    """Whether this machine lets us do so."""
    if sys.platform != "linux" or os.geteuid() != 0 or not shutil.which("unshare"):
        return False
    return subprocess.run(["unshare", "--mount", "--net", "true"], capture_output=True).returncode == 0


def wait_until_well(image: Image, process: subprocess.Popen, seconds: float = 420) -> None:
    """Ask the Dockerfile's HEALTHCHECK until it is content."""
    end, last = time.monotonic() + seconds, ""
    while time.monotonic() < end and process.poll() is None:
        done = run_beside(image, process, image.healthcheck)
        if done.returncode == 0:
            return
        last = done.stderr[-500:]
        time.sleep(1)
    raise RuntimeError(f"Not well after {seconds} s; exit status {process.poll()}. {last}")


def _lent() -> list[str]:
    """Folders of this machine that stand in for the base image's, all read-only but /dev and /proc."""
    lent = ["/usr", "/dev", "/proc", sys.base_prefix, sys.prefix]
    return [one for number, one in enumerate(lent) if one not in lent[:number] and not one.startswith("/usr/")]


def _from(image: Image, words: str, context: Path) -> None:
    """Stands in for the base image: this machine's programs, and a Python of the version that the image has."""
    version = re.fullmatch(r"python:(\d+\.\d+)-slim\S*", words)
    if version is None or version[1] != f"{sys.version_info.major}.{sys.version_info.minor}":
        raise RuntimeError(f"{words} is not Python {sys.version_info.major}.{sys.version_info.minor}, which is here.")
    for link in ("bin", "sbin", "lib", "lib64"):
        if not (image.folder / link).exists():
            (image.folder / link).symlink_to(f"usr/{link}")
    for name in ("tmp", "root", "usr", "opt"):
        (image.folder / name).mkdir(exist_ok=True)
    etc = image.folder / "etc"
    etc.mkdir()
    for name in ("passwd", "group", "shadow", "gshadow", "login.defs", "nsswitch.conf", "ld.so.cache", "localtime"):
        if Path("/etc", name).exists():
            shutil.copy(Path("/etc", name), etc)
    (etc / "hosts").write_text("127.0.0.1 localhost\n")  # an engine writes it
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(image.folder / "opt/python")], check=True)
    packages = next((image.folder / "opt/python/lib").glob("python*/site-packages"))
    (packages / "lent.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    pip = image.folder / "opt/python/bin/pip"
    pip.write_text('#!/bin/sh\nexec /opt/python/bin/python -m pip "$@"\n')
    pip.chmod(0o755)
    image.environment |= {"PATH": "/opt/python/bin:/usr/bin:/bin:/usr/sbin:/sbin", "PIP_NO_INDEX": "1"}


def _copy(image: Image, words: str, context: Path) -> None:
    *sources, target = shlex.split(words)
    for source in sources:
        files = [context / source] if (context / source).is_file() else sorted((context / source).rglob("*"))
        if not files:
            raise RuntimeError(f"COPY {words}: there is no {source}.")
        whole = (context / source).is_dir() or target.endswith("/") or len(sources) > 1
        for file in files:
            if file.is_file() and not ignored(context, file):
                within = file.relative_to(context / source) if file != context / source else Path(file.name)
                to = image.inside(target) / within if whole else image.inside(target)
                to.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file, to)


def _run(image: Image, words: str, context: Path) -> None:
    shown = Image(image.folder, {**image.arguments, **image.environment}, user=image.user, workdir=image.workdir)
    process = run(shown, ["/bin/sh", "-c", words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    said, _ = process.communicate()
    if process.returncode:
        raise RuntimeError(f"RUN {words}: exit status {process.returncode}\n{said[-3000:]}")


def _env(image: Image, words: str, context: Path) -> None:
    for pair in shlex.split(words):
        name, _, value = pair.partition("=")
        image.environment[name] = re.sub(
            r"\$\{?(\w+)\}?", lambda one: {**image.arguments, **image.environment}.get(one[1], ""), value
        )


def _arg(image: Image, words: str, context: Path) -> None:
    name, _, value = words.partition("=")
    image.arguments.setdefault(name, value)


def _workdir(image: Image, words: str, context: Path) -> None:
    image.workdir = words
    image.inside(".").mkdir(parents=True, exist_ok=True)


def _healthcheck(image: Image, words: str, context: Path) -> None:
    image.healthcheck = json.loads(words.split("CMD", 1)[1])


_STEPS = {
    "FROM": _from,
    "ARG": _arg,
    "ENV": _env,
    "WORKDIR": _workdir,
    "COPY": _copy,
    "RUN": _run,
    "USER": lambda image, words, _: setattr(image, "user", words),
    "VOLUME": lambda image, words, _: image.volumes.append(words),
    "EXPOSE": lambda image, words, _: None,
    "HEALTHCHECK": _healthcheck,
    "CMD": lambda image, words, _: setattr(image, "command", json.loads(words)),
}


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp(prefix="danqing-image-"))
    folder.mkdir(parents=True, exist_ok=True)
    image = build(ROOT, folder)
    process = run(image, image.command, read_only=True)
    try:
        wait_until_well(image, process)
        print("The app is well.")
    finally:
        process.terminate()
        process.wait(30)


if __name__ == "__main__":
    main()
