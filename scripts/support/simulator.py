"""A test Exchange server that runs while a `with` block does."""

import json
import os
import pathlib
import select
import time
import urllib.parse
import urllib.request

from . import processes

# Time a server has to build its world and listen.
START = 120


class Simulator:
    """Started with these options; `facts` is what it says of itself when it is ready."""

    def __init__(self, *options, log, profile="debug"):
        self.options, self.log, self.profile = list(options), pathlib.Path(log), profile

    def __enter__(self):
        self.log.parent.mkdir(parents=True, exist_ok=True)
        command = [processes.binary("exchange-simulator", self.profile), *self.options, "--print-json"]
        if "--admin" not in self.options:
            command += ["--admin", "127.0.0.1:0"]
        with open(self.log, "wb") as log:
            self.process = processes.start(command, stdout=processes.subprocess.PIPE, stderr=log)
        try:
            self.facts = json.loads(self._first_line())
        except BaseException:
            processes.end(self.process)
            raise
        self.url, self.base, self.admin = self.facts["ews_url"], self.facts["url"], self.facts["admin_url"]
        self.tls_url, self.tls_base, self.ca = self.facts["tls_ews_url"], self.facts["tls_url"], self.facts["ca"]
        return self

    def __exit__(self, *_):
        processes.end(self.process)
        self.process.stdout.close()

    def _first_line(self):
        line, deadline = b"", time.monotonic() + START
        while not line.endswith(b"\n"):
            if not select.select([self.process.stdout], [], [], max(0, deadline - time.monotonic()))[0]:
                raise SystemExit(f"the simulator was not ready within {START} s; its log is {self.log}")
            piece = os.read(self.process.stdout.fileno(), 1 << 16)
            if not piece:
                raise SystemExit(f"the simulator ended before it was ready: {self.log.read_text(errors='replace').strip()}")
            line += piece
        return line

    def ask(self, path, **query):
        """GET of the admin API, as JSON."""
        with self._open(path, query) as answer:
            return json.load(answer)

    def tell(self, path, **call):
        """POST to the admin API, as JSON."""
        with self._open(path, {}, json.dumps(call).encode()) as answer:
            return json.load(answer)

    def manifest(self, mailbox):
        """What a mailbox holds: its rows, one by one."""
        return self.lines("/manifest", mailbox=mailbox)

    def lines(self, path, **query):
        """GET of the admin API, as lines of JSON."""
        with self._open(path, query) as answer:
            for line in answer:
                yield json.loads(line)

    def _open(self, path, query, body=None):
        text = f"?{urllib.parse.urlencode(query)}" if query else ""
        request = urllib.request.Request(f"{self.admin.rstrip('/')}{path}{text}", body, {"Content-Type": "application/json"})
        # Loopback only: a proxy of the environment has no say here.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        return opener.open(request, timeout=600)


# Where mailboxes of such a configuration are kept.
OWNER, BUCKET = "test", "mail"


def configuration(url, user, mailboxes, **settings):
    """A configuration of exchange-sync for these mailboxes: Basic, as an account that may impersonate, unless the settings say otherwise."""
    return {
        "ews_endpoint": url,
        "auth_type": "basic",
        **({"auth_user": user} if user else {}),
        "access_type": "impersonation",
        "poll_message_sleep": 0,
        "poll_frequency": 1,
        **settings,
        "mailboxes": {address: {"bucket": {"owner": OWNER, "name": BUCKET}, "start_from": "bucket"} for address in mailboxes},
    }


def by_graph(document, base, tenant, client, secret):
    """The same mailboxes, read by Microsoft Graph as an app of this tenant."""
    kept = {key: value for key, value in document.items() if not key.startswith("auth_") and key not in ("ews_endpoint", "access_type")}
    graph = {"microsoft_api": "graph", "graph_endpoint": base, "auth_oauth_authority": f"{base}/{tenant}/"}
    return kept | graph | {"auth_oauth_client_id": client, "auth_oauth_client_secret": secret}


def folder_of(prefix, mailbox):
    """Where a mailbox of such a configuration is copied to. Addresses of lower-case letters and digits name their folders as they are."""
    return pathlib.Path(prefix) / "data" / OWNER / BUCKET / mailbox


# Folders of the store that are not below the top of the visible tree, by the first part of their path.
OUTSIDE = ("Recoverable Items", "Finder")
# What exchange-sync leaves out unless a folder list asks for it: logs, caches and settings of programs.
SYSTEM = ("syncissues", "conflicts", "localfailures", "serverfailures", "recipientcache", "quickcontacts")
SETTINGS = (
    "IPF.Configuration",
    "IPF.StoreItem",
    "IPF.Files",
    "IPF.SkypeTeams.Message",
    "IPF.Contact.MOC",
    "IPF.Contact.RecipientCache",
    "Outlook.Reminder",
)


def not_copied(status, mailbox):
    """Ids of a mailbox's folders that a copy leaves out, from what the admin API answers at /status."""
    folders = next(one["folders"] for one in status["mailboxes"] if one["address"] == mailbox)
    return {
        folder["id"]
        for folder in folders
        if folder["hidden"]
        or folder["path"][0] in OUTSIDE
        or folder["well_known"] in SYSTEM
        or (folder["class"] or "").startswith(SETTINGS)
    }
