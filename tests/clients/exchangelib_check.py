#!/usr/bin/env python3
"""Walks, synchronises and reads a mailbox with exchangelib, a client of other hands, and waits for a streaming notification.

usage: exchangelib_check.py URL ADDRESS PASSWORD [basic|ntlm]

Prints what it did. Exit 0 when all of it worked, 1 when not. Needs the package exchangelib (PyPI). Changes the mailbox: it saves one draft.
"""
import sys
import threading

from exchangelib import BASIC, DELEGATE, NTLM, Account, Configuration, Credentials, Message, Version
from exchangelib.folders import DEEP, SingleFolderQuerySet
from exchangelib.properties import StatusEvent
from exchangelib.version import EXCHANGE_2016


def connect(url, address, password, auth):
    configuration = Configuration(
        service_endpoint=url,
        credentials=Credentials(address, password),
        auth_type={"basic": BASIC, "ntlm": NTLM}[auth],
        version=Version(build=EXCHANGE_2016),
        max_connections=4,  # one is taken by the stream
    )
    return Account(address, config=configuration, autodiscover=False, access_type=DELEGATE)


def walk(account):
    # Not by walk(), which begins at the root of the whole mailbox: servers refuse that.
    folders = list(SingleFolderQuerySet(account=account, folder=account.msg_folder_root).depth(DEEP).all())
    assert account.inbox.id in {folder.id for folder in folders}, "the inbox is not below the root of what users see"
    print(f"walked {len(folders)} folders")


def synchronise(account):
    changes = list(account.inbox.sync_items(only_fields=["subject", "datetime_received"]))
    kinds = {kind for kind, _ in changes}
    assert kinds <= {"create"}, f"a first synchronisation only creates: {kinds}"
    print(f"synchronised {len(changes)} items of the inbox")
    assert not list(account.inbox.sync_items(only_fields=["subject"])), "nothing changed in between"
    list(account.msg_folder_root.sync_hierarchy())
    print("synchronised the folders")


def read(account):
    newest = list(account.inbox.all().order_by("-datetime_received")[:5])
    assert newest, "the inbox is empty"
    mimes = [len(item.mime_content) for item in newest if getattr(item, "mime_content", None)]
    assert mimes, "no item gave its MIME"
    print(f"read {len(newest)} items in full, MIME of {mimes} bytes")
    listed = account.inbox.all().only("subject", "datetime_received", "size").count()
    print(f"counted {listed} items")


def notify(account):
    with account.inbox.streaming_subscription() as subscription:
        timer = threading.Timer(1.0, lambda: Message(account=account, folder=account.inbox, subject="announced", body="hello").save())
        timer.start()
        for notification in account.inbox.get_streaming_events(subscription, connection_timeout=1, max_notifications_returned=5):
            events = [type(event).__name__ for event in notification.events if not isinstance(event, StatusEvent)]
            if events:
                timer.join()
                print(f"was notified: {', '.join(events)}")
                return
    raise AssertionError("no notification came")


def main():
    if len(sys.argv) not in (4, 5):
        print(__doc__, file=sys.stderr)
        return 1
    auth = sys.argv[4] if len(sys.argv) == 5 else "basic"
    account = connect(sys.argv[1], sys.argv[2], sys.argv[3], auth)
    failed = 0
    for step in (walk, synchronise, read, notify):
        try:
            step(account)
        except Exception as error:
            failed += 1
            print(f"FAILED {step.__name__}: {type(error).__name__}: {error}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
