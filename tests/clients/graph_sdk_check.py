#!/usr/bin/env python3
"""Uses a Graph server as Microsoft's SDK for Python does: folders, message deltas to the end, MIME, batches, identifiers, a subscription.

usage: graph_sdk_check.py --url http://127.0.0.1:PORT/v1.0 --authority https://HOST:PORT --tenant TENANT --ca FILE
                          --client-id ID (--client-secret SECRET | --certificate PEM_WITH_KEY) --mailbox ADDRESS --folder NAME

Tokens come from azure-identity. Each check prints a line that begins with `ok` or `FAILED`; the exit code is 1 where one failed. The checks
write into the mailbox: a message is saved, marked as read and deleted. The folder is one that the mailbox must have, at whatever depth.
"""

import argparse
import asyncio
import datetime
import email
import http.server
import logging
import os
import sys
import threading
import urllib.parse

IMMUTABLE = 'IdType="ImmutableId"'


def expect(condition, text):
    if not condition:
        raise AssertionError(text)


def client_of(arguments):
    """The SDK pointed at another address. It sends tokens to the hosts it is told to trust, and without TLS only to this machine."""
    from azure.identity import CertificateCredential, ClientSecretCredential
    from kiota_authentication_azure.azure_identity_authentication_provider import AzureIdentityAuthenticationProvider
    from msgraph import GraphRequestAdapter, GraphServiceClient

    settings = {"authority": arguments.authority, "disable_instance_discovery": True, "connection_verify": arguments.ca}
    if arguments.certificate:
        credential = CertificateCredential(arguments.tenant, arguments.client_id, arguments.certificate, **settings)
    else:
        credential = ClientSecretCredential(arguments.tenant, arguments.client_id, arguments.client_secret, **settings)
    host = urllib.parse.urlsplit(arguments.url).hostname
    provider = AzureIdentityAuthenticationProvider(credential, scopes=["https://graph.microsoft.com/.default"], allowed_hosts=[host])
    adapter = GraphRequestAdapter(provider)
    adapter.base_url = arguments.url
    return GraphServiceClient(request_adapter=adapter)


def configuration(builder, headers=None, **query):
    """What the SDK calls the options of a request: its parameters have a class of their own in each builder."""
    from kiota_abstractions.base_request_configuration import RequestConfiguration
    from kiota_abstractions.headers_collection import HeadersCollection

    fields = HeadersCollection()
    for name, value in (headers or {}).items():
        fields.add(name, value)
    kind = next((getattr(type(builder), name) for name in dir(type(builder)) if name.endswith("GetQueryParameters")), None)
    return RequestConfiguration(headers=fields, query_parameters=kind(**query) if kind and query else None)


async def pages(builder, given):
    """The pages of a collection, by following its links."""
    page = await builder.get(request_configuration=given)
    while True:
        yield page
        if not page.odata_next_link:
            return
        expect(not getattr(page, "odata_delta_link", None), "a page has both links")
        # Preferences are not part of the link.
        page = await builder.with_url(page.odata_next_link).get(request_configuration=configuration(builder, given_headers(given)))


def given_headers(given):
    return {name: ", ".join(values) for name, values in given.headers.get_all().items()} if given else {}


async def folders(user):
    """Every folder of a mailbox, level by level."""
    found, waiting = [], [user.mail_folders]
    while waiting:
        builder = waiting.pop()
        async for page in pages(builder, configuration(builder, include_hidden_folders="true")):
            for folder in page.value:
                found.append(folder)
                if folder.child_folder_count:
                    waiting.append(user.mail_folders.by_mail_folder_id(folder.id).child_folders)
    return found


async def check_folders(user, client):
    found = await folders(user)
    inbox = await user.mail_folders.by_mail_folder_id("inbox").get()
    top = await user.mail_folders.by_mail_folder_id("msgfolderroot").get()
    ids = {folder.id for folder in found}
    expect(len(ids) == len(found), "a folder was listed twice")
    expect(inbox.id in ids and inbox.parent_folder_id == top.id, "the inbox is not directly below the top")
    expect(all(folder.parent_folder_id in ids | {top.id} for folder in found), "a folder's parent is not among the folders")
    names = {folder.display_name for folder in found}
    expect(client.folder in names, f"{client.folder!r} is not among {names}")
    return f"{len(found)} folders, {inbox.total_item_count} items in the inbox"


async def check_folder_delta(user, _):
    builder = user.mail_folders.delta
    found, last = [], None
    async for page in pages(builder, configuration(builder, {"Prefer": "odata.maxpagesize=10"})):
        found += page.value
        last = page
    expect(len({folder.id for folder in found}) == len(found) > 10, f"{len(found)} folders, some of them twice")
    again = await builder.with_url(last.odata_delta_link).get()
    expect(not again.value, f"nothing happened, yet folders were told: {[folder.display_name for folder in again.value]}")
    return f"{len(found)} folders"


async def walk(builder, given):
    """A message delta to its end: the messages, the pages and the link for later."""
    found, count, link = [], 0, None
    async for page in pages(builder, given):
        found, count, link = found + page.value, count + 1, page.odata_delta_link
    expect(link, "the last page has no link for later")
    return found, count, link


async def check_delta(user, _):
    from msgraph.generated.models.message import Message

    inbox = user.mail_folders.by_mail_folder_id("inbox")
    builder = inbox.messages.delta
    headers = {"Prefer": f"odata.maxpagesize=10, {IMMUTABLE}"}
    found, count, link = await walk(builder, configuration(builder, headers, select=["subject", "receivedDateTime", "isRead"]))
    ids = {message.id for message in found}
    total = (await inbox.get()).total_item_count
    expect(len(ids) == len(found) == total, f"{len(ids)} messages in {len(found)} entries, {total} counted")
    expect(count >= total // 10, f"{count} pages of ten for {total} messages")
    expect(all(message.received_date_time and message.is_read is not None for message in found), "something selected is missing")

    async def later(link):
        return await walk(builder.with_url(link), configuration(builder, headers))

    fresh = Message(subject="written by msgraph-sdk", is_read=False)
    options = configuration(inbox.messages, {"Prefer": IMMUTABLE})
    fresh = await inbox.messages.post(fresh, request_configuration=options)
    changes, _, link = await later(link)
    expect([change.id for change in changes] == [fresh.id], f"after a save: {changes}")
    one = user.messages.by_message_id(fresh.id)
    await one.patch(Message(is_read=True), request_configuration=options)
    changes, _, link = await later(link)
    expect([(change.id, change.is_read) for change in changes] == [(fresh.id, True)], f"after a change of the read flag: {changes}")
    await one.delete(request_configuration=options)
    changes, _, link = await later(link)
    gone = [(change.id, change.additional_data["@removed"]["reason"]) for change in changes]
    expect(gone == [(fresh.id, "deleted")], f"after a deletion: {gone}")
    changes, _, _ = await later(link)
    expect(not changes, f"nothing happened, yet changes were told: {changes}")
    return f"{len(found)} messages in {count} pages; a save, a read flag and a deletion seen"


async def newest(user, count, **query):
    builder = user.mail_folders.by_mail_folder_id("inbox").messages
    page = await builder.get(request_configuration=configuration(builder, top=count, **query))
    return page.value


async def check_mime(user, _):
    lengths = []
    for message in await newest(user, 5):
        content = await user.messages.by_message_id(message.id).content.get()
        parsed = email.message_from_bytes(content)
        expect(parsed.keys(), f"the MIME of {message.subject!r} has no headers")
        expect(not message.internet_message_id or parsed["Message-ID"].strip() == message.internet_message_id, "another message came")
        lengths.append(len(content))
    expect(len(lengths) == 5, f"{len(lengths)} messages were listed")
    return f"{len(lengths)} messages of {min(lengths)} to {max(lengths)} bytes"


async def check_list(user, _):
    since = "receivedDateTime ge 2000-01-01T00:00:00Z"
    extended = "singleValueExtendedProperties($filter=id eq 'Integer 0x0E08')"
    order = ["receivedDateTime asc"]
    found = await newest(user, 20, select=["receivedDateTime", "subject"], filter=since, orderby=order, expand=[extended])
    times = [message.received_date_time for message in found]
    expect(len(times) == 20 and times == sorted(times), f"the order is wrong: {times}")
    sizes = [int(message.single_value_extended_properties[0].value) for message in found]
    expect(all(size > 0 for size in sizes), f"sizes of {sizes}")
    kinds = {type(message).__name__ for message in found}
    return f"{len(found)} by date, of {min(sizes)} to {max(sizes)} bytes ({', '.join(sorted(kinds))})"


async def check_identifiers(user, _):
    from msgraph.generated.models.exchange_id_format import ExchangeIdFormat
    from msgraph.generated.users.item.translate_exchange_ids.translate_exchange_ids_post_request_body import (
        TranslateExchangeIdsPostRequestBody,
    )

    usual = [message.id for message in await newest(user, 3)]
    builder = user.mail_folders.by_mail_folder_id("inbox").messages
    page = await builder.get(request_configuration=configuration(builder, {"Prefer": IMMUTABLE}, top=3))
    wish = TranslateExchangeIdsPostRequestBody(
        input_ids=usual, source_id_type=ExchangeIdFormat.RestId, target_id_type=ExchangeIdFormat.RestImmutableEntryId
    )
    answer = await user.translate_exchange_ids.post(wish)
    expect([one.target_id for one in answer.value] == [message.id for message in page.value], "the identifiers do not fit together")
    return f"{len(usual)} translated to immutable ones"


async def check_batch(user, client):
    from msgraph_core.requests.batch_request_content import BatchRequestContent
    from msgraph_core.requests.batch_request_item import BatchRequestItem

    wanted = [message.id for message in await newest(user, 3)] + ["this-is-no-id"]
    content = BatchRequestContent()
    items = [BatchRequestItem(user.messages.by_message_id(one).to_get_request_information()) for one in wanted]
    for item in items:
        # The SDK puts whole addresses into batches, which Graph refuses: they must begin behind the version.
        item.url = item.url.removeprefix(client.request_adapter.base_url)
        content.add_request(item.id, item)
    # Bodies that are JSON get lost in this version of the SDK, so the statuses must do.
    statuses = (await client.batch.post(content)).get_response_status_codes()
    got = [statuses.get(item.id) for item in items]
    expect(got == [200, 200, 200, 400], f"the statuses are {got}")
    return f"{len(got)} requests in one"


async def check_refusal(user, _):
    from msgraph.generated.models.o_data_errors.o_data_error import ODataError

    try:
        await user.messages.by_message_id("this-is-no-id").get()
    except ODataError as error:
        expect((error.response_status_code, error.error.code) == (400, "ErrorInvalidIdMalformed"), f"refused otherwise: {error}")
        expect(error.error.inner_error and error.error.inner_error.request_id, "the refusal has no request id")
        return error.error.code
    raise AssertionError("an identifier that is none was taken")


class Receiver(http.server.BaseHTTPRequestHandler):
    """Says validation tokens back and takes whatever else comes."""

    told = threading.Event()

    def log_message(self, *_):
        pass

    def do_POST(self):  # the name is the library's
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        token = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query).get("validationToken")
        if not token:
            self.told.set()
        body = token[0].encode() if token else b""
        self.send_response(200 if token else 202)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


async def check_subscription(user, client):
    from msgraph.generated.models.message import Message
    from msgraph.generated.models.subscription import Subscription

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    until = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
    wish = Subscription(
        change_type="created",
        notification_url=f"http://127.0.0.1:{server.server_address[1]}/hook",
        resource=f"/users/{client.mailbox}/messages",
        expiration_date_time=until,
        client_state="secret",
    )
    try:
        made = await client.subscriptions.post(wish)
        fresh = await user.mail_folders.by_mail_folder_id("inbox").messages.post(Message(subject="a reason for a notification"))
        expect(await asyncio.to_thread(Receiver.told.wait, 10), "a new message was not told of")
        one = client.subscriptions.by_subscription_id(made.id)
        later = until + datetime.timedelta(hours=1)
        renewed = await one.patch(Subscription(expiration_date_time=later))
        expect(abs(renewed.expiration_date_time - later) < datetime.timedelta(seconds=1), f"renewed until {renewed.expiration_date_time}")
        await one.delete()
        await user.messages.by_message_id(fresh.id).delete()
        listed = await client.subscriptions.get()
        expect(made.id not in {subscription.id for subscription in listed.value}, "a deleted subscription is listed")
    finally:
        server.shutdown()
    return "validated, told, renewed and deleted"


async def run(arguments):
    client = client_of(arguments)
    client.mailbox, client.folder = arguments.mailbox, arguments.folder
    user = client.users.by_user_id(arguments.mailbox)
    checks = [check_folders, check_folder_delta, check_delta, check_mime, check_list, check_identifiers, check_batch]
    failed = 0
    for check in [*checks, check_refusal, check_subscription]:
        name = check.__name__.removeprefix("check_").replace("_", " ")
        try:
            print(f"ok msgraph-sdk: {name}: {await check(user, client)}", flush=True)
        except Exception as error:  # every failure is a result here
            failed += 1
            print(f"FAILED msgraph-sdk: {name}: {type(error).__name__}: {error}")
            logging.debug("the cause", exc_info=True)
    return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("url", "authority", "tenant", "ca", "client-id", "mailbox", "folder"):
        parser.add_argument(f"--{name}", required=True)
    proof = parser.add_mutually_exclusive_group(required=True)
    proof.add_argument("--client-secret")
    proof.add_argument("--certificate", help="PEM file with the certificate and its key")
    parser.add_argument("--verbose", action="store_true", help="show the traffic and the causes of failures")
    arguments = parser.parse_args()
    # In requests a bundle of the environment goes before the one a session names.
    os.environ["REQUESTS_CA_BUNDLE"] = arguments.ca
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"
    logging.basicConfig(level=logging.DEBUG if arguments.verbose else logging.CRITICAL)
    return asyncio.run(run(arguments))


if __name__ == "__main__":
    sys.exit(main())
