#!/usr/bin/env bash
# Mails the people of a list through Dispatch and prints what the mail server answered for each. curl and jq.
#
#     export DISPATCH_URL=https://dispatch.example.org DISPATCH_TOKEN=…    # an API token of the scope `full`
#     printf 'ada@example.org,Ada Lovelace\n' | ./client.sh 'News of the week'
set -euo pipefail
shopt -s inherit_errexit

api="${DISPATCH_URL:-http://127.0.0.1:8000}/api/v1"
subject="${1:-Hello}"

# ask METHOD PATH [BODY]: prints the answer's body. Asked again when told to wait (429, 503), for then nothing has been
# done. Fails with what is wrong, with status 9 and in silence where it is there already (409). The token goes through a
# file: arguments can be read by everybody on the machine.
ask() {
  local answer body
  while :; do
    answer="$(curl --silent --show-error --max-time 30 --write-out '\n%{http_code}' --request "$1" \
      --header @<(printf 'Authorization: Bearer %s\n' "${DISPATCH_TOKEN:-}") \
      --header 'Content-Type: application/json' ${3+--data "$3"} "$api$2")"
    body="${answer%$'\n'*}"
    case "${answer##*$'\n'}" in
      2*) printf '%s' "$body" && return ;;
      409) return 9 ;;
      429 | 503) sleep 2 ;;
      *)
        jq -r '"\(.status) \(.code): " + (([.fields[]? | "\(.field): \(.message)"] | join("; ") | select(. != "")) // .detail)' \
          <<<"$body" >&2
        return 1
        ;;
    esac
  done
}

# recipient_id EMAIL NAME: one who is there already is found.
recipient_id() {
  local new answer
  new="$(jq -n --arg email "$1" --arg full_name "$2" '{$email, $full_name}')"
  answer="$(ask POST /recipients "$new")" && jq .id <<<"$answer" && return
  [ $? = 9 ] || return 1
  answer="$(ask GET "/recipients?per_page=100&q=$(jq -rn --arg q "$1" '$q | @uri')")"
  jq -e --arg email "$1" '.items[] | select((.email | ascii_downcase) == ($email | ascii_downcase)) | .id' <<<"$answer"
}

ids=()
while IFS=, read -r email name; do
  [ -n "$email" ] || continue
  id="$(recipient_id "$email" "$name")"
  ids+=("$id")
done

html="<p>Hello, {{ full_name | default('friend', true) }}!</p>"
message="$(ask POST /messages "$(jq -n --arg subject "$subject" --arg html "$html" '{$subject, $html}')" | jq .id)"
mailing="$(ask POST /mailings "$(jq -n --argjson message_id "$message" '{$message_id, recipients: {ids: $ARGS.positional},
  start_now: true, recurrence: "once", time_zone: "UTC"}' --jsonargs "${ids[@]}")" | jq .id)"

# Those who are asked to wait are tried again for a day.
while :; do
  runs="$(ask GET "/mailings/$mailing/runs")"
  run="$(jq 'first(.items[] | select(.status == "finished" or .status == "cancelled")) | .id' <<<"$runs")"
  [ -z "$run" ] || break
  sleep 1
done

cursor=
while :; do
  stretch="$(ask GET "/attempts?run_id=$run&limit=200$cursor")"
  jq -r '.items[] | "\(.recipient.email) \(.outcome) \(.smtp_code // "-") \(.response)"' <<<"$stretch"
  next="$(jq -r '.next_cursor // empty | @uri' <<<"$stretch")"
  [ -n "$next" ] || break
  cursor="&cursor=$next"
done | sort
