#!/usr/bin/env bash
# Logs in at an EWS server with curl: by NTLM and by Basic, with the right password and with a wrong one.
#
# usage: curl_check.sh URL 'DOMAIN\user' PASSWORD [CA_FILE]
#
# Each check prints a line that begins with `ok` or `FAILED`; the exit code is 1 where one failed.
set -euo pipefail

if (($# < 3)); then
  echo "usage: curl_check.sh URL 'DOMAIN\\user' PASSWORD [CA_FILE]" >&2
  exit 2
fi
url=$1 user=$2 password=$3 ca=${4:-}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/request.xml" <<'XML'
<?xml version="1.0" encoding="utf-8"?>
<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types"
  xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages">
<s:Header><t:RequestServerVersion Version="Exchange2013_SP1"/></s:Header>
<s:Body><m:GetFolder><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape>
<m:FolderIds><t:DistinguishedFolderId Id="inbox"/></m:FolderIds></m:GetFolder></s:Body></s:Envelope>
XML

failed=0

# check SCHEME PASSWORD STATUS NAME
check() {
  local scheme=$1 secret=$2 wanted=$3 name=$4 status
  local options=(--silent --show-error --noproxy '*' --max-time 30 "--$scheme" --output "$work/answer" --write-out '%{http_code}')
  [[ -z $ca ]] || options+=(--cacert "$ca")
  # The password goes in by a configuration on standard input: command lines can be read by everybody on the machine.
  local quoted=${user//\\/\\\\}:${secret//\\/\\\\}
  status=$(printf 'user = "%s"\n' "${quoted//\"/\\\"}" |
    curl "${options[@]}" --config - --header 'Content-Type: text/xml; charset=utf-8' --data-binary "@$work/request.xml" "$url") || status="none (curl failed)"
  if [[ $status == "$wanted" ]] && { [[ $wanted != 200 ]] || grep -q NoError "$work/answer"; }; then
    echo "ok curl --$scheme: $name: status $status"
  else
    echo "FAILED curl --$scheme: $name: status $status, not $wanted"
    head -c 500 "$work/answer" 2>/dev/null || true
    failed=1
  fi
}

for scheme in ntlm basic; do
  check "$scheme" "$password" 200 "right password"
  check "$scheme" "${password}x" 401 "wrong password"
done
exit "$failed"
