#!/usr/bin/env python3
"""Logs in by NTLM as requests_ntlm does, at a server that demands Extended Protection (`--epa required`).

usage: requests_ntlm_check.py --url https://HOST:PORT/EWS/Exchange.asmx --user DOMAIN\\\\USER --password PASSWORD --ca FILE

With the channel binding of the TLS connection the login must pass; without it, and with a wrong password, it must be refused. Each check
prints a line that begins with `ok` or `FAILED`; the exit code is 1 where one failed.
"""

import argparse
import sys

import requests
from requests_ntlm import HttpNtlmAuth

REQUEST = """<?xml version="1.0" encoding="utf-8"?>
<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types"
  xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages">
<s:Header><t:RequestServerVersion Version="Exchange2013_SP1"/></s:Header>
<s:Body><m:GetFolder><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape>
<m:FolderIds><t:DistinguishedFolderId Id="inbox"/></m:FolderIds></m:GetFolder></s:Body></s:Envelope>"""


def post(session, url):
    return session.post(url, data=REQUEST.encode(), headers={"Content-Type": "text/xml; charset=utf-8"}, timeout=30)


def session(arguments, password, binding):
    made = requests.Session()
    made.trust_env = False
    made.verify = arguments.ca or True
    made.auth = HttpNtlmAuth(arguments.user, password, send_cbt=binding)
    return made


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", required=True)
    parser.add_argument("--user", required=True)
    parser.add_argument("--password", required=True)
    parser.add_argument("--ca")
    arguments = parser.parse_args()

    failed = 0

    def tell(name, wanted, answer):
        nonlocal failed
        good = answer.status_code == wanted and (wanted != 200 or "NoError" in answer.text)
        failed += not good
        print(f"{'ok' if good else 'FAILED'} requests_ntlm: {name}: status {answer.status_code}" + ("" if good else f", not {wanted}: {answer.text[:500]}"))

    with session(arguments, arguments.password, True) as bound:
        tell("with the channel binding", 200, post(bound, arguments.url))
        tell("again on the same session", 200, post(bound, arguments.url))
    with session(arguments, arguments.password, False) as unbound:
        tell("without the channel binding", 401, post(unbound, arguments.url))
    with session(arguments, arguments.password + "x", True) as wrong:
        tell("with a wrong password", 401, post(wrong, arguments.url))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
