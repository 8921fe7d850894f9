"""The emulator of Azure Storage (npm's azurite, as scripts/test installs it), which runs while a `with` block does."""

import base64
import email.utils
import hashlib
import hmac
import os
import pathlib
import select
import shutil
import subprocess
import time
import urllib.parse
import urllib.request

from . import processes

# Its account, and the key that everybody knows (Use the Azurite emulator for local Azure Storage development).
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="

# Time it has to listen.
START = 60


def program():
    """Where it is."""
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", processes.ROOT / "target"))
    local = target / "azurite" / "node_modules" / ".bin" / "azurite-blob"
    found = os.environ.get("AZURITE_BIN") or (str(local) if local.exists() else shutil.which("azurite-blob"))
    if not found:
        raise SystemExit(f"azurite is not installed: npm install --prefix {target / 'azurite'} azurite")
    return found


class Azurite:
    """Keeps its blobs in a folder, on a free port."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)

    def __enter__(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        command = [program(), "--blobPort", "0", "--location", str(self.folder), "--disableTelemetry", "--silent"]
        self.process = processes.start(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=self.folder)
        try:
            self.url = self._listening()
        except BaseException:
            processes.end(self.process)
            raise
        return self

    def __exit__(self, *_):
        processes.end(self.process)
        self.process.stdout.close()

    def _listening(self):
        said, deadline = b"", time.monotonic() + START
        while True:
            if not select.select([self.process.stdout], [], [], max(0, deadline - time.monotonic()))[0]:
                raise SystemExit(f"azurite was not ready within {START} s")
            piece = os.read(self.process.stdout.fileno(), 1 << 16)
            if not piece:
                raise SystemExit(f"azurite ended before it was ready: {said.decode(errors='replace')}")
            said += piece
            for line in said.decode(errors="replace").splitlines(keepends=True):
                if "successfully listens on " in line and line.endswith("\n"):
                    return f"{line.split('listens on ')[1].strip()}/{ACCOUNT}"

    def connection_string(self):
        """How its user finds it."""
        return f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};BlobEndpoint={self.url};"

    def create(self, container):
        """Makes a container."""
        self._ask("PUT", f"/{container}", {"restype": "container"}).close()

    def digest(self, container, name):
        """Length and SHA-256 of a blob."""
        digest, length = hashlib.sha256(), 0
        with self._ask("GET", f"/{container}/{urllib.parse.quote(name)}", {}) as answer:
            while piece := answer.read(1 << 20):
                digest.update(piece)
                length += len(piece)
        return length, digest.hexdigest()

    def _ask(self, method, path, query):
        """Signed by the account's key (Authorize with Shared Key)."""
        headers = {"x-ms-date": email.utils.formatdate(usegmt=True), "x-ms-version": "2023-11-03"}
        canonical = "".join(f"{name}:{value}\n" for name, value in sorted(headers.items()))
        resource = f"/{ACCOUNT}/{ACCOUNT}{path}" + "".join(f"\n{name}:{value}" for name, value in sorted(query.items()))
        text = f"{method}{chr(10) * 12}{canonical}{resource}"
        signature = base64.b64encode(hmac.new(base64.b64decode(KEY), text.encode(), hashlib.sha256).digest()).decode()
        headers["Authorization"] = f"SharedKey {ACCOUNT}:{signature}"
        asked = f"?{urllib.parse.urlencode(query)}" if query else ""
        request = urllib.request.Request(f"{self.url}{path}{asked}", headers=headers, method=method)
        # Loopback only: a proxy of the environment has no say here.
        return urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=600)
