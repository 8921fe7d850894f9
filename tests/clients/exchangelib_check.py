#!/usr/bin/env python3
"""Uses an EWS server as exchangelib does: walks folders, syncs items, fetches MIME, and waits for a streaming notification.

usage: exchangelib_check.py --url URL --auth basic|ntlm --user USER --password PASSWORD [--mailbox ADDRESS]
                            [--impersonate] [--ca FILE]
       exchangelib_check.py --url URL --auth oauth --token-url URL --client-id ID --client-secret SECRET --mailbox ADDRESS [--ca FILE]

The mailbox is the user's own unless --mailbox names another; applications always impersonate it. Each check prints a line that begins with `ok` or `FAILED`; the exit code is 1
where one failed. The checks write into the mailbox: a message is saved, marked as read and deleted.
"""

import argparse
import email
import logging
import os
import sys
import threading
import time


class Checks:
    """Runs checks one after another and keeps count."""

    def __init__(self, label):
        self.label, self.failed = label, 0

    def run(self, name, check, *arguments):
        try:
            told = check(*arguments)
        except Exception as error:  # every failure is a result here
            self.failed += 1
            print(f"FAILED {self.label}: {name}: {type(error).__name__}: {error}")
            logging.debug("the cause", exc_info=True)
            return
        print(f"ok {self.label}: {name}: {told}", flush=True)


def expect(condition, text):
    if not condition:
        raise AssertionError(text)


def account_of(arguments):
    """Logs in the way that was asked for."""
    from exchangelib import DELEGATE, IMPERSONATION, Account, Configuration, Credentials, FailFast
    from exchangelib.credentials import OAuth2Credentials
    from exchangelib.transport import BASIC, NTLM, OAUTH2

    if arguments.auth == "oauth":
        from exchangelib import Identity

        class Application(OAuth2Credentials):
            """Client credentials against another identity provider than Microsoft's."""

            @property
            def token_url(self):
                return arguments.token_url

        credentials = Application(
            client_id=arguments.client_id,
            client_secret=arguments.client_secret,
            tenant_id="example.com",
            identity=Identity(primary_smtp_address=arguments.mailbox),
        )
        kind, access = OAUTH2, IMPERSONATION
    else:
        credentials = Credentials(arguments.user, arguments.password)
        kind = {"basic": BASIC, "ntlm": NTLM}[arguments.auth]
        access = IMPERSONATION if arguments.impersonate else DELEGATE
    configuration = Configuration(
        service_endpoint=arguments.url,
        credentials=credentials,
        auth_type=kind,
        retry_policy=FailFast(),
        max_connections=3,  # a notification stream holds one
    )
    return Account(arguments.mailbox or arguments.user, config=configuration, autodiscover=False, access_type=access)


def folders(account):
    from exchangelib.folders import DEEP, SingleFolderQuerySet

    # Folder.walk() would begin at the very root of the mailbox, which Exchange refuses to list in depth.
    below = list(SingleFolderQuerySet(account=account, folder=account.msg_folder_root).depth(DEEP).all())
    expect(account.inbox.id in {folder.id for folder in below}, "the inbox is not below the top of the visible folders")
    parents = {folder.id for folder in below} | {account.msg_folder_root.id}
    expect(all(folder.parent_folder_id.id in parents for folder in below), "a folder's parent is not among the folders")
    return f"{len(below)} folders, {account.inbox.total_count} items in the inbox"


def mime(account):
    newest = list(account.inbox.all().order_by("-datetime_received").only("id", "changekey", "subject")[:5])
    expect(newest, "the inbox is empty")
    fetched = list(account.fetch([(item.id, item.changekey) for item in newest], only_fields=["subject", "mime_content"]))
    lengths = []
    for item in fetched:
        expect(not isinstance(item, Exception), f"an item could not be fetched: {item}")
        message = email.message_from_bytes(item.mime_content)
        expect(message.keys(), f"the MIME of {item.subject!r} has no headers")
        lengths.append(len(item.mime_content))
    return f"{len(lengths)} messages of {min(lengths)} to {max(lengths)} bytes"


def sync(account):
    from exchangelib import Message

    inbox = account.inbox
    inbox.item_sync_state = None
    listed = list(inbox.sync_items(only_fields=["id", "changekey", "subject"]))
    kinds = {kind for kind, _ in listed}
    expect(kinds == {"create"}, f"a first sync tells of {kinds}")
    expect(len({item.id for _, item in listed}) == len(listed), "an item was listed twice")
    inbox.refresh()
    expect(len(listed) == inbox.total_count, f"{len(listed)} listed, {inbox.total_count} counted")
    expect(not list(inbox.sync_items(only_fields=["id"])), "nothing happened, yet changes were listed")

    message = Message(folder=inbox, subject="written by exchangelib", body="a line of text", is_read=False)
    message.save()
    changes = list(inbox.sync_items(only_fields=["id", "subject"]))
    expect([(kind, item.subject) for kind, item in changes] == [("create", "written by exchangelib")], f"after a save: {changes}")
    message.is_read = True
    message.save(update_fields=["is_read"])
    changes = [kind for kind, _ in inbox.sync_items(only_fields=["id", "is_read"])]
    expect(changes in (["read_flag_change"], ["update"]), f"after a change of the read flag: {changes}")
    message.delete()
    changes = [kind for kind, _ in inbox.sync_items(only_fields=["id"])]
    expect(changes == ["delete"], f"after a deletion: {changes}")
    return f"{len(listed)} items; a save, a read flag and a deletion seen"


def hierarchy(account):
    root = account.msg_folder_root
    root.folder_sync_state = None
    listed = list(root.sync_hierarchy(only_fields=["name"]))
    expect(len(listed) >= 5 and all(kind == "create" for kind, _ in listed), f"listed {listed}")
    expect(not list(root.sync_hierarchy(only_fields=["name"])), "nothing happened, yet folders were listed")
    return f"{len(listed)} folders"


def streaming(account):
    from exchangelib import Message

    def write():
        time.sleep(1)
        Message(account=account, folder=account.inbox, subject="a reason for a notification").save()

    with account.inbox.streaming_subscription() as subscription:
        writer = threading.Thread(target=write)
        began = time.monotonic()
        writer.start()
        kinds = set()
        for notification in account.inbox.get_streaming_events(subscription, connection_timeout=1):
            kinds |= {type(event).__name__ for event in notification.events}
            if kinds & {"CreatedEvent", "NewMailEvent"}:
                break
        seconds = time.monotonic() - began
        writer.join()
    expect(kinds & {"CreatedEvent", "NewMailEvent"}, f"a new message was not told of: {kinds}")
    expect(seconds < 20, f"a new message was told of only after {seconds:.1f} s")
    return f"{', '.join(sorted(kinds))} after {seconds:.1f} s"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", required=True)
    parser.add_argument("--auth", required=True, choices=["basic", "ntlm", "oauth"])
    parser.add_argument("--user")
    parser.add_argument("--password")
    parser.add_argument("--mailbox")
    parser.add_argument("--impersonate", action="store_true", help="open --mailbox by impersonation")
    parser.add_argument("--token-url")
    parser.add_argument("--client-id")
    parser.add_argument("--client-secret")
    parser.add_argument("--ca", help="PEM file with the certificate authority to trust")
    parser.add_argument("--verbose", action="store_true", help="show the traffic")
    arguments = parser.parse_args()
    needed = ["token_url", "client_id", "client_secret", "mailbox"] if arguments.auth == "oauth" else ["user", "password"]
    if missing := [name for name in needed if not getattr(arguments, name)]:
        parser.error(f"--auth {arguments.auth} needs " + ", ".join("--" + name.replace("_", "-") for name in missing))
    if arguments.ca:
        os.environ["REQUESTS_CA_BUNDLE"] = arguments.ca
    os.environ["NO_PROXY"] = "127.0.0.1,localhost"
    if (arguments.token_url or "").startswith("http://"):
        # Test servers may give tokens out without TLS; oauthlib wants to be told.
        os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"
    logging.basicConfig(level=logging.DEBUG if arguments.verbose else logging.ERROR)

    checks = Checks(f"exchangelib over {arguments.auth}")
    try:
        account = account_of(arguments)
    except Exception as error:  # as above
        print(f"FAILED {checks.label}: logging in: {type(error).__name__}: {error}")
        return 1
    for check in (folders, hierarchy, mime, sync, streaming):
        checks.run(check.__name__, check, account)
    account.protocol.close()
    return 1 if checks.failed else 0


if __name__ == "__main__":
    sys.exit(main())
