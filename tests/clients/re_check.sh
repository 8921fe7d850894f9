#!/usr/bin/env bash
# Uses the Communications Mining API by the published command line `re` (crate reinfer-cli): makes a bucket, uploads emails from JSON lines and
# from .eml files, reads them back and compares, lists sync states, deletes what it made.
#
# usage: re_check.sh URL TOKEN [RE]
#
# URL is the server's own address (with or without `/api/` behind it), RE the program, target/tools/bin/re when absent; install_re.sh installs
# it. Each check prints a line that begins with `ok` or `FAILED`; the exit code is 1 where one failed.
set -euo pipefail

if (($# < 2)); then
  echo "usage: re_check.sh URL TOKEN [RE]" >&2
  exit 2
fi
url=${1%/} token=$2
url=${url%/api}
program=${3:-$(dirname "$(readlink -f "$0")")/../../target/tools/bin/re}
bucket=acme/re-check-$$

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Tokens go in by a file: command lines can be read by everybody on the machine.
python3 - "$url" >"$work/contexts.json" <<PYTHON
import json, sys

def context(name, token):
    return {"name": name, "endpoint": sys.argv[1], "token": token, "accept_invalid_certificates": False}

print(json.dumps({"current_context": "right", "contexts": [context("right", "$token"), context("wrong", "no-such-token")]}))
PYTHON

cat >"$work/emails.jsonl" <<'JSON'
{"id":"<1@example.com>","mailbox":"alice@example.com","timestamp":"2024-05-01T10:20:30Z","mime_content":"From: a@example.com\r\nSubject: Grüße\r\n\r\n日本語 \"quoted\"\r\n","metadata":{"sensitivity":"Normal","size":12345,"categories":["Red"],"importance":"High","has_attachments":true,"conversation_id":"AAQk","conversation_topic":"Grüße","is_read":false,"folder":["Inbox","Sub/folder"],"received_at":"2024-05-01T10:20:31Z"},"attachments":[{"name":"a.pdf","size":1024,"content_type":"application/pdf"}]}
{"id":"AAMkAG/with+odd=&characters","mailbox":"bob@example.com","timestamp":"2024-05-02T10:20:30Z","mime_content":"Subject: second\r\n\r\n"}
{"id":"<3@example.com>","mailbox":"alice@example.com","timestamp":"2024-05-03T10:20:30Z","mime_content":"Subject: third\r\n\r\nbody\r\n"}
JSON
mkdir "$work/emls"
for number in 1 2 3 4 5 6; do
  printf 'Message-ID: <eml-%s@example.com>\r\nDate: 0%s May 2024 10:20:30 +0200\r\nFrom: a@example.com\r\nSubject: file %s\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nbody %s: Grüße\r\n' \
    "$number" "$number" "$number" "$number" >"$work/emls/$number.eml"
done

failed=0

re() { timeout 60 "$program" --config-file "$work/contexts.json" --context "${context:-right}" "$@"; }

# check NAME COMMAND [ARGUMENT...]: that a command succeeds.
check() {
  local name=$1
  shift
  if "$@" >"$work/out" 2>"$work/err"; then
    echo "ok re: $name"
  else
    echo "FAILED re: $name"
    head -c 1000 "$work/out" "$work/err" || true
    failed=1
  fi
}

# refused STATUS COMMAND [ARGUMENT...]: that a command fails, and that it names the status.
refused() {
  local status=$1
  shift
  ! "$@" >"$work/shown" 2>&1 && grep -qF -- "$status" "$work/shown" || { cat "$work/shown"; return 1; }
}

# same EXPECTED FOUND: the same emails, in whatever order, but for the times of their storage.
same() {
  python3 - "$1" "$2" <<'PYTHON'
import json, sys

def emails(path):
    with open(path, encoding="utf-8") as file:
        found = [json.loads(line) for line in file if line.strip()]
    for email in found:
        email.pop("created_at", None)
        email.pop("updated_at", None)
        email.setdefault("attachments", [])
        email.setdefault("metadata", None)
        # What is absent may be read back as null.
        if email["metadata"]:
            email["metadata"] = {name: value for name, value in email["metadata"].items() if value is not None}
    return sorted(found, key=lambda email: email["id"])

expected, found = emails(sys.argv[1]), emails(sys.argv[2])
if expected != found:
    sys.exit(f"expected {json.dumps(expected)[:800]}\nfound {json.dumps(found)[:800]}")
PYTHON
}

# holds TEXT COMMAND [ARGUMENT...]: that the output of a command has a text.
holds() {
  local text=$1
  shift
  "$@" >"$work/shown" && grep -qF -- "$text" "$work/shown" || { cat "$work/shown"; return 1; }
}

# counted NUMBER: that the last column of the bucket's line is this; `=` says that the number is exact.
counted() { awk -v bucket="$bucket" -v wanted="$1" 'index($0, bucket) { found = $NF } END { exit found != wanted }' "$work/shown" || { cat "$work/shown"; return 1; }; }

put_state() {
  local body=$2 id
  id=$(re --output json get buckets "$bucket" | python3 -c 'import json, sys; print(json.load(sys.stdin)["id"])')
  printf 'header = "Authorization: Bearer %s"\n' "$token" |
    curl --silent --show-error --fail --noproxy '*' --max-time 30 --config - --header 'Content-Type: application/json' \
      --request PUT --data-binary "{\"keyed_sync_state\":$body}" "$url/api/_private/buckets/id:$id/keyed-sync-state/$1"
}

check "permissions are refreshed" re auth refresh
check "a bucket is made" holds "$bucket" re create bucket "$bucket" --title "Check of re"
check "emails are uploaded from JSON lines" re create emails --bucket "$bucket" --file "$work/emails.jsonl" --batch-size 2 --no-progress --yes
check "a second upload replaces" re create emails --bucket "$bucket" --file "$work/emails.jsonl" --no-progress --yes
check "emails are downloaded" re get emails "$bucket" --file "$work/found.jsonl"
check "they are those that were uploaded" same "$work/emails.jsonl" "$work/found.jsonl"
check "one email is downloaded" re get emails "$bucket" "AAMkAG/with+odd=&characters" --file "$work/one.jsonl"
sed -n 2p "$work/emails.jsonl" >"$work/second.jsonl"
check "it is the one asked for" same "$work/second.jsonl" "$work/one.jsonl"
check "emails of a mailbox and a time are downloaded" \
  re get emails "$bucket" --mailbox alice@example.com --from-timestamp 2024-05-02T00:00:00Z --file "$work/some.jsonl"
sed -n 3p "$work/emails.jsonl" >"$work/third.jsonl"
check "they are those of the filter" same "$work/third.jsonl" "$work/some.jsonl"
check ".eml files are uploaded" re parse emls --bucket "$bucket" --dir "$work/emls" --yes
check "the statistics are shown" holds "$bucket" re get buckets "$bucket" --stats
check "the emails are counted" counted =9
check "a file is there as it was" holds 'body 5: Grüße\r\n' re get emails "$bucket" "<eml-5@example.com>"
check "a state of a folder is stored" put_state aa \
  '{"mailbox_name":"alice@example.com","folder_id":"AQMk","folder_path":["Inbox","Sub"],"status":"IN_PROGRESS","synced_until":"2024-05-01T00:00:00Z"}'
check "a state of a mailbox is stored" put_state bb '{"mailbox_name":"bob@example.com","status":"UP_TO_DATE","synced_until":null}'
check "the state of the folder is listed" holds '"folder_path":["Inbox","Sub"]' re --output json get keyed-sync-states "$bucket"
check "the state of the mailbox is listed" holds UP_TO_DATE re --output json get keyed-sync-states "$bucket"
check "states are shown to people" holds alice@example.com re get keyed-sync-states "$bucket"
check "a token that is none is refused" refused 401 eval 'context=wrong re get buckets'
check "an unknown bucket is refused" refused 404 re get emails acme/no-such-bucket
check "the bucket is deleted" re delete bucket "$bucket"
check "it is gone" refused 404 re get emails "$bucket"
exit "$failed"
