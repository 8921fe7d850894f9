#!/usr/bin/env python3
"""Copies the test server's mailboxes to its Communications Mining API, and looks at what arrived by the published command line `re`.

usage: re_sync_check.py EXCHANGE_SYNC [RE]

To be run by scripts/with-simulator with tests/clients/world.toml. `re` makes a bucket; exchange-sync copies the mailboxes of alice and bob into
it; `re` downloads the emails and lists the keyed sync states. Every message of the server's manifest must be there once, with the text and the
metadata of its source. RE is target/tools/bin/re when absent. Each check prints a line that begins with `ok` or `FAILED`.
"""

import collections
import datetime
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
MAILBOXES = ["alice@example.com", "bob@example.com"]

failed = False


def check(name, holds, told=""):
    global failed
    print(f"ok re after a copy: {name}" if holds else f"FAILED re after a copy: {name}: {str(told)[:1500]}", flush=True)
    failed |= not holds


def manifest(mailbox):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{os.environ['SIMULATOR_ADMIN']}/manifest?mailbox={mailbox}") as answer:
        return [json.loads(line) for line in answer]


def main():
    program = pathlib.Path(sys.argv[1]).resolve()
    tool = sys.argv[2] if len(sys.argv) > 2 else ROOT / "target/tools/bin/re"
    url, token = os.environ["SIMULATOR_REINFER"], os.environ["SIMULATOR_REINFER_TOKEN"]
    base = url.rstrip("/").removesuffix("/api")
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        contexts = {"name": "test", "endpoint": base, "token": token, "accept_invalid_certificates": False}
        (work / "contexts.json").write_text(json.dumps({"current_context": "test", "contexts": [contexts]}))

        def re(*arguments):
            command = [tool, "--config-file", work / "contexts.json", "--context", "test", *arguments]
            return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)

        made = re("create", "bucket", "acme/by-re", "--title", "Made by re")
        check("a bucket is made", made.returncode == 0, made.stderr)
        bucket = {"owner": "acme", "name": "by-re"}
        config = {
            "ews_endpoint": os.environ["SIMULATOR_URL"],
            "auth_user": "service@example.com",
            "auth_password": "service",
            "access_type": "impersonation",
            "poll_message_sleep": 0,
            "mailboxes": {address: {"bucket": bucket, "archive": address.startswith("alice")} for address in MAILBOXES},
        }
        (work / "config.json").write_text(json.dumps(config))
        environment = {"REINFER_API_TOKEN": token, "TMPDIR": str(work)}
        command = [program, "reinfer-ews", "--reinfer-api-endpoint", url, "--config", work / "config.json", "--once", "--progress", "none"]
        copied = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        check("the copy ends well", copied.returncode == 0, copied.stderr)

        got = re("get", "emails", "acme/by-re", "--file", str(work / "emails.jsonl"))
        check("emails are downloaded", got.returncode == 0, got.stderr)
        with open(work / "emails.jsonl", encoding="utf-8") as file:
            emails = [json.loads(line) for line in file if line.strip()]
        compare(emails)

        states = re("--output", "json", "get", "keyed-sync-states", "acme/by-re")
        check("sync states are listed", states.returncode == 0, states.stderr)
        rows = [json.loads(line) for line in states.stdout.splitlines() if line.strip().startswith("{")]
        folders = {(row["mailbox_name"], tuple(row["folder_path"])) for row in rows if row.get("folder_id")}
        expected = {(address, tuple(row["folder"])) for address in MAILBOXES for row in manifest(address)}
        check("each folder with mail has a state", expected <= folders, expected - folders)
        check("all are up to date", rows and all(row["status"] == "UP_TO_DATE" for row in rows), rows)
        newest = {address: max(moment(row["received"]) for row in manifest(address) if row["received"]) for address in MAILBOXES}
        claimed = collections.defaultdict(list)
        for row in rows:
            if row.get("folder_id") and row.get("synced_until"):
                claimed[row["mailbox_name"]].append(moment(row["synced_until"]))
        sound = all(claimed[address] and max(claimed[address]) <= newest[address] for address in MAILBOXES)
        check("no state claims more than is there", sound, (claimed, newest))
    return 1 if failed else 0


def moment(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def compare(emails):
    """Emails against the manifests: the same texts, each once, and the metadata of their sources. EWS tells times in whole seconds."""
    found = collections.defaultdict(list)
    for email in emails:
        found[email["mailbox"], hashlib.sha256(email["mime_content"].encode()).hexdigest()].append(email)
    check("ids are unique", len({email["id"] for email in emails}) == len(emails))
    count, missing, wrong = 0, [], []
    for address in MAILBOXES:
        for row in manifest(address):
            count += 1
            email = (found.get((address, row["mime"].get("sha256"))) or [None]).pop()
            if email is None:
                missing.append(row)
                continue
            metadata = email["metadata"]
            facts = {"folder": metadata.get("folder"), "is_read": metadata.get("is_read"), "size": metadata.get("size")}
            if facts != {"folder": row["folder"], "is_read": row["read"], "size": row["size"]}:
                wrong.append((facts, row))
            if row["received"] and moment(email["timestamp"]) != moment(row["received"]).replace(microsecond=0):
                wrong.append((email["timestamp"], row["received"]))
    rest = [email for left in found.values() for email in left]
    # What is not UTF-8 at its source, or has no MIME there, is an email with other bytes: the same number of them, by the same subjects.
    check("every message is there", len(emails) == count, f"{len(emails)} emails for {count} messages")
    check("those with other bytes are few", len(missing) == len(rest) and len(missing) * 4 < count, (len(missing), len(rest), count))
    check("folder, read flag, size and time are the source's", not wrong, wrong[:3])


if __name__ == "__main__":
    sys.exit(main())
