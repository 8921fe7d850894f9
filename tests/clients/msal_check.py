#!/usr/bin/env python3
"""Asks an identity provider for tokens as MSAL does, by secret and by certificate, and shows them to Graph.

usage: msal_check.py --authority https://HOST:PORT/TENANT --ca FILE --client-id ID --client-secret SECRET
                     --certificate PEM --key PEM --stranger-certificate PEM --stranger-key PEM --graph URL --mailbox ADDRESS

The certificate and its key are the application's own, the stranger's are registered nowhere. Each check prints a line that begins with `ok`
or `FAILED`; the exit code is 1 where one failed.
"""

import argparse
import logging
import os
import pathlib
import sys

GRAPH = "https://graph.microsoft.com/.default"
EXCHANGE = "https://outlook.office365.com/.default"


def expect(condition, text):
    if not condition:
        raise AssertionError(text)


def application(arguments, credential):
    """A client that takes the authority as it is: Microsoft's own directory of authorities does not know it."""
    import msal

    return msal.ConfidentialClientApplication(
        arguments.client_id,
        authority=arguments.authority,
        client_credential=credential,
        instance_discovery=False,
        verify=arguments.ca,
    )


def token_of(client, scope=GRAPH):
    answer = client.acquire_token_for_client([scope])
    expect("access_token" in answer, f"no token: {answer.get('error_description') or answer}")
    return answer


def status_at_graph(arguments, token):
    import requests

    address = f"{arguments.graph}/users/{arguments.mailbox}/mailFolders/inbox"
    return requests.get(address, headers={"Authorization": f"Bearer {token}"}, timeout=60).status_code


def by_secret(arguments):
    client = application(arguments, arguments.client_secret)
    answer = token_of(client)
    expect(answer["token_source"] == "identity_provider", f"the first token came from {answer['token_source']}")
    expect(3000 < answer["expires_in"] < 6000, f"it lives for {answer['expires_in']} s")
    again = token_of(client)
    expect((again["token_source"], again["access_token"]) == ("cache", answer["access_token"]), "MSAL did not keep the token")
    status = status_at_graph(arguments, answer["access_token"])
    expect(status == 200, f"Graph answered {status}")
    return f"a token for {answer['expires_in']} s, kept, and taken by Graph"


def certificate(certificate, key, thumbprint):
    """MSAL's form of a certificate. With the certificate it signs by PS256 and names SHA-256, with a thumbprint by RS256 and SHA-1."""
    pem = pathlib.Path(certificate).read_text()
    credential = {"private_key": pathlib.Path(key).read_text()}
    if not thumbprint:
        return credential | {"public_certificate": pem}
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    digest = x509.load_pem_x509_certificate(pem.encode()).fingerprint(hashes.SHA1())
    return credential | {"thumbprint": digest.hex()}


def by_certificate(arguments, thumbprint):
    credential = certificate(arguments.certificate, arguments.key, thumbprint)
    status = status_at_graph(arguments, token_of(application(arguments, credential))["access_token"])
    expect(status == 200, f"Graph answered {status}")
    return "named by " + ("its SHA-1 thumbprint" if thumbprint else "its SHA-256 thumbprint")


def refused(client, code):
    answer = client.acquire_token_for_client([GRAPH])
    expect("access_token" not in answer, "a token was given out")
    expect(code in answer.get("error_codes", []), f"refused otherwise: {answer}")
    return answer["error_description"].split(":")[0]


def by_wrong_secret(arguments):
    return refused(application(arguments, arguments.client_secret + "x"), 7000215)


def by_foreign_certificate(arguments):
    return refused(application(arguments, certificate(arguments.stranger_certificate, arguments.stranger_key, False)), 700027)


def of_another_audience(arguments):
    token = token_of(application(arguments, arguments.client_secret), EXCHANGE)["access_token"]
    status = status_at_graph(arguments, token)
    expect(status == 401, f"Graph took a token for Exchange: {status}")
    return "a token for Exchange is refused by Graph"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("authority", "ca", "client-id", "client-secret", "certificate", "key"):
        parser.add_argument(f"--{name}", required=True)
    for name in ("stranger-certificate", "stranger-key", "graph", "mailbox"):
        parser.add_argument(f"--{name}", required=True)
    arguments = parser.parse_args()
    # In requests a bundle of the environment goes before the one a session names.
    os.environ["REQUESTS_CA_BUNDLE"] = arguments.ca
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"
    logging.basicConfig(level=logging.ERROR)

    checks = [
        ("by secret", by_secret, arguments),
        ("by certificate", by_certificate, arguments, False),
        ("by certificate", by_certificate, arguments, True),
        ("by a wrong secret", by_wrong_secret, arguments),
        ("by a foreign certificate", by_foreign_certificate, arguments),
        ("of another audience", of_another_audience, arguments),
    ]
    failed = 0
    for name, check, *given in checks:
        try:
            print(f"ok msal {name}: {check(*given)}", flush=True)
        except Exception as error:  # every failure is a result here
            failed += 1
            print(f"FAILED msal {name}: {type(error).__name__}: {error}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
