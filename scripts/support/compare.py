"""Compares what a test server holds with what was copied: the server's manifest against catalog and files of one mailbox."""

import collections
import hashlib
import json
import pathlib

# How many differences of one kind are spelled out.
NAMED = 10


def sha256(path):
    """Length and SHA-256 of a file."""
    digest, length = hashlib.sha256(), 0
    with open(path, "rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
            length += len(piece)
    return length, digest.hexdigest()


class Mailbox:
    """What one mailbox's folder holds: its catalog, folded by key, and its files."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.messages, self.faults, self.lines = {}, [], 0
        self.events = collections.Counter()
        for segment in sorted((self.folder / "catalog").glob("*.jsonl")):
            self._read(segment)

    def _read(self, segment):
        with open(segment, "rb") as file:
            for number, line in enumerate(file, 1):
                self.lines += 1
                if not line.endswith(b"\n"):
                    self.faults.append(f"{segment.name}:{number}: the line is torn")
                    continue
                try:
                    self._fold(json.loads(line))
                except (ValueError, KeyError, TypeError) as error:
                    self.faults.append(f"{segment.name}:{number}: not a catalog line: {error!r}")

    def _fold(self, line):
        event, key = line["event"], line["key"]
        self.events[event] += 1
        message = self.messages.setdefault(key, {"state": None, "object": None, "stored": 0})
        # A line about an item that the message no longer is says nothing of the message.
        current = message.get("item_id") in (None, line["item_id"])
        if event in ("stored", "moved", "quarantined", "vanished"):
            message.update(item_id=line["item_id"], folder=line["folder_path"])
        if event == "stored":
            message.update({name: line[name] for name in ("object", "bytes", "sha256", "origin")}, state="live")
            message["stored"] += 1
        elif event == "moved":
            message["state"] = "live"
        elif event == "quarantined":
            message["state"] = "quarantined"
        elif event == "vanished":
            message["state"] = "deleted" if message["object"] else "vanished"
        elif event == "deleted" and current:
            message["state"] = "deleted"
        elif event not in ("deleted", "read", "changed"):
            self.faults.append(f"{key}: unknown event {event!r}")

    def check_files(self):
        """Every stored message has its file, every file its message, and the bytes are those of the catalog."""
        wanted = {}
        for key, message in self.messages.items():
            if message["object"] is None:
                continue
            if message["object"] in wanted:
                self.faults.append(f"{message['object']}: claimed by {wanted[message['object']]} and {key}")
            wanted[message["object"]] = key
            path = self.folder / message["object"]
            if not path.is_file():
                self.faults.append(f"{message['object']}: in the catalog but not in the folder")
            elif sha256(path) != (message["bytes"], message["sha256"]):
                self.faults.append(f"{message['object']}: its bytes are not those of the catalog")
        for path in self.folder.rglob("*"):
            name = path.relative_to(self.folder).as_posix()
            if path.is_file() and name not in wanted and not name.startswith("catalog/"):
                self.faults.append(f"{name}: in the folder but not in the catalog")

    def figures(self):
        """Counts of states, and how often a message was stored again."""
        states = collections.Counter(message["state"] for message in self.messages.values())
        states["stored_again"] = sum(max(0, message["stored"] - 1) for message in self.messages.values())
        return states


def differences(manifest, mailbox, ignored=()):
    """Faults found between a manifest (its rows) and a mailbox, files included. `ignored`: ids of folders that are not to be copied."""
    mailbox.check_files()
    faults = list(mailbox.faults)
    live = {}
    for key, message in mailbox.messages.items():
        if message["state"] in ("live", "quarantined"):
            other = live.setdefault(message["item_id"], key)
            if other != key:
                faults.append(f"item {message['item_id']}: stored twice, as {other} and {key}")
    expected = 0
    for row in manifest:
        if row["folder_id"] in ignored:
            continue
        expected += 1
        name = f"{'/'.join(row['folder'])}: {row.get('subject')!r}"
        key = live.pop(row["id"], None)
        if key is None:
            faults.append(f"{name}: on the server, but not copied")
            continue
        message = mailbox.messages[key]
        if message["folder"] != row["folder"]:
            faults.append(f"{name}: the catalog has it in {'/'.join(message['folder'])}")
        mime = row["mime"]
        if "code" in mime:
            # The server cannot give this one as MIME: written from its properties, or set aside.
            if message["state"] == "live" and message["origin"] != "properties":
                faults.append(f"{name}: the server has no MIME of it, yet the catalog says that MIME was stored")
        elif message["state"] != "live":
            faults.append(f"{name}: in quarantine although the server can give it")
        elif message["origin"] != "mime" or (message["bytes"], message["sha256"]) != (mime["length"], mime["sha256"]):
            faults.append(f"{name}: other bytes than the server's")
    faults += [f"item {item}: copied as {key}, but not on the server" for item, key in live.items()]
    return expected, faults


def tell(faults, out):
    """Writes the first of the faults."""
    for fault in faults[:NAMED]:
        print(f"  {fault}", file=out)
    if len(faults) > NAMED:
        print(f"  and {len(faults) - NAMED} more", file=out)
